"""Simulated cameras in front of the rig: one interface, two cameras.

``ProjectedCamera`` adds noise to the true landmarks and is fast. ``RenderedCamera`` renders an
image
and tracks it with MediaPipe. Both give landmarks without the motion of the neck, as the face
tracker does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mien.robot.sim.head import load_head
from mien.robot.sim.render import CameraView, Light, Renderer
from mien.robot.sim.rig import Rig

F64 = NDArray[np.float64]
Triple: TypeAlias = tuple[float, float, float]
ZERO: Triple = (0.0, 0.0, 0.0)
REST_IMAGES = 5  # pictures of the face at rest from which the tracker's bias is taken
POINTS = 478


@dataclass(frozen=True)
class Detection:
    """One detection of the face.

    Attributes:
        time: time of the image in s on the rig's clock.
        landmarks: (478, 3) mm in the head frame; None when no face was found.
        head: (4, 4) head pose before the camera, mm; None where it is not estimated.
    """

    time: float
    landmarks: F64 | None
    head: F64 | None = None


class Camera(Protocol):
    """A camera in front of a rig."""

    def detect(self, rig: Rig) -> Detection:
        """Detect the face as it is now."""

    def close(self) -> None:
        """Release the resources of the camera."""


@dataclass(frozen=True)
class Noise:
    """Errors of a tracked face: standard deviations in mm, as (x, y, z).

    The defaults were measured with ``RenderedCamera`` without ``closely`` (640x480, its own blur
    and grey
    noise, morpheus33, 40 images of a still face, 150 random poses at 0.7 of the range, the neck
    still).
    On a still face a point jitters by 0.08, 0.10, 0.06 mm. From pose to pose a point is off by
    another
    0.73, 0.86, 1.22 mm, and all points together by 0.23, 0.43, 0.74 mm. The mean of a point over
    all
    poses is off by 0.48, 0.56, 0.82 mm. The tracker's bias at rest is subtracted before (0.8, 0.8,
    10.6
    mm: MediaPipe estimates depth from an average face). None of the 190 images was lost, so the
    share
    of lost images is an assumption.

    Attributes:
        jitter: of every point, independent in every image.
        drift: of every point, correlated in time: errors that depend on the pose.
        sway: of all points together, correlated in time.
        memory_s: time constant of drift and sway in s.
        bias: of every point, constant for a session.
        lost: share of images without a face.
    """

    jitter: Triple = (0.08, 0.10, 0.06)
    drift: Triple = (0.73, 0.86, 1.22)
    sway: Triple = (0.23, 0.43, 0.74)
    memory_s: float = 0.3
    bias: Triple = (0.48, 0.56, 0.82)
    lost: float = 0.002


class ProjectedCamera:
    """True landmarks with noise. The same seed and the same detections give the same errors.

    Args:
        noise: its size.
        seed: of the noise.
        unit: which camera it is: seed of its constant error; None: that of the noise.

    Attributes:
        bias: (478, 3) mm, the constant error of this camera.
    """

    def __init__(self, noise: Noise | None = None, seed: int = 0, unit: int | None = None) -> None:
        self.noise = Noise() if noise is None else noise
        self._random = np.random.default_rng([seed, 0xCA3])
        own = self._random.standard_normal((POINTS, 3))
        if unit is not None:
            own = np.random.default_rng([unit, 0xCA3]).standard_normal((POINTS, 3))
        self.bias = own * self.noise.bias
        self._sway, self._drift = np.zeros(3), np.zeros((POINTS, 3))
        self._last: float | None = None

    def detect(self, rig: Rig) -> Detection:
        """See ``Camera``."""
        noise = self.noise
        passed = np.inf if self._last is None else max(rig.time - self._last, 0.0)
        keep = float(np.exp(-passed / noise.memory_s))
        fresh, random = np.sqrt(1.0 - keep**2), self._random
        self._sway = self._sway * keep + fresh * random.standard_normal(3) * noise.sway
        points = random.standard_normal((2, POINTS, 3))
        self._drift = self._drift * keep + fresh * points[0] * noise.drift
        self._last = rig.time
        if random.random() < noise.lost or rig.blind:
            return Detection(rig.time, None)
        off = self.bias + self._sway + self._drift + points[1] * noise.jitter
        return Detection(rig.time, rig.landmarks() + off)

    def close(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True)
class Optics:
    """Image quality: ``blur`` (sigma) in pixels, ``noise`` in grey levels."""

    view: CameraView = field(default_factory=CameraView)
    light: Light = field(default_factory=Light)
    blur: float = 0.6
    noise: float = 2.0
    width: int = 640
    height: int = 480


class RenderedCamera:
    """A rendered image, tracked by MediaPipe with the neutral face as its reference.

    Args:
        rig: at rest. Its first images give the tracker's bias on this face.
        optics: image quality.
        seed: seed of the image noise.
        closely: also register skin and irises (``FaceTracker.register``). It takes 45 ms more per
            image on two cores.
        stranger: the tracker knows neither this head nor the lens, as before a real face: its
            reference is the nominal head.

    Raises:
        DeviceError: this machine has no OpenGL.
    """

    def __init__(
        self,
        rig: Rig,
        optics: Optics | None = None,
        seed: int = 0,
        closely: bool = False,
        stranger: bool = False,
    ) -> None:
        from mien.models.vision.face_tracker import FaceTracker  # MediaPipe takes seconds to load

        self.optics = Optics() if optics is None else optics
        self._random = np.random.default_rng([seed, 0x9C7])
        self._renderer = Renderer(rig.head, self.optics.width, self.optics.height)
        known = load_head() if stranger else rig.head
        fov_deg = None if stranger else self.optics.view.fov_deg
        self.reference = known.neutral_landmarks
        self._tracker = FaceTracker(self.reference, fov_deg=fov_deg)
        rest = [self.picture(rig) for _ in range(REST_IMAGES)]
        detections = [self._tracker.track(picture, rig.time) for picture in rest]
        if any(detect.found for detect in detections):
            self._tracker.settle(detections)
            if closely:
                self._tracker.register(list(zip(rest, detections, strict=True)))

    def picture(self, rig: Rig) -> NDArray[np.uint8]:
        """The image of the camera now, (height, width, 3) RGB."""
        state, optics = rig.skin_state(), self.optics
        image = self._renderer.render(rig.skin.deform(state), state.head, optics.view, optics.light)
        if not optics.blur and not optics.noise:
            return image
        soft = gaussian_filter(image.astype(np.float32), (optics.blur, optics.blur, 0.0))
        soft += optics.noise * self._random.standard_normal(soft.shape, dtype=np.float32)
        return np.asarray(np.clip(np.rint(soft), 0, 255), dtype=np.uint8)

    def detect(self, rig: Rig) -> Detection:
        """See ``Camera``."""
        if rig.blind:
            return Detection(rig.time, None)
        detected = self._tracker.track(self.picture(rig), rig.time)
        return (
            Detection(rig.time, detected.landmarks, detected.head)
            if detected.found
            else Detection(rig.time, None)
        )

    def close(self) -> None:
        """See ``Camera``."""
        self._renderer.close()
        self._tracker.close()
