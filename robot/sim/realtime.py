"""The simulated robot kept to the machine's clock, so that a live face needs no hardware."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mien.models.face.regions import lip_gap
from mien.robot.errors import DeviceError
from mien.robot.face.config import FaceConfig
from mien.robot.sim.board import SimBoard
from mien.robot.sim.rig import Rig

SLIP_S = 2.0
"""The rig is this far behind: the machine cannot keep up, and the rig's time is let go."""

_STEP_S = 1e-6
"""The rig's time is whole microseconds: it cannot live for less."""
AHEAD_S = 0.025
"""More than a period of the loop, which is all that it waits for while it moves a face."""


@dataclass(frozen=True)
class RigState:
    """The rig after a tick: its time in us, a checksum of its landmarks, and the lips' gap."""

    us: int
    crc: int
    lip_gap_mm: float


class LiveRig:
    """A line to a simulated board and the clock of both.

    The rig runs ahead to the loop's next deadline while the loop waits for it, and whatever is
    written arrives at the rig's time of that moment. Its time is only ever a whole millisecond, so
    a list of (time, bytes) is all that a bit-for-bit replay needs.

    Attributes:
        slips: how often the rig's time was let go. unplugged: True pulls the cable.

    Args:
        wire: called with (rig's us, bytes) before bytes go on the line.
        now, sleep: the machine's clock. A sleep that is true has ended early.
        hurry: the stop is asked for: what the rig is behind by is let go, for a real board would
            not have to be simulated first.
    """

    def __init__(
        self,
        sim: SimBoard,
        wire: Callable[[int, bytes], None] = lambda _us, _data: None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        hurry: Callable[[], bool] = lambda: False,
    ) -> None:
        self.sim, self._wire, self._now, self._sleep = sim, wire, now, sleep
        self._hurry = hurry
        self._offset = now() - sim.now()
        self.slips = 0
        self.unplugged = False

    def now(self) -> float:
        """The machine's seconds."""
        return self._now()

    def sleep_until(self, t: float) -> None:
        """Let the rig live until ``t``, and wait for the machine to be there too.

        Never far ahead of the machine, so that a long sleep can end early.
        """
        while True:
            until = min(t, self._now() + AHEAD_S)
            self._advance(until)
            ahead = until - self._now()
            if (ahead > 0 and self._sleep(ahead)) or until >= t:
                return

    def write(self, data: bytes) -> None:
        """Bytes for the board."""
        self._plugged()
        self._advance(self._now())
        self._wire(self.us, data)
        self.sim.write(data)

    def read(self, timeout_s: float = 0.0) -> bytes:
        """Bytes from the board; waits up to ``timeout_s`` while there are none."""
        self._plugged()
        self._advance(self._now())
        data = self.sim.read(timeout_s)
        ahead = self.sim.now() + self._offset - self._now()
        if timeout_s > 0 and ahead > 0:
            self._sleep(ahead)
        return data

    def reopen(self) -> None:
        """The line is there while it is plugged."""
        self._plugged()

    def close(self) -> None:
        """The rig stays as it is."""
        self.sim.close()

    @property
    def us(self) -> int:
        """The rig's time in us."""
        return round(self.sim.now() * 1e6)

    def state(self) -> RigState:
        """The rig as it is now."""
        return state_of(self.sim)

    def _plugged(self) -> None:
        if self.unplugged:
            raise DeviceError("the cable of the simulated board is out")

    def _advance(self, t: float) -> None:
        while True:
            behind = self._now() - self._offset - self.sim.now()
            if behind > SLIP_S or (behind > AHEAD_S and self._hurry()):
                self._offset += behind
                self.slips += 1
            left = t - self._offset - self.sim.now()
            if left < _STEP_S:
                return
            self.sim.sleep_until(self.sim.now() + min(left, AHEAD_S))


def state_of(sim: SimBoard) -> RigState:
    """Time, checksum and lip gap of a simulated robot."""
    landmarks = sim.rig.landmarks()
    crc = zlib.crc32(landmarks.tobytes(), zlib.crc32(sim.pulses_us.tobytes()))
    return RigState(round(sim.now() * 1e6), crc, float(lip_gap(landmarks)))


def simulated(face: FaceConfig, build: int = 0, faults: tuple[Any, ...] = ()) -> SimBoard:
    """A fresh robot with the real firmware core, not paced."""
    return SimBoard(Rig(face, build, faults))
