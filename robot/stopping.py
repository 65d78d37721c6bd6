"""Signals as a request to stop, so that a ramp to rest is never cut off by accident."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stop:
    """Whether a run is to end: a signal came, or ``seconds`` (0: no limit) have passed."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self.signalled = False
        self.begin()

    def begin(self) -> None:
        """The time counts from now."""
        self._end = time.monotonic() + self._seconds if self._seconds else float("inf")

    def asked(self) -> bool:
        """True once it is to end."""
        return self.signalled or time.monotonic() > self._end

    def signal(self, *_: Any) -> None:
        """The first signal asks for rest; a second one does not wait for it."""
        if self.signalled:
            raise KeyboardInterrupt
        self.signalled = True


@contextmanager
def stopping(seconds: float = 0.0) -> Iterator[Stop]:
    """Turns SIGINT and SIGTERM into a request to stop while it is entered."""
    stop = Stop(seconds)
    before = {s: signal.signal(s, stop.signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)
