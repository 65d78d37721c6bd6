"""Stopping everything that this user can reach: first the runs, then the boards themselves."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mien.robot.control.estop_socket import Answer, request_stop, sockets
from mien.robot.errors import DeviceError
from mien.robot.link import handshake
from mien.robot.link.dialogue import Dialogue
from mien.robot.link.discovery import find_ports, open_board_port
from mien.robot.link.transport import SerialTransport
from mien.robot.wire import Msg, State

BOOT_S: Final = 3.0
"""A board that was reset by opening its port receives nothing for up to 2 s."""
RIG: Final = "sim"


def clear(port: str) -> str:
    """Leave ESTOP on the board at ``port``; returns its state by name.

    Raises:
        DeviceError: no board, or it still sees a reason to stop.
    """
    with _talk(port) as talk:
        attempts = round(BOOT_S / handshake.HELLO_S)
        talk.request(Msg.HELLO, b"", Msg.HELLO_REPLY, handshake.HELLO_S, attempts)
        return handshake.clear(talk).name


def stop_all(port: str) -> None:
    """Stop every run of this user, then each board at ``port`` for which no run has confirmed.

    Prints the state of each as it answers.

    Raises:
        DeviceError: something did not confirm, or there was nothing to stop. All others are
            stopped by then.
    """
    answers, failures = _stop_runs()
    stopped = {a.port for a in answers if a.state == State.ESTOP.name}
    boards = _remaining(port, stopped)
    for device in boards:
        try:
            with _talk(device) as talk:
                print(f"{handshake.estop(talk, BOOT_S).name}  {device}", flush=True)
        except DeviceError as e:  # the others are stopped all the same
            failures.append(e)
    if failures:
        raise failures[0]
    if not (boards or stopped):
        raise DeviceError("no run and no board found to stop", "cut the servo supply")


def _stop_runs() -> tuple[list[Answer], list[DeviceError]]:
    """All at once, so that one that hangs keeps none of the others waiting."""
    try:
        runs = sockets()
    except DeviceError as e:
        return [], [e]  # the ports are still there to be asked

    def one(path: Path) -> Answer | DeviceError:
        try:
            answer = request_stop(path)
            print(f"{answer.state}  {answer.port or 'a run with no board open'}", flush=True)
            return answer
        except DeviceError as e:
            print(f"mien: {e.message}", file=sys.stderr, flush=True)
            return e

    with ThreadPoolExecutor(max(1, len(runs))) as pool:
        answers = list(pool.map(one, runs))
    failures = [e for e in answers if isinstance(e, DeviceError)]
    return [a for a in answers if isinstance(a, Answer)], failures


def _remaining(port: str, stopped: set[str]) -> list[str]:
    """Ports whose board is still to be stopped."""
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
