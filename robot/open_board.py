"""A board and its clock from what the user wrote after ``--port``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from robot.config import FaceConfig
from robot.link.board import Board
from robot.live_rig import LiveRig, MachineClock, simulated
from robot.loop import Clock

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
    """Connect to ``sim``, ``auto`` (the one board that answers) or a path, and close at the end.

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
        from robot.link.discovery import open_board_port
        from robot.link.transport import SerialTransport

        clock = MachineClock()
        line = open_board_port(face.baud) if port == "auto" else SerialTransport(port, face.baud)
        board = Board(face, line, clock.now, lead_s)
    try:
        board.connect()
        yield Opened(board, clock, rig)
    finally:
        board.close()
