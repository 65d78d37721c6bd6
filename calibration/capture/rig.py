"""A face before a camera: go to a pose through the whole real path, then look until it is still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np

from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import NOWHERE, RESTLESS, UNSEEN, Frame, Sieve, Tally
from mien.robot.control.loop import Clock
from mien.robot.errors import DeviceError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter, ramp, ramp_seconds
from mien.robot.link.board import Board

RATE_HZ = 30.0
SETTLE_S = 0.12  # after the board has got there: servo lag and the skin's own swing
RIG_SETTLE_S = 0.03
"""The same for the rig: one frame later, the landmarks are within 0.04 mm RMS of their rest."""
CLEAR_LOOKS = 5  # of a tracker's picture of a still face
PATIENCE_S = 0.5  # how much longer to wait for a pose that still moves


@dataclass(frozen=True, eq=False)
class Look:
    """One settled pose as the camera saw it.

    Attributes:
        time: s.
        landmarks: (478, 3) mm in the head frame, NaN when there was no usable picture.
        head: (4, 4) pose of the head.
        spread: RMS (mm) between the looks it is the mean of.
        dropped: pictures that were not used, by reason.
    """

    time: float
    landmarks: Floats
    head: Floats
    spread: float
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Followed:
    """A run of commands that was played and watched.

    Attributes:
        sent_at: (T,) s when each was to be executed by the board.
        sent: (T, n) commands as sent.
        seen_at: (S,) s when the pictures were taken.
        seen: (S, 478, 3) mm, NaN where there was no usable face.
        head: (S, 4, 4) pose of the head.
        dropped: pictures that were not used, by reason.
    """

    sent_at: Floats
    sent: Floats
    seen_at: Floats
    seen: Floats
    head: Floats
    dropped: Mapping[str, int]


Sight: TypeAlias = Callable[[], Frame]
"""A camera: a picture taken now."""


class Stage(Protocol):
    """What ``collect`` needs of a robot."""

    @property
    def setup(self) -> Setup:
        """Whose data this is."""

    def truth(self) -> Floats | None:
        """Landmarks (478, 3) mm as they really are, where that can be known; only to judge."""

    def true_head(self) -> Floats | None:
        """(4, 4) the head as it really is, where that can be known; only to judge."""

    def clear(self) -> Floats:
        """Landmarks (478, 3) mm of the still face as these eyes see it, without a look's noise."""

    def start(self) -> None:
        """Arm; the face stands at its safe pose afterwards."""

    def go(self, goal: Floats) -> Floats:
        """Move to commands (n,) and return what was really sent."""

    def look(self) -> Look:
        """Wait until the face is still and look.

        Raises:
            DeviceError: no usable picture for many poses in a row, or the camera is gone.
        """

    def follow(self, commands: Floats, rate: float, every: int = 1) -> Followed:
        """Play commands (T, n) at ``rate`` Hz from where the face is, and look on the way: before a
        rig after each ``every``-th command; a real camera has a rate of its own.
        """

    @property
    def dropped(self) -> Mapping[str, int]:
        """Pictures that were not used since the start, by reason."""

    def stop(self) -> None:
        """Back to the safe pose, and release. Never raises."""


class Studio:
    """A board and a camera on one clock.

    Args:
        face: the face.
        board: connected.
        clock: the board's.
        sight: the camera.
        setup: whose data this will be.
        looks: how many looks are averaged.
        truth, true_head: on a rig, landmarks (478, 3) and head (4, 4) as they are, to judge by.
        clear: what the camera would see without a look's noise, where its errors are a formula.
        settle_s: how long the face swings after a move.
        close: called at the end.
    """

    def __init__(
        self,
        face: FaceConfig,
        board: Board,
        clock: Clock,
        sight: Sight,
        setup: Setup,
        looks: int = 2,
        truth: Callable[[], Floats] | None = None,
        true_head: Callable[[], Floats] | None = None,
        clear: Callable[[], Floats] | None = None,
        settle_s: float = SETTLE_S,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._face, self._board, self._clock, self._sight = face, board, clock, sight
        self._setup, self._looks, self._close = setup, looks, close
        self._truth, self._clear, self._settle_s = truth, clear, settle_s
        self._true_head = true_head
        self._sieve, self._tally = Sieve(), Tally()
        self._neck = np.array([a.region == "neck" for a in face.actuators.values()])
        self._limit = Limiter(face)
        self._last = self._aim = face.safe
        self._began = 0.0
        self._usual: list[float] = []

    @property
    def setup(self) -> Setup:
        """Whose data this is."""
        return self._setup

    def truth(self) -> Floats | None:
        """A rig's landmarks as they are; None before a camera alone."""
        return None if self._truth is None else self._truth()

    def true_head(self) -> Floats | None:
        """See ``Stage``."""
        return None if self._true_head is None else self._true_head()

    def clear(self) -> Floats:
        """See ``Stage``: by the camera's formula, or the mean of some pictures without one."""
        if self._clear is not None:
            return self._clear()
        seen = []
        for _ in range(CLEAR_LOOKS):
            self._hold(1.0 / RATE_HZ)
            seen.append(self._sight().landmarks)
        return np.asarray(np.mean(seen, axis=0))

    def start(self) -> None:
        """Arm, and wait until the board has ramped to the safe pose."""
        self._board.arm()
        self._began = self._clock.now()
        self._hold(max(0.5, self._board.homed_at - self._began))

    def go(self, goal: Floats) -> Floats:
        """Move there at the speed limits; the limiter has the last word."""
        while True:
            before = self._last
            self._send(goal)
            there = np.abs(self._last - goal).max() < 1e-9
            held = np.abs(self._last - before).max() < 1e-9  # by an interlock, or the board homes
            if there or (held and self._board.pace(self._clock.now()) > 0.0):
                break
        self._hold(self._board.lead_s)  # by which the last setpoint is still ahead of the board
        return self._last

    def look(self) -> Look:
        """Mean of some looks once the face is still, or after ``PATIENCE_S``."""
        self._hold(self._settle_s)
        seen: list[Frame] = []
        dropped: Counter[str] = Counter()
        spread, waited = float("nan"), 0.0
        while True:
            frame = self._sight()
            reason = self._sieve.judge(frame, self._neck_still(self._last))
            if reason is None:
                seen.append(frame)
            else:
                dropped[reason] += 1
            recent = np.array([f.landmarks for f in seen[-self._looks :]])
            enough = len(recent) >= self._looks
            if enough:
                spread = float(np.sqrt(np.square(np.diff(recent, axis=0)).sum(-1).mean()))
            calm = not spread > RESTLESS * float(np.median(self._usual or [np.inf]))
            if (enough and calm) or waited > PATIENCE_S:
                break
            self._hold(1.0 / RATE_HZ)
            waited += 1.0 / RATE_HZ
        self._tally.add(dropped, enough)
        if enough and np.isfinite(spread):
            self._usual = [*self._usual[-50:], spread]
        return Look(
            time=self._clock.now() - self._began,
            landmarks=recent.mean(0) if enough else UNSEEN,
            head=seen[-1].head if enough else NOWHERE,
            spread=spread if enough else float("nan"),
            dropped=dropped,
        )

    def follow(self, commands: Floats, rate: float, every: int = 1) -> Followed:
        """See ``Stage``. A look is taken one tick after its send."""
        sent_at, sent, looks = [], [], []
        still = self._neck_still(commands)
        for k, goal in enumerate(commands):
            sent_at.append(self._clock.now() + self._board.lead_s)
            self._send(goal, rate)
            sent.append(self._last)
            if k % every == every - 1:
                looks.append((self._clock.now(), self._sight()))
        return self._followed(np.array(sent_at), np.array(sent), looks, still)

    def _followed(
        self, sent_at: Floats, sent: Floats, looks: list[tuple[float, Frame]], still: bool
    ) -> Followed:
        """Judge the pictures of a run, each with its time."""
        dropped: Counter[str] = Counter()
        seen, heads = [], []
        for _, frame in looks:
            reason = self._sieve.judge(frame, still)
            if reason is not None:
                dropped[reason] += 1
            seen.append(frame.landmarks if reason is None else UNSEEN)
            heads.append(frame.head if reason is None else NOWHERE)
        self._tally.dropped.update(dropped)
        return Followed(
            sent_at,
            sent,
            np.array([t for t, _ in looks]),
            np.array(seen).reshape(-1, *UNSEEN.shape),
            np.array(heads).reshape(-1, 4, 4),
            dropped,
        )

    @property
    def dropped(self) -> Mapping[str, int]:
        """See ``Stage``."""
        return self._tally.dropped

    def _neck_still(self, commands: Floats) -> bool:
        """Whether nothing of commands (..., n) turns the head."""
        return not np.abs(commands[..., self._neck]).max(initial=0.0) > 1e-3

    def stop(self) -> None:
        """Ramp to the safe pose and release; a board that is gone does so by itself."""
        try:
            origin = self._last
            total = ramp_seconds(self._face, origin, self._face.safe)
            for k in range(int(total * RATE_HZ) + 2):
                self._send(ramp(self._face, origin, self._face.safe, (k + 1) / RATE_HZ))
            self._board.disarm()
        except DeviceError:
            pass
        finally:
            self._close()

    def _hold(self, seconds: float) -> None:
        end = self._clock.now() + seconds
        while self._clock.now() < end - 1e-9:
            self._send(self._aim)

    def _send(self, goal: Floats, rate: float = RATE_HZ) -> None:
        self._aim, now = goal, self._clock.now()
        pace = self._board.pace(now)
        last = self._last if pace > 0.0 else self._face.safe  # the board homes
        limited = self._limit(goal, last, pace / rate)
        self._board.send(now, to_pulses(self._face, limited.commands))
        self._last = limited.commands
        self._board.read()
        self._clock.sleep_until(now + 1.0 / rate)
