"""Replay by poses: a fresh simulated robot follows the commands of a recording.

It serves recordings whose bytes no fresh board would accept: a part that begins within a run, a run
on hardware, or a run with an older protocol. The commands go through loop, limiter and firmware.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.robot.control.loop import Loop, Tick
from mien.robot.errors import InputError
from mien.robot.face.config import Floats
from mien.robot.link.board import Board
from mien.robot.recording.reading import Record, Recording

if TYPE_CHECKING:
    from mien.robot.sim.sim_board import SimBoard

PULSE_US: Final = 2.0
"""Tolerance of pulses in us, because the ticks of replay and recording differ in time."""
LIPS_MM: Final = 0.5
"""Tolerance of the lip gap in mm, because the hysteresis differs at the first pose."""
SETTLE_S: Final = 0.5
"""Time in s after a beginning that is not compared: the skin comes from elsewhere."""
PAUSE_S: Final = 0.1
"""A longer time in s without a pose is a pause, shortened to ``SETTLE_S`` and not compared."""


@dataclass(frozen=True)
class RecordedTick:
    """A tick of the recording.

    Attributes:
        t: time in s since the first tick.
        sent: (n,) commands.
        pulses: (n,) us.
        lips: lip gap in mm, NaN where none was recorded.
    """

    t: float
    sent: Floats
    pulses: Floats
    lips: float


@dataclass
class MotionComparison:
    """Differences between the recorded motion and the replayed one.

    Attributes:
        seconds: duration that was replayed.
        poses: poses of the recording.
        compared: ticks that were compared.
        pulse_us, lips_mm: largest differences in us and mm; lips NaN where none were recorded.
        different: ticks with a difference above its tolerance.
        first: time in s of the first of them.
    """

    seconds: float = 0.0
    poses: int = 0
    compared: int = 0
    pulse_us: float = 0.0
    lips_mm: float = float("nan")
    different: int = 0
    first: float | None = None

    def add(self, t: float, pulse_us: float, lips_mm: float) -> None:
        """Compare one tick at ``t`` s. ``lips_mm`` may be NaN."""
        self.compared += 1
        self.pulse_us = max(self.pulse_us, pulse_us)
        self.lips_mm = float(np.fmax(self.lips_mm, lips_mm))
        if pulse_us > PULSE_US or lips_mm > LIPS_MM:
            self.different += 1
            self.first = t if self.first is None else self.first


def rows(recording: Recording) -> Iterator[RecordedTick]:
    """The ticks of a recording, with pauses shortened.

    Raises:
        InputError: a tick holds no pose of this face.
    """
    n = len(recording.face.names)
    last: float | None = None
    now, lips = 0.0, float("nan")
    for record in recording:
        if record.topic == "/rig":
            lips = float(record["lip_gap_mm"])
        if record.topic != "/tick" or record["t"] <= 0:
            continue
        t = float(record["t"])
        step = 0.0 if last is None else t - last
        last = t
        if not 0.0 <= step < np.inf:
            continue
        now += min(step, SETTLE_S) if step > PAUSE_S else step
        yield RecordedTick(now, _numbers(record, "sent", n), _numbers(record, "pulses_us", n), lips)
        lips = float("nan")


class PoseFollower:
    """Commands for the loop, and the comparison with the recording at the same time."""

    def __init__(self, recording: Recording, sim: SimBoard) -> None:
        self._rows, self._sim, self.comparison = rows(recording), sim, MotionComparison()
        first = next(self._rows, None)
        if first is None:
            raise InputError(f"{recording.path} holds no poses", "mien live --record")
        self._before: RecordedTick = first
        self._after: RecordedTick | None = first
        self._start: float | None = None
        self._settled = SETTLE_S
        self.comparison.poses = 1

    def commands(self, now: float) -> Floats | None:
        """Recorded commands (n,) at that time; None after the end."""
        if self._start is None:
            self._start = now
            return self._before.sent
        t = self._time(now)
        while self._after is not None and self._after.t <= t:
            self._before, self._after = self._after, next(self._rows, None)
            self.comparison.poses += self._after is not None
            if self._after is not None and self._after.t - self._before.t > PAUSE_S:
                self._settled = self._after.t + SETTLE_S
        if self._after is None:
            return None
        return self._between(t, self._before.sent, self._after.sent)

    def observe(self, tick: Tick) -> None:
        """Compare a tick of the loop with the recording."""
        if self._start is None or self._after is None or tick.t <= 0:
            return
        t = self._time(tick.t)
        self.comparison.seconds = t
        if t < self._settled or self._after.t - self._before.t > PAUSE_S:
            return
        pulses = self._between(t, self._before.pulses, self._after.pulses)
        lips = self._between(t, np.array(self._before.lips), np.array(self._after.lips))
        from mien.robot.sim.realtime import state_of

        gap = state_of(self._sim).lip_gap_mm if np.isfinite(lips) else float("nan")
        self.comparison.add(t, float(np.abs(tick.pulses - pulses).max()), abs(gap - float(lips)))

    def begin(self) -> None:
        """Begin the time of the recording with the next commands; the first pose is reached."""
        self._start = None

    def _time(self, now: float) -> float:
        assert self._start is not None
        return now - self._start

    def _between(self, t: float, before: Floats, after: Floats) -> Floats:
        assert self._after is not None
        span = self._after.t - self._before.t
        share = (t - self._before.t) / span if span > 0 else 0.0
        return np.asarray(before + min(max(share, 0.0), 1.0) * (after - before))


def reenact(recording: Recording, sim: SimBoard, lead_s: float) -> MotionComparison:
    """Replay the poses of ``recording`` on a fresh robot, from rest to rest, in lock-step.

    Raises:
        InputError: the recording holds no poses of this face.
    """
    follower = PoseFollower(recording, sim)
    board = Board(recording.face, sim, sim.now, lead_s)
    board.connect()
    loop = Loop(recording.face, board, sim, follower.observe)
    try:
        loop.follow(_after_the_way(follower))
    finally:
        board.close()
    return follower.comparison


def _after_the_way(follower: PoseFollower) -> Any:
    """Begin the comparison at the second call: the first one only names the first pose."""
    calls = 0

    def commands(now: float) -> Floats | None:
        nonlocal calls
        calls += 1
        if calls == 2:
            follower.begin()
        return follower.commands(now)

    return commands


def _numbers(record: Record, name: str, n: int) -> Floats:
    try:
        out = np.array(record[name], np.float64)
    except (TypeError, ValueError):
        out = np.full(n, np.nan)
    if out.shape != (n,) or not np.isfinite(out).all():
        raise InputError(f"a {record.topic} at {record.t:.3f} s holds no {name} of {n} actuators")
    return out
