"""What a live run adds up to, in memory that does not grow with the hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

_STEP_S: Final = 1e-4
_BINS: Final = 6000


class Histogram:
    """Durations in steps of 0.1 ms up to 0.6 s; longer ones count as that."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)

    def add(self, seconds: float) -> None:
        """Count one; a negative one is 0."""
        self._counts[min(max(int(seconds / _STEP_S), 0), _BINS - 1)] += 1

    def quantile_ms(self, q: float) -> float | None:
        """Upper edge of the step in which the share ``q`` of all is reached; None when empty."""
        total = int(self._counts.sum())
        if not total:
            return None
        at = int(np.searchsorted(np.cumsum(self._counts), q * total))
        return 1e3 * _STEP_S * (min(at, _BINS - 1) + 1)


@dataclass
class Metrics:
    """Ticks of a run.

    Attributes:
        late: setpoints handed over more than half a period after their deadline.
        missed: ticks left out altogether after a stall.
        refused: messages of a panel that ask for nothing that there is.
        lateness: of setpoints behind their deadline. to_frame: from sound to a frame of commands.
        to_setpoint: from sound to setpoint.
    """

    ticks: int = 0
    late: int = 0
    missed: int = 0
    clipped: int = 0
    slowed: int = 0
    interlocked: int = 0
    backed_off: int = 0
    sleeps: int = 0
    refused: int = 0
    lateness: Histogram = field(default_factory=Histogram, repr=False)
    to_frame: Histogram = field(default_factory=Histogram, repr=False)
    to_setpoint: Histogram = field(default_factory=Histogram, repr=False)

    @property
    def deadline_met(self) -> float:
        """Share of the deadlines that were met."""
        total = self.ticks + self.missed
        return 1.0 - (self.late + self.missed) / total if total else 1.0

    def report(self) -> dict[str, float | int | None]:
        """Numbers for ``metrics.json``."""
        return {
            "ticks": self.ticks,
            "deadline_met": self.deadline_met if self.ticks else None,
            "deadlines_missed": self.late + self.missed,
            "lateness_ms_p99": self.lateness.quantile_ms(0.99),
            "lateness_ms_max": self.lateness.quantile_ms(1.0),
            "mic_to_frame_ms_p50": self.to_frame.quantile_ms(0.5),
            "mic_to_frame_ms_p99": self.to_frame.quantile_ms(0.99),
            "mic_to_setpoint_ms_p50": self.to_setpoint.quantile_ms(0.5),
            "mic_to_setpoint_ms_p99": self.to_setpoint.quantile_ms(0.99),
            "clipped_ticks": self.clipped,
            "slowed_ticks": self.slowed,
            "interlocked_ticks": self.interlocked,
            "backed_off_ticks": self.backed_off,
            "sleeps": self.sleeps,
            "panel_refused": self.refused,
        }
