"""The simulated robot on the machine's clock, for live runs without hardware."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mien.models.face.regions import lip_gap
from mien.robot.errors import DeviceError
from mien.robot.face.config import FaceConfig
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard

SLIP_S = 2.0
"""A rig that is further behind skips this time: the machine cannot keep up."""

LAG_S = 0.5
"""A rig so far behind makes the link time out."""
_STEP_S = 1e-6
"""Resolution of the rig's time."""
AHEAD_S = 0.025
"""The rig runs at most so far ahead. It is more than one period of the loop."""


@dataclass(frozen=True)
class RigState:
    """State of the rig after a tick: time in us, checksum of its landmarks, lip gap in mm."""

    us: int
    crc: int
    lip_gap_mm: float


class LiveRig:
    """Line and clock of a simulated board in real time.

    The rig runs ahead to the next deadline of the loop while the loop waits for it. Bytes arrive at
    the
    rig's time at that moment. The rig's time is always a whole millisecond, so a list of (time,
    bytes)
    is enough for a replay that is identical to the last bit.

    Args:
        wire: called with (rig's time in us, bytes) before bytes go on the line.
        now, sleep: the machine's clock in s. ``sleep`` returns True when it ended early.
        hurry: True when the stop is requested. The rig then skips the time by which it is behind.

    Attributes:
        slips: how often the rig skipped time because the machine was too slow.
        unplugged: True simulates a cable that is out.
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

    @property
    def too_slow(self) -> bool:
        """Whether the machine cannot compute the robot in real time: it has skipped, or lags."""
        return self.slips > 0 or self._now() - self._offset - self.sim.now() > LAG_S

    def slow_error(self) -> DeviceError:
        """What ends a run on a machine that is too slow."""
        return DeviceError(
            f"the simulated robot cannot keep its clock on this machine: it skipped {self.slips} "
            f"times and is {max(0.0, self._now() - self._offset - self.sim.now()):.1f} s behind",
            "end other programs, or without a clock: mien demo, mien speak, mien play",
        )

    def now(self) -> float:
        """Time of the machine in s."""
        return self._now()

    def sleep_until(self, t: float) -> None:
        """Advance the rig to ``t`` and wait until the machine is there too.

        It never advances far ahead of the machine, so that a long sleep can end early.
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
        """Succeeds while the cable is plugged in."""
        self._plugged()

    def close(self) -> None:
        """Close the line. The rig keeps its state."""
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
            remaining = t - self._offset - self.sim.now()
            if remaining < _STEP_S:
                return
            self.sim.sleep_until(self.sim.now() + min(remaining, AHEAD_S))


def state_of(sim: SimBoard) -> RigState:
    """Time, checksum and lip gap of a simulated robot."""
    landmarks = sim.rig.landmarks()
    crc = zlib.crc32(landmarks.tobytes(), zlib.crc32(sim.pulses_us.tobytes()))
    return RigState(round(sim.now() * 1e6), crc, float(lip_gap(landmarks)))


def simulated(face: FaceConfig, build: int = 0, faults: tuple[Any, ...] = ()) -> SimBoard:
    """A new robot with the real firmware core, in lock-step."""
    return SimBoard(Rig(face, build, faults))
