"""A board and its clock from what the user wrote after ``--port``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from robot.config import FaceConfig
from robot.link.board import Board
from robot.link.transport import Transport
from robot.live.rig import LiveRig, MachineClock, simulated
from robot.loop import Clock

DRY_RUN: Final = "file:"
LEAD_S: Final = 0.025
"""Live faces answer at once: a period of 60 Hz, a late tick and the line, no more."""


@dataclass(frozen=True)
class Opened:
    """A connected board. ``rig`` is None on hardware."""

    board: Board
    clock: Clock
    rig: LiveRig | None


@contextmanager
def opened(
    face: FaceConfig,
    port: str,
    build: int = 0,
    faults: Sequence[str] = (),
    lead_s: float = LEAD_S,
    wire: Callable[[int, bytes], None] = lambda _us, _data: None,
) -> Iterator[Opened]:
    """Connect to a board, and close at the end.

    ``port`` is ``sim``, ``auto`` (the one board that answers), the path of a serial port, or
    ``file:PATH``: a dry run, whose bytes are written to that file and move nothing.

    Args:
        build, faults: of the simulated robot. wire: hears its bytes.

    Raises:
        DeviceError: no board, or it does not fit.
    """
    rig: LiveRig | None = None
    if port == "sim":
        from robot.sim.faults import parse_faults

        sim = simulated(face, build, tuple(parse_faults(list(faults), face)))
        rig = LiveRig(sim, wire)
        board = Board(face, rig, rig.now, lead_s)
        clock: Clock = rig
    else:
        clock = MachineClock()
        board = Board(face, _line(port, face.baud), clock.now, lead_s)
    try:
        board.connect()
        yield Opened(board, clock, rig)
    finally:
        board.close()


def _line(port: str, baud: int) -> Transport:
    from robot.link.discovery import open_board_port
    from robot.link.transport import SerialTransport, dry_run

    if port == "auto":
        return open_board_port(baud, alone=True)
    if port.startswith(DRY_RUN):
        return dry_run(Path(port.removeprefix(DRY_RUN)))
    return SerialTransport(port, baud, alone=True)
