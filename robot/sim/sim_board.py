"""Board of the simulated robot: the real firmware core and the rig, in lock-step.

Bytes go in and out at the speed of the line. The core computes the pulses and the power of the
servos, and the rig moves. Both share the rig's clock. It advances only in ``advance``,
``sleep_until`` or a waiting ``read``, as fast as the machine can. The same bytes at the same times
give the same motion, to the last bit.
"""

from __future__ import annotations

import time as wall
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.robot.sim.rig import Rig

Bytes: TypeAlias = NDArray[np.uint8]
Bools: TypeAlias = NDArray[np.bool_]

TICK_US = 1000  # the core's clock; the rig takes one step every second tick
BITS_PER_BYTE = 10  # 8 data bits, start and stop
UNITS_PER_US = 4  # pulses on the board are in quarters of a microsecond
_PACE_S = 0.005  # paced mode sleeps no shorter than this


class Core(Protocol):
    """A microcontroller: the firmware in this process, or an emulated one."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the line."""

    def tick(self, now_us: int) -> object:
        """Advance the time of the core to ``now_us`` (u32, wrapping)."""

    def transmit(self) -> bytes:
        """Bytes for the line."""

    def outputs(self) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """Pulses (n,) in 0.25 us and which of them are driven; n = 0 before a configuration."""


class SimBoard:
    """A Transport and a Clock (``mien.robot.link.transport``, ``mien.robot.control.loop``) in one.

    Args:
        rig: the robot. Its faults ``bytes_lost`` and ``bytes_flipped`` act on the line.
        core: a new board. Default: the firmware core in this process.
        paced: keep to the wall clock instead of running as fast as possible.
        has_uart: the core itself takes bytes at the speed of the line, as an emulated one does.
        watch: called with the rig after every step; a camera or a recorder.
    """

    def __init__(
        self,
        rig: Rig,
        core: Core | None = None,
        *,
        paced: bool = False,
        has_uart: bool = False,
        watch: Callable[[Rig], None] | None = None,
    ) -> None:
        if core is None:
            from mien.firmware.host import HostCore

            core = HostCore()
        self.rig, self.core, self._watch = rig, core, watch
        self._us = 0
        self._steps_us = round(rig.dt * 1e6)
        self._byte_us = 0.0 if has_uart else BITS_PER_BYTE * 1e6 / rig.face.baud
        self._line: deque[tuple[float, bytes]] = deque()  # (arrival of the last byte, bytes)
        self._busy_until = 0.0
        self._inbox = bytearray()
        self._noise = np.random.default_rng([rig.build.seed, 0x11FE])
        self._started = wall.monotonic() if paced else None
        n = len(rig.face.names)
        self.pulses_us = rig.face.pulses[:, 1].copy()  # what the servos get now (n,)
        self.powered = np.zeros(n, dtype=bool)
        core.tick(0)

    def now(self) -> float:
        """Time of the rig in s."""
        return self._us / 1e6

    def sleep_until(self, t: float) -> None:
        """Advance rig and core until ``now()`` is at least ``t``."""
        while self._us < t * 1e6 - 0.5:
            self._tick()
        self._pace()

    def advance(self, seconds: float) -> None:
        """Advance by ``seconds``."""
        self.sleep_until(self.now() + seconds)

    def write(self, data: bytes) -> None:
        """Put bytes on the line. They arrive one after the other at its baud rate."""
        data = self._damaged(data)
        if data:
            start = max(self._busy_until, float(self._us))
            self._busy_until = start + len(data) * self._byte_us
            self._line.append((self._busy_until, data))

    def read(self, timeout_s: float = 0.0) -> bytes:
        """Bytes from the board. Advances up to ``timeout_s`` while there are none."""
        end = self._us + timeout_s * 1e6
        self._listen()
        while not self._inbox and self._us < end - 0.5:
            self._tick()
            self._listen()
        data = bytes(self._inbox)
        self._inbox.clear()
        return self._damaged(data)

    def reopen(self) -> None:
        """The line is always there."""

    def close(self) -> None:
        """Close the line. The board keeps its state, as with a pulled cable."""
        self._line.clear()

    def _tick(self) -> None:
        self._us += TICK_US
        while self._line and self._line[0][0] <= self._us:
            self.core.receive(self._line.popleft()[1])
        self.core.tick(self._us & 0xFFFFFFFF)
        if self._us % self._steps_us == 0:
            pulses, powered = self.core.outputs()
            n = min(len(pulses), len(self.powered))
            self.powered[:] = False
            self.powered[:n] = powered[:n]
            # A channel that is not driven keeps its last pulse, as the core has it.
            live = np.flatnonzero(self.powered)
            self.pulses_us[live] = pulses[live] / UNITS_PER_US
            self.rig.step(self.pulses_us, self.powered)
            if self._watch is not None:
                self._watch(self.rig)
        if self._us % 20_000 == 0:
            self._pace()

    def _listen(self) -> None:
        self._inbox += self.core.transmit()

    def _pace(self) -> None:
        if self._started is not None:
            ahead = self._us / 1e6 - (wall.monotonic() - self._started)
            if ahead > _PACE_S:
                wall.sleep(ahead)

    def _damaged(self, data: bytes) -> bytes:
        for fault in self.rig.faults:
            damage = LINE_DAMAGE.get(fault.kind)
            if data and damage and fault.at <= self.now():
                raw = np.frombuffer(data, dtype=np.uint8)
                hit = self._noise.random(len(raw)) < fault.amount
                data = damage(raw, hit, self._noise).tobytes()
        return data


def _lose(raw: Bytes, hit: Bools, _noise: np.random.Generator) -> Bytes:
    return raw[~hit]


def _flip(raw: Bytes, hit: Bools, noise: np.random.Generator) -> Bytes:
    bits = np.left_shift(1, noise.integers(0, 8, len(raw))).astype(np.uint8)
    return np.where(hit, raw ^ bits, raw).astype(np.uint8)


LINE_DAMAGE: Final[dict[str, Callable[[Bytes, Bools, np.random.Generator], Bytes]]] = {
    "bytes_lost": _lose,
    "bytes_flipped": _flip,
}
"""What each fault of the line makes of the bytes that it hits."""
