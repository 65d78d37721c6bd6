"""Picture -> 478 facial landmarks in mm in the head frame, through MediaPipe's Face Landmarker.

MediaPipe finds where each point is in the picture well (1 px or so) and guesses how deep it lies from what faces usually look like.
Both come out here in mm: x and y are measurements, z is that guess. Scale and pose come from a rigid fit of points that
no facial muscle moves to a reference of known size, so nothing here needs a calibrated camera; with the field of view given,
perspective is removed as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision.core.vision_task_running_mode import VisionTaskRunningMode
from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarker, FaceLandmarkerOptions
from numpy.typing import ArrayLike, NDArray

from models.errors import ModelError

WEIGHTS = Path(__file__).parent / "weights" / "face_landmarker.task"
POINTS = 478
# Eye corners, nose bridge, forehead and temples: what stays put in the head whatever the face does.
RIGID = (
    33,
    133,
    362,
    263,
    168,
    6,
    197,
    195,
    5,
    10,
    109,
    338,
    67,
    297,
    103,
    332,
    54,
    284,
    21,
    251,
    162,
    389,
    127,
    356,
)
HUBER_MM = 1.0  # rigid points that fit worse than this count less
ROUNDS = 4

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + translation."""

    scale: float
    rotation: F64
    translation: F64

    def __call__(self, points: F64) -> F64:
        return np.asarray(self.scale * points @ self.rotation.T + self.translation)


def align(source: F64, target: F64, weights: F64) -> Similarity:
    """The similarity that moves source (n, 3) onto target (n, 3) with least weighted squared error (Umeyama 1991)."""
    share = weights / weights.sum()
    middle_s, middle_t = share @ source, share @ target
    s, t = source - middle_s, target - middle_t
    u, d, vt = np.linalg.svd((t * share[:, None]).T @ s)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * flip) @ vt
    scale = float((d * flip).sum() / (share @ (s * s).sum(axis=1)))
    return Similarity(scale, rotation, middle_t - scale * rotation @ middle_s)


def align_robust(source: F64, target: F64) -> tuple[Similarity, float]:
    """`align` with Huber weights; also returns the weighted RMS residual in the target's unit."""
    weights = np.ones(len(source))
    for _ in range(ROUNDS):
        fit = align(source, target, weights)
        errors = np.linalg.norm(fit(source) - target, axis=1)
        weights = np.minimum(1.0, HUBER_MM / np.maximum(errors, 1e-9))
    return fit, float(np.sqrt(weights @ errors**2 / weights.sum()))


@dataclass(frozen=True)
class Tracked:
    """What one picture shows.

    faces: how many were found, at most the tracker's max_faces; with several, the largest is reported.
    landmarks: (478, 3) mm in the head frame (+x the face's left, +y up, +z forward), NaN when no face was found.
    pixels: (478, 3) x right, y down, z away from the camera, all in pixels; NaN when no face was found.
    scores: MediaPipe's 51 ARKit blendshape scores by name (it has no tongueOut); empty when no face was found.
    head: 4x4 pose of the head, head frame mm -> camera frame mm (+x right in the picture, +y up, +z toward the
        camera); the distance is only known with a field of view and is 0 otherwise.
    fit_mm: RMS distance of the rigid points from the reference after the fit.
    time: seconds, as given.
    """

    faces: int
    landmarks: F64
    pixels: F64
    scores: dict[str, float]
    head: F64
    fit_mm: float
    time: float

    @property
    def found(self) -> bool:
        return self.faces > 0


class FaceTracker:
    """Args:
        reference: (478, 3) mm, the same face at rest in its head frame; gives scale and frame.
        video: follow the face from picture to picture (faster and smoother; times must rise), or look afresh each time.
        fov_deg: vertical field of view of the camera, if known.
        max_faces: with 2 or more a bystander is noticed (`Tracked.faces`), at the price of searching every picture.

    Raises:
        ModelError: the reference has another shape or is not finite; the model file is missing.
    """

    def __init__(
        self,
        reference: ArrayLike,
        *,
        video: bool = False,
        fov_deg: float | None = None,
        max_faces: int = 1,
        weights: Path = WEIGHTS,
    ) -> None:
        self.reference = np.asarray(reference, dtype=np.float64)
        if self.reference.shape != (POINTS, 3) or not np.isfinite(self.reference).all():
            raise ModelError(
                f"reference has shape {self.reference.shape}, need ({POINTS}, 3) finite mm"
            )
        if not weights.is_file():
            raise ModelError(f"no face landmarker at {weights}")
        self._fov = fov_deg
        self._last_ms = -1
        self._mode: Literal["video", "image"] = "video" if video else "image"
        self._landmarker = FaceLandmarker.create_from_options(
            FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_buffer=weights.read_bytes()),
                running_mode=VisionTaskRunningMode.VIDEO if video else VisionTaskRunningMode.IMAGE,
                num_faces=max_faces,
                output_face_blendshapes=True,
            )
        )

    def track(self, image: NDArray[np.uint8], time: float = 0.0) -> Tracked:
        """Look at one RGB picture (height, width, 3) uint8 taken at `time` seconds.

        Raises:
            ModelError: not such a picture, or in video mode a time that does not rise by a millisecond or more.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ModelError(
                f"picture has shape {image.shape} {image.dtype}, need (height, width, 3) uint8 RGB"
            )
        packet = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        if self._mode == "video":
            stamp = round(time * 1000)
            if stamp <= self._last_ms:
                raise ModelError(
                    f"time {time:.3f} s is not after the last picture's {self._last_ms / 1000:.3f} s"
                )
            self._last_ms = stamp
            result = self._landmarker.detect_for_video(packet, stamp)
        else:
            result = self._landmarker.detect(packet)
        height, width = image.shape[:2]
        faces = [
            np.array([(p.x * width, p.y * height, p.z * width) for p in face], dtype=np.float64)
            for face in result.face_landmarks
        ]
        if not faces:
            empty = np.full((POINTS, 3), np.nan)
            return Tracked(0, empty, empty.copy(), {}, np.full((4, 4), np.nan), np.nan, time)
        largest = int(np.argmax([np.ptp(face[:, :2], axis=0).prod() for face in faces]))
        scores = {
            c.category_name: float(c.score)
            for c in result.face_blendshapes[largest]
            if c.category_name != "_neutral"
        }
        landmarks, head, fit = self._to_head(faces[largest], width, height)
        return Tracked(len(faces), landmarks, faces[largest], scores, head, fit, time)

    def _to_head(self, pixels: F64, width: int, height: int) -> tuple[F64, F64, float]:
        """Pixels (478, 3) -> landmarks (478, 3) mm in the head frame, head pose 4x4 in the camera frame, residual mm."""
        rigid = list(RIGID)
        camera = (pixels - (width / 2, height / 2, 0.0)) * (1.0, -1.0, -1.0)
        fit, residual = align_robust(camera[rigid], self.reference[rigid])
        distance = 0.0
        if self._fov is not None:
            focal = height / 2 / np.tan(np.radians(self._fov) / 2)
            # A pixel is 1/scale mm at the face's mean depth, so the camera is focal * scale away; nearer points look larger.
            for _ in range(2):
                distance = focal * fit.scale
                nearer = 1.0 - camera[:, 2:] * fit.scale / distance
                flat = np.concatenate([camera[:, :2] * nearer, camera[:, 2:]], axis=1)
                fit, residual = align_robust(flat[rigid], self.reference[rigid])
            camera = flat
        head = np.eye(4)
        head[:3, :3] = fit.rotation.T
        head[:3, 3] = -fit.rotation.T @ fit.translation - (0.0, 0.0, distance)
        return fit(camera), head, residual

    def close(self) -> None:
        self._landmarker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
