"""Queue of the messages to the loop: it is bounded, and putting a message never waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any, Final

from mien.robot.panel.messages import NEWEST, Estop, ToLoop

EVERY_S: Final = 1 / 60
"""Between two batches: the loop ticks as often."""
ROOM: Final = 64


class Outbox:
    """Sends messages in a thread of its own, as a loop that ramps may not read for a while.

    Args:
        send: blocks until the loop has room; OSError means that it is gone.
    """

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._newest: dict[type, ToLoop] = {}
        self._others: deque[ToLoop] = deque()
        self._full = Condition()
        self._over = False
        Thread(target=self._run, name="to-loop", daemon=True).start()

    def put(self, message: ToLoop) -> None:
        """Send it soon. Of the types in ``NEWEST`` a newer message replaces one that still waits.

        Others wait in order, after an E-STOP. Where too many wait, the newest is left out: a hand
        is slower than that, and the player of a recording keeps to the time.
        """
        with self._full:
            if type(message) in NEWEST:
                self._newest[type(message)] = message
            elif isinstance(message, Estop):
                self._others.appendleft(message)
            elif len(self._others) < ROOM:
                self._others.append(message)
            self._full.notify()

    @property
    def waiting(self) -> int:
        """Messages that have not been taken to be sent."""
        with self._full:
            return len(self._newest) + len(self._others)

    def close(self) -> None:
        """Send no more."""
        with self._full:
            self._over = True
            self._full.notify()

    def _run(self) -> None:
        try:
            while True:
                with self._full:
                    self._full.wait_for(lambda: self._over or self._newest or self._others)
                    if self._over:
                        return
                    batch = [*self._others, *self._newest.values()]
                    self._others.clear()
                    self._newest.clear()
                for message in batch:
                    self._send(message)
                with self._full:
                    self._full.wait_for(lambda: self._over, EVERY_S)
        except OSError:
            return  # the loop is gone; the reader of the states reports it
