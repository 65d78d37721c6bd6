"""Order of a sender's frames: which datagram of Live Link Face was overtaken by a newer one.

The frame numbers of a sender mean what that sender wants. Some count upwards, some count within a
second, some replay a clip in a loop, some send 0 for ever. A frame is therefore late only when its
number was left out shortly before. Every other number is shown.
"""

from __future__ import annotations

from collections import deque
from typing import Final

MAX_GAP_FRAMES: Final = 120
"""A number that goes up by more is a new start, not a loss."""
OVERTAKEN_S: Final = 0.01
"""Within this time in s the network itself exchanges datagrams."""
STEADY_FRAMES: Final = 60
"""Frames in rising order after which a sender is taken to count upwards."""
WINDOW_FRAMES: Final = 30
MAX_LATE: Final = 3
"""Late frames in ``WINDOW_FRAMES``. A sender with more of them does not count upwards."""


class FrameOrder:
    """Frame numbers of one sender."""

    def __init__(self) -> None:
        self._needed = STEADY_FRAMES
        self._newest: int | None = None
        self._arrived, self._rising = 0.0, 0
        self._left_out: deque[int] = deque(maxlen=MAX_GAP_FRAMES)
        self._late: deque[bool] = deque(maxlen=WINDOW_FRAMES)

    def is_late(self, number: int, now: float) -> bool:
        """Whether the frame at ``now`` s was overtaken by another one, or repeats it."""
        newest, arrived = self._newest, self._arrived
        if newest is None:
            self._restart(number, now)
            return False
        if 0 < number - newest <= MAX_GAP_FRAMES:
            self._left_out.extend(range(newest + 1, number))
            self._newest, self._arrived = number, now
            self._rising += 1
            self._late.append(False)
            return False
        # Believed at once only as long as nothing has contradicted it.
        at_once = now - arrived <= OVERTAKEN_S and self._needed == STEADY_FRAMES
        repeated = number == newest and at_once and self._rising > 0
        left_out = number in self._left_out and (at_once or self._rising >= self._needed)
        if (repeated or left_out) and sum(self._late) < MAX_LATE:
            if left_out:
                self._left_out.remove(number)
            self._late.append(True)
            return True
        # Not counted upwards, or started again: more evidence is needed from now on.
        self._needed = min(2 * self._needed, 1 << 16)
        self._restart(number, now)
        return False

    def _restart(self, number: int, now: float) -> None:
        self._newest, self._arrived, self._rising = number, now, 0
        self._left_out.clear()
        self._late.clear()
