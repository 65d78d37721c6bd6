"""Memory of the processes of a run, and its growth."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np


class MemoryUsage:
    """Resident memory of a run in MB, and its growth since 10 s after the start.

    Args:
        others: MB of the other processes.

    Attributes:
        now: memory in MB at the last sample.
        growth: MB since the first settled sample.
        seconds: time in s since then.
    """

    SETTLED_S: Final = 10.0
    EVERY_S: Final = 1.0

    def __init__(self, others: Callable[[], float] = lambda: 0.0) -> None:
        self._others = others
        self._first: tuple[float, float] | None = None
        self._began: float | None = None
        self._sampled_at = -np.inf
        self.now = self.growth = self.seconds = 0.0

    def sample(self, t: float) -> None:
        """Take a sample at ``t`` s, at most once a second."""
        if t <= 0 or t - self._sampled_at < self.EVERY_S:
            return
        self._sampled_at = t
        self._began = t if self._began is None else self._began
        self.now = rss_mb() + self._others()
        if t - self._began < self.SETTLED_S:
            return
        self._first = (t, self.now) if self._first is None else self._first
        self.seconds, self.growth = t - self._first[0], self.now - self._first[1]


def rss_mb() -> float:
    """Resident memory of this process in MB (Linux; 0 elsewhere)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
