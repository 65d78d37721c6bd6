"""Stop requests from signals, so that the ramp to rest is not cut off."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C or a termination signal."""


class Stop:
    """Stop request of a run: a signal came, or ``seconds`` (0: no limit) have passed."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self.signalled = False
        self.begin()

    def begin(self) -> None:
        """Start the time limit now."""
        self._end = time.monotonic() + self._seconds if self._seconds else float("inf")

    def requested(self) -> bool:
        """Whether the run is to end."""
        return self.signalled or time.monotonic() > self._end

    def signal(self, *_: Any) -> None:
        """Handle a signal: the first requests rest, the second ends the program."""
        if self.signalled:
            raise KeyboardInterrupt
        self.signalled = True


@contextmanager
def stopping(seconds: float = 0.0) -> Iterator[Stop]:
    """Context in which SIGINT and SIGTERM are stop requests."""
    stop = Stop(seconds)
    before = {s: signal.signal(s, stop.signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)
