"""The camera before a real face: a webcam and a face tracker that runs on demand."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from mien.calibration.capture.bias_correction import BiasCorrection
from mien.calibration.capture.frame_filter import NO_FACE, CapturedFrame, sharpness
from mien.models.face.regions import eyes_apart
from mien.models.vision.face_tracker import FaceTracker, Tracked
from mien.robot.errors import DeviceError
from mien.robot.face.config import Floats
from mien.robot.media.webcam import Picture

FROZEN_S = 2.0
"""After this time (s) without a picture, the camera counts as hung or unplugged."""
MAX_DELAY_S = 0.1
"""Largest time (s) from the capture of a webcam's picture to its arrival."""
_RECENT = 10  # tracked pictures that are kept


class PictureSource(Protocol):
    """A source of pictures: ``mien.robot.media.webcam.Pictures``, or a fake."""

    @property
    def path(self) -> Path:
        """Path of the device."""

    @property
    def ended(self) -> bool:
        """Whether there will be no more pictures."""

    @property
    def error(self) -> str:
        """Why it ended; empty while it has not."""

    def after(self, t: float, timeout_s: float) -> Picture | None:
        """The newest picture that arrived after time ``t`` (s); None if none arrives in time."""

    def close(self) -> None:
        """Release the device."""


class TrackingCamera:
    """A webcam and a face tracker. It tracks every picture alone, without smoothing over time.

    Args:
        source: open.
        tracker: for single pictures and at least two faces.
        delay_s: estimated time (s) from the capture of a picture to its arrival.
        now: clock of the pictures' arrival times, s.
    """

    def __init__(
        self,
        source: PictureSource,
        tracker: FaceTracker,
        delay_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._tracker, self._now = source, tracker, now
        self._delay, self._wait = delay_s, max(delay_s, MAX_DELAY_S)
        self._correct = BiasCorrection()
        self._used = -np.inf
        self._settled = False  # before, the constant error of this face is in all landmarks
        self._recent: deque[tuple[Picture, Tracked]] = deque(maxlen=_RECENT)
        self._ages: deque[float] = deque(maxlen=1000)

    @property
    def bias(self) -> Floats:
        """Error (478, 3) mm of the tracker, subtracted from its landmarks."""
        return self._tracker.bias

    @bias.setter
    def bias(self, value: Floats) -> None:
        self._tracker.bias = value
        self._settled = bool(np.any(value))

    def capture(self, since: float, sure: bool = True) -> CapturedFrame:
        """Wait for a new picture and track the face in it.

        Args:
            since: earliest time (s) of the capture.
            sure: assume the largest delay, so that the picture is surely not older than ``since``;
                otherwise assume the estimated delay.

        Raises:
            DeviceError: no picture arrives.
        """
        arrived = since + (self._wait if sure else self._delay)
        picture = self._source.after(
            max(arrived, self._used), max(0.0, arrived - self._now()) + FROZEN_S
        )
        if picture is None:
            raise self._no_picture()
        self._used = picture.time
        self._ages.append(self._now() - picture.time)
        seen = self._tracker.track(picture.image)
        self._recent.append((picture, seen))
        if not seen.found:
            return NO_FACE
        landmarks = seen.landmarks
        if self._settled:
            landmarks = self._correct(landmarks, self._tracker.reference)
        return CapturedFrame(
            landmarks,
            seen.head,
            seen.faces,
            picture.time - self._delay,
            sharpness(picture.image, seen.pixels),
            eyes_apart(seen.pixels[:, :2]),
        )

    def settle(self, count: int) -> None:
        """Use the last ``count`` pictures as the face at rest; see ``FaceTracker.settle``."""
        self._tracker.settle([seen for _, seen in self._last(count)])
        self._settled = True

    def register(self, count: int) -> None:
        """Track the skin relative to the last ``count`` pictures; see ``FaceTracker.register``."""
        self._tracker.register([(picture.image, seen) for picture, seen in self._last(count)])

    def _last(self, count: int) -> list[tuple[Picture, Tracked]]:
        """The last ``count`` tracked pictures."""
        return [*self._recent][-count:]

    def remarks(self) -> list[str]:
        """What the session found out about this face, one sentence each."""
        return self._correct.remarks()

    def report(self) -> dict[str, float]:
        """Age of the pictures when they were tracked, in ms since arrival, and the delay in ms."""
        if not self._ages:
            return {}
        return {
            "camera_age_ms_p50": 1e3 * float(np.median(self._ages)),
            "camera_age_ms_max": 1e3 * float(np.max(self._ages)),
            "camera_delay_ms": 1e3 * self._delay,
        }

    def close(self) -> None:
        """Release camera and tracker."""
        self._source.close()
        self._tracker.close()

    def _no_picture(self) -> DeviceError:
        path, why = self._source.path, self._source.error
        if self._source.ended:
            return DeviceError(
                f"the camera {path} was unplugged or closed{f': {why}' if why else ''}",
                "plug it in again",
            )
        return DeviceError(
            f"the camera {path} gave no picture for {FROZEN_S:g} s",
            "unplug it and plug it in again",
        )
