"""The camera before a real face: pictures with their age, each looked at when it is needed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from mien.calibration.capture.frame_filter import NOBODY, Frame, sharpness
from mien.models.face.regions import eyes_apart
from mien.models.vision.face_tracker import FaceTracker, Tracked
from mien.robot.errors import DeviceError
from mien.robot.face.config import Floats
from mien.robot.media.webcam import Picture

FROZEN_S = 2.0
"""No picture for so long: the camera hangs or is gone."""
LATEST_S = 0.1
"""How late a webcam's picture may be; one is waited for that is surely not older than asked."""
_RECENT = 10  # looks that are remembered


class Camera(Protocol):
    """Where pictures come from: ``mien.robot.media.webcam.Pictures``, or a stand-in."""

    @property
    def path(self) -> Path:
        """Its device."""

    @property
    def ended(self) -> bool:
        """There will be no more pictures."""

    @property
    def error(self) -> str:
        """Why."""

    def after(self, t: float, timeout_s: float) -> Picture | None:
        """The newest picture once one has arrived later than ``t``; None: there came none."""

    def close(self) -> None:
        """Let it go."""


class Eyes:
    """Looks at pictures with the face tracker, at each alone, so that none is smoothed by others.

    Args:
        camera: open.
        tracker: made for single pictures and at least two faces.
        delay_s: how long before its arrival a picture was taken, as far as is known.
        now: the clock of the pictures' times.
    """

    def __init__(
        self,
        camera: Camera,
        tracker: FaceTracker,
        delay_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._camera, self._tracker, self._now = camera, tracker, now
        self._delay, self._wait = delay_s, max(delay_s, LATEST_S)
        self._used = -np.inf
        self._recent: deque[tuple[Picture, Tracked]] = deque(maxlen=_RECENT)
        self._ages: deque[float] = deque(maxlen=1000)

    @property
    def bias(self) -> Floats:
        """(478, 3) mm that are taken off what the tracker sees."""
        return self._tracker.bias

    @bias.setter
    def bias(self, value: Floats) -> None:
        self._tracker.bias = value

    def look(self, since: float, sure: bool = True) -> Frame:
        """A picture not seen before.

        Args:
            since: the earliest time at which it may have been taken.
            sure: also when it comes as late as a picture may; or rather the next one.

        Raises:
            DeviceError: there comes none.
        """
        arrived = since + (self._wait if sure else self._delay)
        picture = self._camera.after(
            max(arrived, self._used), max(0.0, arrived - self._now()) + FROZEN_S
        )
        if picture is None:
            raise self._gone()
        self._used = picture.time
        self._ages.append(self._now() - picture.time)
        seen = self._tracker.track(picture.image)
        self._recent.append((picture, seen))
        if not seen.found:
            return NOBODY
        return Frame(
            seen.landmarks,
            seen.head,
            seen.faces,
            picture.time - self._delay,
            sharpness(picture.image, seen.pixels),
            eyes_apart(seen.pixels[:, :2]),
        )

    def settle(self, count: int) -> None:
        """Take the last ``count`` looks as the face at rest: ``FaceTracker.settle``."""
        self._tracker.settle([seen for _, seen in self._last(count)])

    def register(self, count: int) -> None:
        """Follow the skin from the last ``count`` pictures on: ``FaceTracker.register``."""
        self._tracker.register([(picture.image, seen) for picture, seen in self._last(count)])

    def _last(self, count: int) -> list[tuple[Picture, Tracked]]:
        """The last ``count`` looks."""
        return [*self._recent][-count:]

    def report(self) -> dict[str, float]:
        """How old the pictures were when they were looked at, ms since they arrived."""
        if not self._ages:
            return {}
        return {
            "camera_age_ms_p50": 1e3 * float(np.median(self._ages)),
            "camera_age_ms_max": 1e3 * float(np.max(self._ages)),
            "camera_delay_ms": 1e3 * self._delay,
        }

    def close(self) -> None:
        """Let camera and tracker go."""
        self._camera.close()
        self._tracker.close()

    def _gone(self) -> DeviceError:
        path, why = self._camera.path, self._camera.error
        if self._camera.ended:
            return DeviceError(
                f"the camera {path} was unplugged or closed{f': {why}' if why else ''}",
                "plug it in again",
            )
        return DeviceError(
            f"the camera {path} gave no picture for {FROZEN_S:g} s",
            "unplug it and plug it in again",
        )
