"""What the loop moves: a connected board, or anything else that takes pulses at their times."""

from __future__ import annotations

from typing import Protocol

from mien.robot.face.config import Floats
from mien.robot.wire import Telemetry


class Driver(Protocol):
    """A connected board, as the loop sees it. ``mien.robot.link.board.Board`` is one."""

    lead_s: float
    """How long before its time a setpoint is sent, s."""

    @property
    def homed_at(self) -> float:
        """When every servo has started and is in the safe pose, s on the loop's clock."""

    def pace(self, t: float) -> float:
        """Share of its speed at which the face may move at ``t`` s: 0 while the board homes."""

    def arm(self) -> None:
        """Outputs on; the board moves to the safe pose by itself."""

    def send(self, t: float, pulses_us: Floats) -> Floats:
        """Pulses (n,) us for ``t`` s -> pulses (n,) us as they were taken."""

    def read(self) -> Telemetry | None:
        """Take in what has arrived. The newest telemetry, or None."""

    def disarm(self) -> None:
        """Outputs off. Raises DeviceError when nobody confirms."""
