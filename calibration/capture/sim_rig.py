"""The simulated capture rig: board and camera in lock-step with the simulation's clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mien.calibration.capture.capture_rig import (
    RATE_HZ,
    BoardRig,
    CaptureFrame,
    ConnectedFace,
    ObservedRun,
)
from mien.robot.errors import DeviceError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import Floats
from mien.robot.face.safety import ramp, ramp_seconds

SETTLE_S = 0.03
"""Measured: one frame after the board's last setpoint, the landmarks are within 0.04 mm RMS of
where they come to rest."""
FRAMES_FOR_MEAN = 5
"""Frames of the still face that are averaged where the camera's noise has no formula."""


class SimRig(BoardRig):
    """A simulated face before a simulated camera.

    Args:
        at: the face and its board, on the clock of the simulation.
        capture: captures a frame.
        true_landmarks: gives the simulated landmarks (478, 3) mm.
        true_head_pose: gives the simulated head pose (4, 4), mm.
        noiseless: gives the landmarks (478, 3) mm that the camera would see without noise, where
            its errors are a formula.
    """

    def __init__(
        self,
        at: ConnectedFace,
        capture: CaptureFrame,
        true_landmarks: Callable[[], Floats],
        true_head_pose: Callable[[], Floats],
        noiseless: Callable[[], Floats] | None = None,
    ) -> None:
        super().__init__(at, capture, SETTLE_S)
        self._true_landmarks, self._true_head_pose = true_landmarks, true_head_pose
        self._noiseless = noiseless

    def true_landmarks(self) -> Floats | None:
        """See ``CaptureRig``."""
        return self._true_landmarks()

    def true_head_pose(self) -> Floats | None:
        """See ``CaptureRig``."""
        return self._true_head_pose()

    def noiseless_landmarks(self) -> Floats:
        """See ``CaptureRig``: by the camera's formula, else the mean of some frames."""
        if self._noiseless is not None:
            return self._noiseless()
        frames = []
        for _ in range(FRAMES_FOR_MEAN):
            self._hold(1.0 / RATE_HZ)
            frames.append(self._capture().landmarks)
        return np.asarray(np.mean(frames, axis=0))

    def start(self) -> None:
        """See ``CaptureRig``."""
        self._board.arm()
        self._began = self._clock.now()
        self._hold(max(0.5, self._board.homed_at - self._began))

    def run_trajectory(self, commands: Floats, rate: float, every: int = 1) -> ObservedRun:
        """See ``CaptureRig``. A frame is captured one period after its command."""
        sent_at, sent, frames = [], [], []
        still = self._neck_still(commands)
        for k, goal in enumerate(commands):
            sent_at.append(self._clock.now() + self._board.lead_s)
            self._send(goal, rate)
            sent.append(self._last)
            if k % every == every - 1:
                frames.append((self._clock.now(), self._capture()))
        return self._observed_run(np.array(sent_at), np.array(sent), frames, still)

    def settle(self) -> None:
        """Wait until the face is still."""
        self._hold(self._settle_s)

    def stop(self) -> None:
        """See ``CaptureRig``. A board that does not answer moves to its safe pose by itself."""
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

    def _send(self, goal: Floats, rate: float = RATE_HZ) -> None:
        self._requested, now = goal, self._clock.now()
        pace = self._board.pace(now)
        last = self._last if pace > 0.0 else self._face.safe  # the board homes
        limited = self._limit(goal, last, pace / rate)
        self._board.send(now, to_pulses(self._face, limited.commands))
        self._last, self._last_at = limited.commands, now
        self._board.read()
        self._clock.sleep_until(now + 1.0 / rate)
