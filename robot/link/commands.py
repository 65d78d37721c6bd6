"""Verbs that talk to a board and move nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from robot.link import handshake
from robot.link.dialogue import Dialogue
from robot.link.discovery import open_board_port
from robot.link.transport import SerialTransport
from robot.link.wire import Msg

BOOT_S = 3.0  # a board that was reset by opening its port hears nothing for up to 2 s

Port = Annotated[str, typer.Option(help="Serial port; auto asks each for a board.")]


def clear(port: Port = "auto") -> None:
    """Leave ESTOP and forget latched faults. Outputs stay off until a face is armed again."""
    with _talk(port) as talk:
        attempts = round(BOOT_S / handshake.HELLO_S)
        talk.ask(Msg.HELLO, b"", Msg.HELLO_REPLY, handshake.HELLO_S, attempts)
        print(handshake.clear(talk).name)


def estop(port: Port = "auto") -> None:
    """Emergency stop: outputs off, latched until mien clear. Needs no face and no handshake."""
    with _talk(port) as talk:
        print(handshake.estop(talk, BOOT_S).name)


@contextmanager
def _talk(port: str) -> Iterator[Dialogue]:
    line = open_board_port() if port == "auto" else SerialTransport(port)
    try:
        yield Dialogue(line, time.monotonic)
    finally:
        line.close()
