"""What a camera in front of the rig knows of its landmarks: one interface, two cameras.

``ProjectedCamera`` takes the true points and adds noise; it is fast. ``RenderedCamera`` draws the
face and lets MediaPipe look at the picture. Both leave the neck out of their landmarks, as the
face tracker does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mien.robot.sim.render import CameraView, Light, Renderer
from mien.robot.sim.rig import Rig

F64 = NDArray[np.float64]
Triple: TypeAlias = tuple[float, float, float]
ZERO: Triple = (0.0, 0.0, 0.0)
REST_IMAGES = 5  # pictures of the face at rest from which the tracker's bias is taken
POINTS = 478


@dataclass(frozen=True)
class Detection:
    """One look. ``landmarks`` (478, 3) mm in the head frame, or None when no face was seen.

    ``time``: when the shutter was open, s of the rig's clock. ``head``: (4, 4) its pose before the
    camera, mm; None where only the landmarks are looked at.
    """

    time: float
    landmarks: F64 | None
    head: F64 | None = None


class Camera(Protocol):
    """Something that looks at a rig."""

    def detect(self, rig: Rig) -> Detection:
        """The face as it is now."""

    def close(self) -> None:
        """Give back what the camera holds."""


@dataclass(frozen=True)
class Noise:
    """Errors of a tracked face, mm (x, y, z), one standard deviation.

    The defaults are those of ``RenderedCamera``, not ``closely`` (640x480, its own blur and grey
    noise, morpheus33, 40 looks at a still face, 150 random poses at 0.7 of the range, the neck
    still): a still face jitters by 0.08, 0.10, 0.06 mm; from pose to pose a point is off by another
    0.73, 0.86, 1.22 mm, all points together by 0.23, 0.43, 0.74 mm, and a point's mean over all
    poses by 0.48, 0.56, 0.82 mm. That is with the tracker's bias at rest taken off (0.8, 0.8, 10.6
    mm: MediaPipe guesses depth from an average face). None of the 190 frames was lost; the share of
    lost frames is a guess.

    Attributes:
        jitter: of every point, afresh in every frame.
        drift: of every point, wandering: errors that depend on the pose stay while it stays.
        sway: of all points together, wandering.
        memory_s: how long the wandering remembers.
        bias: of every point, the same for the whole session.
        lost: share of frames in which no face is found.
    """

    jitter: Triple = (0.08, 0.10, 0.06)
    drift: Triple = (0.73, 0.86, 1.22)
    sway: Triple = (0.23, 0.43, 0.74)
    memory_s: float = 0.3
    bias: Triple = (0.48, 0.56, 0.82)
    lost: float = 0.002


NOISELESS = Noise(ZERO, ZERO, ZERO, 1.0, ZERO, 0.0)


class ProjectedCamera:
    """True landmarks with noise. The same seed and the same looks give the same errors.

    Attributes:
        bias: (478, 3) mm, what is off in every look of this camera.
    """

    def __init__(self, noise: Noise | None = None, seed: int = 0) -> None:
        self.noise = Noise() if noise is None else noise
        self._random = np.random.default_rng([seed, 0xCA3])
        self.bias = self._random.standard_normal((POINTS, 3)) * self.noise.bias
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
        """Nothing to give back."""


@dataclass(frozen=True)
class Optics:
    """A real camera's picture: ``blur`` (one sigma) in pixels, ``noise`` in grey levels."""

    view: CameraView = field(default_factory=CameraView)
    light: Light = field(default_factory=Light)
    blur: float = 0.6
    noise: float = 2.0
    width: int = 640
    height: int = 480


class RenderedCamera:
    """A drawn picture, looked at by MediaPipe with the neutral face as its reference.

    Args:
        rig: at rest; its first pictures show the tracker what it gets wrong about this face.
        optics: of the picture.
        seed: of its noise.
        closely: follow skin and irises from those pictures on (``FaceTracker.register``), for 45 ms
            more on two cores.

    Raises:
        DeviceError: this machine has no OpenGL.
    """

    def __init__(
        self, rig: Rig, optics: Optics | None = None, seed: int = 0, closely: bool = False
    ) -> None:
        from mien.models.vision.face_tracker import FaceTracker  # MediaPipe takes seconds to load

        self.optics = Optics() if optics is None else optics
        self._random = np.random.default_rng([seed, 0x9C7])
        self._renderer = Renderer(rig.head, self.optics.width, self.optics.height)
        self._tracker = FaceTracker(rig.head.neutral_landmarks, fov_deg=self.optics.view.fov_deg)
        rest = [self.picture(rig) for _ in range(REST_IMAGES)]
        detections = [self._tracker.track(picture, rig.time) for picture in rest]
        if any(detect.found for detect in detections):
            self._tracker.settle(detections)
            if closely:
                self._tracker.register(list(zip(rest, detections, strict=True)))

    def picture(self, rig: Rig) -> NDArray[np.uint8]:
        """The picture that the camera takes now, (height, width, 3) RGB."""
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
