"""The real capture rig: a control loop in a thread of its own, and a webcam.

The loop is ``mien.robot.control.loop.Loop``, and only it calls the board. It sends 60 setpoints
per second whatever the caller does meanwhile (a fit, face tracking, user input), so that the
board's watchdog never expires. At every end of a session, also by an error, the loop moves the face
to its safe pose and disarms the board.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition, Thread, main_thread
from typing import Protocol

import numpy as np

from mien.calibration.capture.capture_rig import (
    RATE_HZ,
    SETTLE_S,
    BoardRig,
    ConnectedFace,
    Observation,
    ObservedRun,
)
from mien.calibration.capture.frame_filter import (
    NO_LANDMARKS,
    CapturedFrame,
    FrameFilter,
    describe_counts,
)
from mien.calibration.capture.rest_pose import RestPose, check_same, median_rest_pose
from mien.robot.control.loop import Loop, Tick
from mien.robot.errors import DeviceError, MienError
from mien.robot.face.config import Floats
from mien.robot.face.safety import ramp_seconds

REST_FRAMES, REST_ATTEMPTS, SOFT_START_S = 5, 30, 0.5  # the last is of the firmware
_LOOP_TIMEOUT_S = 30.0  # longer than the board may be disconnected


class ObservingCamera(Protocol):
    """A camera with a face tracker: ``TrackingCamera``, or a fake."""

    bias: Floats

    def capture(self, since: float, sure: bool = True) -> CapturedFrame:
        """A new frame, captured at time ``since`` (s) or later."""

    def settle(self, count: int) -> None:
        """Use the last ``count`` frames as those of the face at rest."""

    def register(self, count: int) -> None:
        """Track the skin relative to the last ``count`` frames, those of the face at rest."""

    def report(self) -> dict[str, float]:
        """Counters of the session, for ``metrics.json``."""

    def close(self) -> None:
        """Release the camera."""


@dataclass(frozen=True, eq=False)
class _Trajectory:
    """Commands (T, n) to play at ``rate`` Hz from time ``start`` (s)."""

    start: float
    rate: float
    commands: Floats

    def at(self, t: float) -> Floats | None:
        """Commands (n,) due at time t (s); None after the last."""
        k = round((t - self.start) * self.rate)
        return self.commands[max(k, 0)] if k < len(self.commands) else None


class HardwareRig(BoardRig):
    """A real face before a webcam. Its true landmarks are not known.

    Args:
        at: the face and its board, on the clock of the frames. From ``start`` to ``stop`` only the
            loop calls the board.
        camera: with its face tracker.
        folder: keeps the reference observation of the face at rest; later sessions compare with it.
    """

    def __init__(
        self, at: ConnectedFace, camera: ObservingCamera, folder: Path | None = None
    ) -> None:
        super().__init__(at, self._capture_still)
        self._camera, self._folder = camera, folder
        self._changed = Condition()
        self._goal: Floats | None = at.face.safe.copy()
        self._trajectory: _Trajectory | None = None
        self._ticks: list[Tick] = []
        self._tick: Tick | None = None
        self._error: BaseException | None = None
        self._over = False
        self._still_since = 0.0
        self._reconnects = 0
        self._thread = Thread(target=self._run, name="face")

    def start(self) -> None:
        """Arm, move to neutral, and compare the face there with the reference observation.

        Raises:
            DeviceError: no board, no face in view, or head or camera have moved since.
            ConfigError: it is another face.
        """
        before = None if self._folder is None else RestPose.load(self._folder, self._face)
        self._began = self._clock.now()
        self._thread.start()
        self._send(self._face.safe)
        self._hold(SOFT_START_S + self._ramp_s(self._face.safe))
        self.move_to(np.zeros(len(self._face.names)))
        self._hold(SETTLE_S)
        if before is not None:
            self._camera.bias = before.bias
            check_same(before, self._observe_rest(), self._folder or Path(), self._face)
        else:
            self._observe_rest()
            self._camera.settle(REST_FRAMES)
            before = self._observe_rest()
            if self._folder is not None:
                before.save(self._folder)
        self._camera.register(REST_FRAMES)
        self._filter = FrameFilter(before.head, before.landmarks)

    def move_to(self, goal: Floats) -> Floats:
        """See ``CaptureRig``. It moves again if the board was disconnected meanwhile."""
        while True:
            reconnects = self._reconnects = self._reconnections()
            sent = super().move_to(goal)
            self._still_since = self._clock.now() + SETTLE_S
            if self._reconnections() == reconnects:
                return sent
            self._hold(SOFT_START_S + self._ramp_s(goal))

    def observe(self) -> Observation:
        """See ``CaptureRig``. If the board was disconnected, it moves and observes again.

        A disconnected board moves the face to its safe pose.
        """
        observation = super().observe()
        while self._reconnections() != self._reconnects:
            self.move_to(self._requested)
            again = super().observe()
            self._drops.dropped["link"] += 1
            before = {**observation.dropped, "link": observation.dropped.get("link", 0) + 1}
            observation = replace(again, dropped={**before, **again.dropped})
        return observation

    def noiseless_landmarks(self) -> Floats:
        """See ``CaptureRig``: the mean of some usable frames, NaN without any."""
        frames = (self._capture_still() for _ in range(2 * REST_FRAMES))
        still = self._neck_still(self._last)
        good = [f.landmarks for f in frames if self._filter.judge(f, still) is None]
        return np.mean(good, axis=0) if good else NO_LANDMARKS

    def run_trajectory(self, commands: Floats, rate: float, every: int = 1) -> ObservedRun:  # noqa: ARG002
        """See ``CaptureRig``. Every frame of the camera is used, with its capture time."""
        trajectory = _Trajectory(self._clock.now() + 2.0 / rate, rate, commands)
        frames: list[tuple[float, CapturedFrame]] = []
        with self._changed:
            self._ticks, self._trajectory = [], trajectory
        self._goal = commands[-1]
        since = trajectory.start
        while since < trajectory.start + len(commands) / rate:
            self._check()
            frame = self._camera.capture(since, sure=False)
            since = frame.time if np.isfinite(frame.time) else self._clock.now()
            frames.append((since, frame))
        with self._changed:
            self._trajectory, ticks = None, self._ticks
        self._send(commands[-1])
        # The loop's ticks are resampled at the times of the commands: a tick may be missing.
        at = trajectory.start + np.arange(len(commands)) / rate
        tick_at = np.array([t.t for t in ticks])
        sent = np.array([t.sent for t in ticks])
        resampled = np.stack([np.interp(at, tick_at, column) for column in sent.T], axis=1)
        still = self._neck_still(commands)
        return self._observed_run(at + self._board.lead_s, resampled, frames, still)

    def report(self) -> dict[str, float]:
        """Age of the frames and counters of the link, for ``metrics.json``."""
        return self._camera.report() | {f"link_{k}": v for k, v in self._board.report().items()}

    def stop(self) -> None:
        """Move to the safe pose and disarm. A second Ctrl-C disarms at once."""
        try:
            with self._changed:
                self._goal = self._trajectory = None
            if self._thread.ident is not None:
                self._thread.join()
        finally:
            self._camera.close()
            self._close()

    def _run(self) -> None:
        try:
            Loop(self._face, self._board, self._clock, self._observe).follow(self._due)
        except BaseException as e:  # raised in the caller's thread by _check
            self._error = e
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _due(self, t: float) -> Floats | None:
        """Commands (n,) that the loop sends at time t (s); None ends the loop."""
        with self._changed:
            if self._goal is None or not main_thread().is_alive():
                return None
            row = None if self._trajectory is None else self._trajectory.at(t)
            return self._goal if row is None else row

    def _observe(self, tick: Tick) -> None:
        with self._changed:
            self._tick = tick
            if self._trajectory is not None:
                self._ticks.append(tick)
            self._changed.notify_all()

    def _send(self, goal: Floats, rate: float = RATE_HZ) -> None:
        """Give the loop a goal. Returns when the loop has sent it and a period has passed."""
        until, before = self._clock.now() + 1.0 / rate, self._tick

        def sent() -> bool:
            tick = self._tick
            new = tick is not None and tick is not before and tick.target is goal
            return self._over or new

        with self._changed:
            self._goal = self._requested = goal
            there = self._changed.wait_for(sent, _LOOP_TIMEOUT_S)
            if self._tick is not None:
                self._last, self._last_at = self._tick.sent, self._tick.t
        self._check()
        if not there:
            raise DeviceError("the loop that moves the face hangs", "mien doctor")
        self._clock.sleep_until(until)

    def _check(self) -> None:
        """Raise the error that ended the loop."""
        if self._error is not None:
            if isinstance(self._error, MienError):
                raise type(self._error)(self._error.message, self._error.hint) from self._error
            raise self._error
        if self._over:
            raise DeviceError("the loop that moves the face has ended", "mien doctor")

    def _capture_still(self) -> CapturedFrame:
        self._check()
        return self._camera.capture(self._still_since)

    def _observe_rest(self) -> RestPose:
        """Reference observation of the face at rest.

        Raises:
            DeviceError: there are not enough usable frames of it in a row.
        """
        accept, good, dropped = FrameFilter(), list[CapturedFrame](), dict[str, int]()
        for _ in range(REST_ATTEMPTS):
            frame = self._capture_still()
            reason = accept.judge(frame)
            if reason is None:
                good.append(frame)
            else:
                dropped[reason] = dropped.get(reason, 0) + 1
                good.clear()  # the frames must be in a row
            if len(good) == REST_FRAMES:
                return median_rest_pose(good, self._camera.bias)
        counts = describe_counts(dropped)
        raise DeviceError(
            f"no usable picture of the face at rest in {REST_ATTEMPTS} ({counts})",
            "show the camera the robot's whole face and no other face, well lit",
        )

    def _reconnections(self) -> int:
        """Number of reconnections of the link so far. It waits while the board is disconnected."""
        while not self._board.connected:
            self._check()
            self._clock.sleep_until(self._clock.now() + 1.0 / RATE_HZ)
        return self._board.counters.reconnects

    def _ramp_s(self, goal: Floats) -> float:
        """Time (s) of a ramp from the safe pose to ``goal`` (n,)."""
        return ramp_seconds(self._face, self._face.safe, goal)
