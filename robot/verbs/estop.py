"""Verbs that talk to a board and move nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mien.robot.control.estop_socket import Answer, ask, sockets
from mien.robot.errors import DeviceError
from mien.robot.link import handshake
from mien.robot.link.dialogue import Dialogue
from mien.robot.link.discovery import find_ports, open_board_port
from mien.robot.link.transport import SerialTransport
from mien.robot.wire import Msg, State

BOOT_S = 3.0  # a board that was reset by opening its port hears nothing for up to 2 s
RIG = "sim"

Port = Annotated[str, typer.Option(help="Serial port; auto asks each for a board.")]


def clear(port: Port = "auto") -> None:
    """Leave ESTOP and forget latched faults. Outputs stay off until a face is armed again."""
    with _talk(port) as talk:
        attempts = round(BOOT_S / handshake.HELLO_S)
        talk.ask(Msg.HELLO, b"", Msg.HELLO_REPLY, handshake.HELLO_S, attempts)
        print(handshake.clear(talk).name)


def estop(
    port: Annotated[
        str, typer.Option(help="Serial port; auto asks each for a board, sim none.")
    ] = "auto",
) -> None:
    """Emergency stop: outputs off, latched until mien clear. Needs no face and no handshake.

    First every run of this user is asked, whatever its port, then each board itself for which no
    run has confirmed. A rig in lock-step (demo, speak, bench) moves no robot and does not listen.
    """
    answers, failures = _stop_runs()
    stopped = {a.port for a in answers if a.state == State.ESTOP.name}
    left = _left(port, stopped)
    for device in left:
        try:
            with _talk(device) as talk:
                print(f"{handshake.estop(talk, BOOT_S).name}  {device}", flush=True)
        except DeviceError as e:  # the others are stopped all the same
            failures.append(e)
    if failures:
        raise failures[0]
    if not (left or stopped):
        raise DeviceError("no run and no board found to stop", "cut the servo supply")


def _stop_runs() -> tuple[list[Answer], list[DeviceError]]:
    """All at once, so that one that hangs keeps none of the others waiting."""
    try:
        runs = sockets()
    except DeviceError as e:
        return [], [e]  # the ports are still there to be asked

    def one(path: Path) -> Answer | DeviceError:
        try:
            answer = ask(path)
            print(f"{answer.state}  {answer.port or 'a run with no board open'}", flush=True)
            return answer
        except DeviceError as e:
            print(f"mien: {e.message}", file=sys.stderr, flush=True)
            return e

    with ThreadPoolExecutor(max(1, len(runs))) as pool:
        said = list(pool.map(one, runs))
    failures = [e for e in said if isinstance(e, DeviceError)]
    return [a for a in said if isinstance(a, Answer)], failures


def _left(port: str, stopped: set[str]) -> list[str]:
    """Ports whose board is still to be told."""
    if port == RIG:
        return []
    if port == "auto":
        return [found.device for found in find_ports(but=stopped) if found.mien]
    return [] if Path(port).resolve() in {Path(p).resolve() for p in stopped} else [port]


@contextmanager
def _talk(port: str) -> Iterator[Dialogue]:
    line = open_board_port() if port == "auto" else SerialTransport(port)
    try:
        yield Dialogue(line, time.monotonic)
    finally:
        line.close()
