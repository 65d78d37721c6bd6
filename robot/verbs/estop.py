"""Verbs that talk to a board and move nothing. They load nothing before they are called."""

from __future__ import annotations

from typing import Annotated

import typer

Port = Annotated[str, typer.Option(help="Serial port. auto asks each port for a board.")]


def clear(port: Port = "auto") -> None:
    """Leave ESTOP and forget latched faults. Outputs stay off until a face is armed again.

    Example: mien clear --port /dev/ttyACM0
    """
    from mien.robot.control import stop_all

    print(stop_all.clear(port))


def estop(
    port: Annotated[
        str, typer.Option(help="Serial port. auto asks each port for a board, sim asks none.")
    ] = "auto",
) -> None:
    """Emergency stop: outputs off, latched until mien clear. Needs no face and no handshake.

    First every run of this user is asked, whatever its port. Then each board is asked for which no
    run has confirmed. A rig in lock-step (demo, speak, bench) moves no robot and does not listen.

    Example: mien estop
    """
    from mien.robot.control import stop_all

    stop_all.stop_all(port)
