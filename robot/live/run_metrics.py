"""Timing metrics of a live run, in memory of constant size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

_STEP_S: Final = 1e-4
_BINS: Final = 6000


class Histogram:
    """Histogram of durations: bins of 0.1 ms up to 0.6 s. The last bin takes longer ones."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)

    def add(self, seconds: float) -> None:
        """Count one duration in s. A negative one counts as 0."""
        self._counts[min(max(int(seconds / _STEP_S), 0), _BINS - 1)] += 1

    def quantile_ms(self, q: float) -> float | None:
        """Upper edge in ms of the bin with quantile ``q``; None for an empty histogram."""
        total = int(self._counts.sum())
        if not total:
            return None
        at = int(np.searchsorted(np.cumsum(self._counts), q * total))
        return 1e3 * _STEP_S * (min(at, _BINS - 1) + 1)


@dataclass
class Metrics:
    """Counters and histograms of the ticks of a run.

    Attributes:
        ticks: ticks of the loop.
        late: setpoints sent more than half a period after their deadline.
        missed: ticks left out after a stall.
        clipped: ticks in which the limiter clipped a command to its range.
        slowed: ticks in which the limiter reduced a speed.
        interlocked: ticks in which an interlock held a command back.
        backed_off: ticks in which a command was reduced to protect a hot servo.
        sleeps: how often the face came to rest.
        refused: panel messages that are not valid requests.
        lateness: setpoints behind their deadline.
        to_frame: time from sound to command frame.
        to_setpoint: time from sound to setpoint.
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
        """Share of the deadlines that were met, 0 to 1."""
        total = self.ticks + self.missed
        return 1.0 - (self.late + self.missed) / total if total else 1.0

    def report(self) -> dict[str, float | int | None]:
        """The metrics under the keys of ``metrics.json``."""
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
