"""A serial line and a board at its end, on their own clock, with all that goes wrong with both."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random

from mien.firmware.host import HostCore
from mien.robot.errors import DeviceError

TICK_S = 0.001  # how often the board's loop looks at its line
BYTE_S = 10 / 500_000


class Line:
    """A Transport (``mien.robot.link.transport``) with latency, and the clock that everyone lives
    on.

    Attributes:
        core: replace it for a reset of the board.
        now_s: host time; moved by ``advance`` and by a read that waits.
        drift: the board's clock runs this much faster, as a ratio. offset_us: and starts here.
        latency: seconds that a write or an answer takes on top of its bytes, drawn for each.
        damage: what the line makes of the bytes of each write.
        unplugged: the device file is gone: every call raises. deaf: it is there and nothing moves.
        opened: how often the line was opened.
    """

    def __init__(self, seed: int = 0, drift: float = 0.0, offset_us: int = 0) -> None:
        self.core = HostCore()
        self.now_s = 0.0
        self.drift, self.offset_us = drift, offset_us
        self.rng = Random(seed)
        self.latency: Callable[[], float] = lambda: 0.0
        self.damage: Callable[[bytes], bytes] = lambda data: data
        self.on_tick: Callable[[], None] = lambda: None
        self.unplugged = self.deaf = False
        self.opened = 1
        self.written = 0
        self._down: deque[tuple[float, bytes]] = deque()
        self._up: deque[tuple[float, bytes]] = deque()
        self._ticks = 0
        self.core.tick(self.board_us)

    def now(self) -> float:
        """Host time in s."""
        return self.now_s

    @property
    def board_us(self) -> int:
        """The board's clock, not wrapped."""
        return self.offset_us + round(self.now_s * 1e6 * (1 + self.drift))

    def write(self, data: bytes) -> None:
        self.check_plugged()
        self.written += 1
        if not self.deaf:
            self._put(self._down, self.damage(data))

    def read(self, timeout_s: float = 0.0) -> bytes:
        self.check_plugged()
        end = self.now_s + timeout_s
        while not (self._up and self._up[0][0] <= self.now_s) and self.now_s < end - 1e-9:
            arrivals = [queue[0][0] for queue in (self._up, self._down) if queue]
            step = min(TICK_S, end - self.now_s, *(a - self.now_s for a in arrivals))
            self.advance(max(step, 1e-6))
        out = bytearray()
        while self._up and self._up[0][0] <= self.now_s:
            out += self._up.popleft()[1]
        return b"" if self.deaf else bytes(out)

    def reopen(self) -> None:
        self.check_plugged()
        self.opened += 1

    def close(self) -> None:
        self._down.clear()

    def reset_board(self) -> None:
        """The microcontroller starts anew; its clock too."""
        self.core = HostCore(reset=3)
        self.offset_us -= self.board_us
        self._down.clear()
        self.core.tick(self.board_us)

    def advance(self, seconds: float) -> None:
        """Let time pass: bytes arrive when they do, and the board ticks each millisecond."""
        end = self.now_s + seconds
        while self.now_s < end:
            tick = (self._ticks + 1) * TICK_S
            arrival = self._down[0][0] if self._down else end
            self.now_s = min(tick, max(arrival, self.now_s), end)
            while self._down and self._down[0][0] <= self.now_s:
                self.core.receive(self._down.popleft()[1], self.board_us)
            if self.now_s == tick:
                self._ticks += 1
                self.core.tick(self.board_us)
                self.on_tick()
            if answer := self.core.transmit():
                self._put(self._up, answer)

    def _put(self, queue: deque[tuple[float, bytes]], data: bytes) -> None:
        """Bytes of one direction never overtake each other."""
        free = queue[-1][0] if queue else 0.0
        arrival = max(self.now_s + self.latency(), free) + len(data) * BYTE_S
        queue.append((arrival, data))

    def check_plugged(self) -> None:
        if self.unplugged:
            raise DeviceError("/dev/simulated is gone", "plug it in")
