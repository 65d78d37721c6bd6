"""A clock for several threads, which goes on only when all of them wait.

So a machine without time for its threads changes nothing: an answer that is due in 1 ms is there
before 2 ms have passed, however long the thread that gives it was kept off the CPU.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

import numpy as np


class SteppedClock:
    """A ``Clock`` (``mien.robot.control.loop``). A thread takes part from its first call on, one
    made by ``thread`` from its start to its end.

    Args:
        world: called with the next moment (s) before it comes; returns the time that it is then.
    """

    def __init__(self, world: Callable[[float], float]) -> None:
        self._world, self._now = world, 0.0
        self._turn = threading.Condition(threading.RLock())
        # What each thread waits for: a moment, or the word of somebody. None: it runs.
        self._waits: dict[threading.Thread, tuple[float, object] | None] = {}

    def now(self) -> float:
        """Seconds."""
        with self._turn:
            self._waits.setdefault(threading.current_thread(), None)
            return self._now

    def sleep_until(self, t: float) -> None:
        """Return when ``now()`` is at least ``t``."""
        self.until(t, None)()

    def sleep(self, seconds: float) -> None:
        """Return after so long."""
        self.sleep_until(self.now() + seconds)

    def until(self, t: float, word: object) -> Callable[[], None]:
        """Wait from now on until ``t``, or until somebody calls ``tell(word)``.

        Returns what blocks until that has happened.
        """
        me = threading.current_thread()
        with self._turn:
            self._waits[me] = (t, word) if t > self._now else None
            self._go_on()

        def block() -> None:
            with self._turn:
                self._turn.wait_for(lambda: self._waits[me] is None)

        return block

    def tell(self, word: object) -> None:
        """Wake the threads that wait for ``word``."""
        with self._turn:
            self._wake(lambda _, awaited: awaited is word)

    def leave(self, thread: threading.Thread) -> None:
        """A thread has ended."""
        with self._turn:
            del self._waits[thread]
            self._wake(lambda _, awaited: awaited is thread)
            self._go_on()

    def outlast(self, thread: threading.Thread) -> None:
        """Return when a thread has ended."""
        with self._turn:
            if thread not in self._waits:
                return
            block = self.until(np.inf, thread)
        block()

    def condition(self) -> Condition:
        """A new ``threading.Condition`` on this clock."""
        return Condition(self)

    def thread(self, *args: Any, **options: Any) -> Thread:
        """A new ``threading.Thread`` on this clock."""
        return Thread(self, *args, **options)

    def begin(self, thread: threading.Thread) -> None:
        """A thread runs from now on."""
        with self._turn:
            self._waits[thread] = None

    def _go_on(self) -> None:
        """Let time pass while everybody waits."""
        while self._waits and None not in self._waits.values():
            t = min(wait[0] for wait in self._waits.values() if wait is not None)
            assert np.isfinite(t), "every thread waits for another one"
            self._now = max(t, self._world(t))
            self._wake(lambda moment, _: moment <= self._now)

    def _wake(self, due: Callable[[float, object], bool]) -> None:
        for thread, wait in self._waits.items():
            if wait is not None and due(*wait):
                self._waits[thread] = None
        self._turn.notify_all()


class Condition:
    """What ``threading.Condition`` is, with timeouts of a ``SteppedClock``."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock, self._lock = clock, threading.Lock()

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait_for(self, done: Callable[[], bool], timeout: float = np.inf) -> bool:
        """Wait until ``done()``, which is asked again after each ``notify_all``."""
        end = self._clock.now() + timeout
        while not done() and self._clock.now() < end:
            block = self._clock.until(end, self)  # before others may notify
            self._lock.release()
            try:
                block()
            finally:
                self._lock.acquire()
        return done()

    def notify_all(self) -> None:
        """Wake all who wait."""
        self._clock.tell(self)


class Thread(threading.Thread):
    """A thread that takes part in a ``SteppedClock`` as long as it lives."""

    def __init__(self, clock: SteppedClock, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._clock = clock

    def start(self) -> None:
        """See ``threading.Thread``."""
        self._clock.begin(self)
        super().start()

    def run(self) -> None:
        """See ``threading.Thread``."""
        try:
            super().run()
        finally:
            self._clock.leave(self)

    def join(self, timeout: float | None = None) -> None:
        """See ``threading.Thread``."""
        self._clock.outlast(self)
        super().join(timeout)
