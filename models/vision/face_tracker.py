"""Picture -> 478 facial landmarks in mm in the head frame, through MediaPipe's Face Landmarker.

MediaPipe measures where each point is in the picture and guesses how deep it lies from what faces
usually look like. So in the result x and y are measurements and z is that guess, useful only for
its changes. Pose and scale come from where the points that no facial muscle moves are seen, and a
reference of the same face with known size; no calibrated camera is needed, and with the field of
view given perspective is removed as well.

Measured on 220 random poses of the simulated face, 640x480, sensor noise of 3 grey levels,
against the true points, after `settle`, RMS over all landmarks in x, y, z: 1.2, 1.7, 2.9 mm with
the head at rest (they move 1.4, 4.6, 5.4 mm); 2.9, 2.8, 4.1 mm with the head turned at random
within 35 degrees of yaw, 20 of pitch and 15 of roll. The pose costs little of that (with the true
one: 2.7, 2.7, 4.1): MediaPipe's points wander with the view, so calibrate with the head still.
Yaw and roll are within 1.4 degrees RMS, pitch is read as 0.6 of its value. The same picture with
other noise moves a point by 0.1 mm. Gaze up and down is hardly seen (0.2 of its value).

A resting face can be registered: then its skin is followed from there by optical flow
(`mien.models.vision.registration`) and its irises by their rings (`mien.models.vision.irises`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.models.errors import ModelError
from mien.models.vision.head_pose import HeadPose, Lens, align, solve_pose
from mien.models.vision.irises import Irises
from mien.models.vision.registration import Registration

WEIGHTS = Path(__file__).parents[1] / "weights" / "face_landmarker.task"
POINTS = 478
# Eye corners, nose, top of the forehead and the sides in front of the ears: what stays put in the
# head whatever the face does, and far enough apart to tell how it is turned.
RIGID = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 10, 127, 356, 234, 454)
# Picture heights: a lens to assume when the field of view is not known; sets the unit of distance.
ORTHOGRAPHIC_FOCAL = 4.0

F64 = NDArray[np.float64]
Follower: TypeAlias = Callable[[NDArray[np.uint8], F64], F64]
"""A picture and the tracker's pixels in it -> better ones."""


@dataclass(frozen=True)
class Tracked:
    """What one picture shows.

    faces: how many were found, at most the tracker's max_faces; with several, the largest is
        reported.
    landmarks: (478, 3) mm in the head frame (+x the face's left, +y up, +z forward), NaN when no
        face was found.
    pixels: (478, 3) x right, y down, z away from the camera, all in pixels; NaN when no face was
        found.
    scores: MediaPipe's 51 ARKit blendshape scores by name (it has no tongueOut); empty when no
        face was found.
    head: 4x4 pose of the head, head frame mm -> camera frame mm (+x right in the picture, +y up,
        +z toward the camera; the distance is only known with a field of view and is 0 otherwise.
    fit_mm: median distance sideways of the rigid points from where the pose puts them.
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
        """Whether a face is in the picture."""
        return self.faces > 0


class FaceTracker:
    """Args:
        reference: (478, 3) mm, the same face at rest in its head frame; gives scale and frame.
            Without it only pixels and scores are told; landmarks, head and fit_mm are NaN.
        video: follow the face from picture to picture (faster and smoother; times must rise), or
            look afresh each time.
        fov_deg: vertical field of view of the camera, if known.
        max_faces: with 2 or more a bystander is noticed (`Tracked.faces`), at the price of
            searching every picture.

    Raises:
        ModelError: the reference has another shape or is not finite; the model file is missing.
    """

    def __init__(
        self,
        reference: ArrayLike | None,
        *,
        video: bool = False,
        fov_deg: float | None = None,
        max_faces: int = 1,
        weights: Path = WEIGHTS,
    ) -> None:
        self._placed = reference is not None
        self.reference = np.asarray(
            np.zeros((POINTS, 3)) if reference is None else reference, dtype=np.float64
        )
        if self.reference.shape != (POINTS, 3) or not np.isfinite(self.reference).all():
            raise ModelError(
                f"reference has shape {self.reference.shape}, need ({POINTS}, 3) finite mm"
            )
        if not weights.is_file():
            raise ModelError(f"no face landmarker at {weights}")
        self._fov = fov_deg
        self._bias = np.zeros((POINTS, 3))
        self._followers: tuple[Follower, ...] = ()
        self._last_ms = -1
        self._mode: Literal["video", "image"] = "video" if video else "image"
        # It takes seconds to load, and most of the package does without.
        import mediapipe as mp
        from mediapipe.tasks.python.core.base_options import BaseOptions
        from mediapipe.tasks.python.vision.core.vision_task_running_mode import (
            VisionTaskRunningMode,
        )
        from mediapipe.tasks.python.vision.face_landmarker import (
            FaceLandmarker,
            FaceLandmarkerOptions,
        )

        self._mediapipe = mp
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
            ModelError: not such a picture, or in video mode a time that does not rise by a
                millisecond or more.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ModelError(
                f"picture has shape {image.shape} {image.dtype}, need (height, width, 3) uint8 RGB"
            )
        height, width = image.shape[:2]
        faces, scores = self._detect(image, time)
        count = len(faces)
        if not faces:
            empty = np.full((POINTS, 3), np.nan)
            return Tracked(0, empty, empty.copy(), {}, np.full((4, 4), np.nan), np.nan, time)
        largest = int(np.argmax([np.ptp(face[:, :2], axis=0).prod() for face in faces]))
        pixels = faces[largest]
        for follow in self._followers:
            pixels = follow(image, pixels)
        landmarks, head, fit = np.full((POINTS, 3), np.nan), np.full((4, 4), np.nan), np.nan
        if self._placed:
            landmarks, head, fit = self._to_head(pixels, width, height)
        return Tracked(count, landmarks, pixels, scores[largest], head, fit, time)

    def _detect(
        self, image: NDArray[np.uint8], time: float
    ) -> tuple[list[F64], list[dict[str, float]]]:
        """All faces (478, 3) in pixels, and their scores."""
        mp = self._mediapipe
        packet = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        if self._mode == "video":
            stamp = round(time * 1000)
            if stamp <= self._last_ms:
                raise ModelError(
                    f"time {time:.3f} s is not after the last, {self._last_ms / 1000:.3f} s"
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
        scores = [
            {c.category_name: float(c.score) for c in face if c.category_name != "_neutral"}
            for face in result.face_blendshapes
        ]
        return faces, scores

    @property
    def bias(self) -> F64:
        """(478, 3) mm in the head frame, taken off every look; `settle` finds it."""
        return self._bias.copy()

    @bias.setter
    def bias(self, value: ArrayLike) -> None:
        bias = np.array(value, dtype=np.float64)
        if bias.shape != (POINTS, 3) or not np.isfinite(bias).all():
            raise ModelError(f"bias has shape {bias.shape}, need ({POINTS}, 3) finite mm")
        self._bias = bias

    def settle(self, rest: Sequence[Tracked]) -> float:
        """Take pictures of the face at rest as the reference shape: whatever MediaPipe sees there
        minus the reference is its bias for this face, and is taken off from now on. Returns the
        bias's RMS in mm (x, y).

        Raises:
            ModelError: no picture of `rest` shows the face.
        """
        observed = [tracked for tracked in rest if tracked.found]
        if not observed:
            raise ModelError("none of the pictures of the face at rest shows a face")
        depth = np.median([tracked.landmarks[:, 2] for tracked in observed], axis=0)
        deeper = self.reference[:, 2] - depth
        # With another depth the same pixel is another place, along the line of sight.
        flat = [self._slide(tracked, deeper)[:, :2] for tracked in observed]
        self._bias[:, :2] += np.median(flat, axis=0) - self.reference[:, :2]
        self._bias[:, 2] -= deeper
        return float(np.sqrt(np.mean(self._bias[:, :2] ** 2)))

    def register(self, rest: Sequence[tuple[NDArray[np.uint8], Tracked]]) -> None:
        """Follow this face's skin and irises from pictures of it at rest, each with what was seen
        in it before: mien.models.vision.registration and mien.models.vision.irises. From now on
        the camera and its light must stay as they are.

        Raises:
            ModelError: none of the pictures shows a face.
        """
        observed = [(image, tracked.pixels) for image, tracked in rest if tracked.found]
        if not observed:
            raise ModelError("none of the pictures of the face at rest shows a face")
        pictures, pixels = zip(*observed, strict=True)
        home = np.median(pixels, axis=0)
        self._followers = Registration(pictures, home), Irises(pictures, home)

    def _slide(self, tracked: Tracked, deeper: F64) -> F64:
        """Landmarks (478, 3) moved along their lines of sight to where z is larger by deeper."""
        rotation, translation = tracked.head[:3, :3], tracked.head[:3, 3]
        if self._fov is None:
            rays = np.broadcast_to(-rotation[2], tracked.landmarks.shape)
        else:
            rays = tracked.landmarks + translation @ rotation
        return np.asarray(tracked.landmarks + rays * (deeper / rays[:, 2])[:, None])

    def _to_head(self, pixels: F64, width: int, height: int) -> tuple[F64, F64, float]:
        """Pixels (478, 3) -> landmarks (478, 3) mm in the head frame, head pose 4x4 in the camera
        frame, residual mm."""
        rigid = list(RIGID)
        focal = ORTHOGRAPHIC_FOCAL if self._fov is None else 0.5 / np.tan(np.radians(self._fov) / 2)
        camera = (pixels - (width / 2, height / 2, 0.0)) * (1.0, -1.0, -1.0) / (focal * height)
        shape = align(camera[rigid], self.reference[rigid])
        backward = shape.rotation.T
        distance = shape.scale  # a unit of the image (one focal length) at the face, in mm
        start = HeadPose(
            backward,
            -backward @ shape.translation + np.array([0.0, 0.0, -distance]),
            Lens(perspective=self._fov is not None),
        )
        pose, errors = solve_pose(self.reference[rigid], camera[rigid, :2], start)
        # MediaPipe's depths, in the frame of its own idea of the pose: that is where they are least
        # wrong, and the tilt between the two poses does not turn into depth.
        depth = shape(camera)[:, 2] - self._bias[:, 2]
        landmarks = pose.at_depth(camera[:, :2], depth)
        landmarks[:, :2] -= self._bias[:, :2]
        return landmarks, pose.matrix(), float(np.median(errors) * -pose.translation[2])

    def close(self) -> None:
        """Free MediaPipe's graph."""
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
