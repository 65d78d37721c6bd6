"""The machine's own clock, on which a real board is driven."""

from __future__ import annotations

import time
from threading import Event


class MachineClock:
    """The machine's own clock, for a real board.

    Args:
        wake: once it is set, nobody sleeps any more.
    """

    def __init__(self, wake: Event | None = None) -> None:
        self._wake = wake or Event()

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def sleep_until(self, t: float) -> None:
        """Sleep; returns at once when ``t`` is past or ``wake`` is set."""
        ahead = t - time.monotonic()
        if ahead > 0:
            self._wake.wait(ahead)
