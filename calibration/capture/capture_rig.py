"""A capture rig: moves a face to a pose and observes it with a camera when it is still."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np

from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import (
    NO_LANDMARKS,
    RESTLESS,
    UNKNOWN_POSE,
    CapturedFrame,
    DropCounter,
    FrameFilter,
)
from mien.robot.control.loop import Clock
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter
from mien.robot.link.board import Board

RATE_HZ = 30.0
SETTLE_S = 0.12
"""Time for servo lag and the swing of the skin, from the last setpoint's arrival at the board."""
MAX_EXTRA_WAIT_S = 0.5  # for a pose that still moves after the settling time
FRAMES_AVERAGED = 2
"""Frames of an observation."""
_RECENT_SPREADS = 50  # observations that tell the usual change between two frames


@dataclass(frozen=True, eq=False)
class Observation:
    """One settled pose as the camera saw it.

    Attributes:
        time: s since the start of the session.
        landmarks: (478, 3) mm in the head frame, mean of some frames; NaN without a usable frame.
        head: (4, 4) pose of the head in the camera frame, mm.
        spread: RMS change (mm) between successive frames of the mean.
        dropped: number of frames that were not used, by reason.
    """

    time: float
    landmarks: Floats
    head: Floats
    spread: float
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ObservedRun:
    """A trajectory that was played, and the frames captured meanwhile.

    Attributes:
        sent_at: (T,) s at which the board was to execute each command.
        sent: (T, n) commands as sent.
        seen_at: (S,) s at which the frames were captured.
        seen: (S, 478, 3) mm, NaN without a usable face.
        head: (S, 4, 4) pose of the head in the camera frame, mm.
        dropped: number of frames that were not used, by reason.
    """

    sent_at: Floats
    sent: Floats
    seen_at: Floats
    seen: Floats
    head: Floats
    dropped: Mapping[str, int]


CaptureFrame: TypeAlias = Callable[[], CapturedFrame]
"""Captures a frame now."""


class CaptureRig(Protocol):
    """A face and a camera, as the stages of calibration use them."""

    @property
    def setup(self) -> Setup:
        """Identity of face, mechanism and camera; it is stored with the data."""

    def true_landmarks(self) -> Floats | None:
        """True landmarks (478, 3) mm for evaluation; None where only a camera knows the face."""

    def true_head_pose(self) -> Floats | None:
        """True head pose (4, 4) for evaluation; None where only a camera knows it."""

    def noiseless_landmarks(self) -> Floats:
        """Landmarks (478, 3) mm of the still face with the camera's bias and without its noise."""

    def start(self) -> None:
        """Arm the board and move the face to its safe pose."""

    def move_to(self, goal: Floats) -> Floats:
        """Move to commands (n,). Returns the commands (n,) that were sent after all limits."""

    def observe(self) -> Observation:
        """Wait until the face is still, then observe it.

        Raises:
            DeviceError: many poses in a row had no usable frame, or the camera is gone.
        """

    def run_trajectory(self, commands: Floats, rate: float, every: int = 1) -> ObservedRun:
        """Play a trajectory from the present pose and capture frames meanwhile.

        Args:
            commands: (T, n).
            rate: commands per second, Hz.
            every: the simulated camera captures after each ``every``-th command; a real camera has
                a rate of its own.
        """

    @property
    def dropped(self) -> Mapping[str, int]:
        """Number of frames not used since the start, by reason."""

    def stop(self) -> None:
        """Move to the safe pose and disarm. It never raises."""


@dataclass(frozen=True, eq=False)
class ConnectedFace:
    """A face whose board is connected: what every capture rig is built on.

    Attributes:
        face: the face.
        board: connected.
        clock: of the board.
        setup: identity of face, mechanism and camera.
        close: called at the end of the session.
        remarks: what the session found out about the camera, one sentence each.
    """

    face: FaceConfig
    board: Board
    clock: Clock
    setup: Setup
    close: Callable[[], None] = lambda: None
    remarks: Callable[[], list[str]] = list


class BoardRig(ABC):
    """What the simulated rig and the real one share: a board and a camera on one clock.

    Args:
        at: the face and its board.
        capture: captures a frame.
        settle_s: s that the face swings after a move.
    """

    def __init__(
        self, at: ConnectedFace, capture: CaptureFrame, settle_s: float = SETTLE_S
    ) -> None:
        self._face, self._board, self._clock = at.face, at.board, at.clock
        self._setup, self._close = at.setup, at.close
        self.remarks = at.remarks
        self._capture, self._settle_s = capture, settle_s
        self._filter, self._drops = FrameFilter(), DropCounter()
        self._neck = np.array([a.region == "neck" for a in at.face.actuators.values()])
        self._limit = Limiter(at.face)
        self._last = self._requested = at.face.safe
        self._last_at = -np.inf
        self._began = 0.0
        self._spreads: list[float] = []

    @property
    def setup(self) -> Setup:
        """See ``CaptureRig``."""
        return self._setup

    @property
    def dropped(self) -> Mapping[str, int]:
        """See ``CaptureRig``."""
        return self._drops.dropped

    def true_landmarks(self) -> Floats | None:
        """See ``CaptureRig``."""
        return None

    def true_head_pose(self) -> Floats | None:
        """See ``CaptureRig``."""
        return None

    def move_to(self, goal: Floats) -> Floats:
        """See ``CaptureRig``. It moves at the speed limits."""
        while True:
            before = self._last
            self._send(goal)
            reached = np.abs(self._last - goal).max() < 1e-9
            # An interlock or a limit stops the face on the way. So does a board that homes, which
            # may have been so when the commands were sent, and not any more.
            held = np.abs(self._last - before).max() < 1e-9
            if reached or (held and self._board.pace(self._last_at) > 0.0):
                break
        # The board executes the last setpoint only after its lead time.
        self._hold(self._board.lead_s)
        return self._last

    def observe(self) -> Observation:
        """See ``CaptureRig``. A face that still moves is waited for, ``MAX_EXTRA_WAIT_S`` long."""
        self._hold(self._settle_s)
        usable: list[CapturedFrame] = []
        dropped: Counter[str] = Counter()
        spread, waited = float("nan"), 0.0
        while True:
            frame = self._capture()
            reason = self._filter.judge(frame, self._neck_still(self._last))
            if reason is None:
                usable.append(frame)
            else:
                dropped[reason] += 1
            recent = np.array([f.landmarks for f in usable[-FRAMES_AVERAGED:]])
            enough = len(recent) >= FRAMES_AVERAGED
            if enough:
                spread = float(np.sqrt(np.square(np.diff(recent, axis=0)).sum(-1).mean()))
            still = not spread > RESTLESS * float(np.median(self._spreads or [np.inf]))
            if (enough and still) or waited > MAX_EXTRA_WAIT_S:
                break
            self._hold(1.0 / RATE_HZ)
            waited += 1.0 / RATE_HZ
        self._drops.add(dropped, enough)
        if enough and np.isfinite(spread):
            self._spreads = [*self._spreads[-_RECENT_SPREADS:], spread]
        return Observation(
            time=self._clock.now() - self._began,
            landmarks=recent.mean(0) if enough else NO_LANDMARKS,
            head=usable[-1].head if enough else UNKNOWN_POSE,
            spread=spread if enough else float("nan"),
            dropped=dropped,
        )

    def _observed_run(
        self,
        sent_at: Floats,
        sent: Floats,
        frames: list[tuple[float, CapturedFrame]],
        neck_still: bool,
    ) -> ObservedRun:
        """Filter the frames of a run; each has its time in s."""
        dropped: Counter[str] = Counter()
        seen, heads = [], []
        for _, frame in frames:
            reason = self._filter.judge(frame, neck_still)
            if reason is not None:
                dropped[reason] += 1
            seen.append(frame.landmarks if reason is None else NO_LANDMARKS)
            heads.append(frame.head if reason is None else UNKNOWN_POSE)
        self._drops.dropped.update(dropped)
        return ObservedRun(
            sent_at,
            sent,
            np.array([t for t, _ in frames]),
            np.array(seen).reshape(-1, *NO_LANDMARKS.shape),
            np.array(heads).reshape(-1, 4, 4),
            dropped,
        )

    def _neck_still(self, commands: Floats) -> bool:
        """Whether commands (..., n) leave the neck at neutral."""
        return not np.abs(commands[..., self._neck]).max(initial=0.0) > 1e-3

    def _hold(self, seconds: float) -> None:
        """Keep the requested commands for a time. A board that was away gets there again."""
        end = self._clock.now() + seconds
        while self._clock.now() < end - 1e-9:
            self._send(self._requested)

    @abstractmethod
    def _send(self, goal: Floats, rate: float = RATE_HZ) -> None:
        """Send limited commands (n,) towards ``goal``, store them in ``_last``, wait one period.

        ``goal`` is stored in ``_requested``, the time (s) of the commands in ``_last_at``.
        """
