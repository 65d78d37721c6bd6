"""Accepts or drops captured frames of the face, and counts the dropped ones by reason.

The limits below leave room for these measurements on the rendered rig (640x480, morpheus33, random
poses with the neck still). The head pose is estimated within 2.9 degrees, 1.5 mm and 2 % of the
distance. The sharpness of one pose is 0.7 to 1.6 times that of another; a blur of 2 pixels reduces
it to 0.2, and motion blur of 16 pixels to 0.4. No landmark is 30 mm or more from its rest position.
At rest, robots of one design differ by 1.2 to 2.0 mm (RMS in x and y), and a person's face by 6 mm.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.models.face.regions import COUNT
from mien.robot.errors import DeviceError
from mien.robot.face.config import Floats

UNKNOWN_POSE = np.full((4, 4), np.nan)
NO_LANDMARKS = np.full((COUNT, 3), np.nan)

REASONS = {
    "lost": ("no face", "point the camera at the face, and light it"),
    "several": ("two faces", "leave only the robot's face in the picture"),
    "absurd": (
        "implausible landmarks",
        "check that the camera shows the robot's face",
    ),
    "small": ("face too small", "bring the camera closer"),
    "blurred": ("blurred", "focus the camera and fix its focus"),
    "moved": ("head moved", "put head and camera back where they were"),
    "link": ("board disconnected", "check the board's cable"),
    "dots": (
        "too few dots",
        "look at the dots beside the sheet of mien calibrate markers-sheet, and light them evenly",
    ),
}
"""Reason for dropping a frame -> (short name, remedy)."""

MAX_POSES_UNSEEN, MAX_POSES_UNSEEN_AT_START = 25, 5
"""Poses in a row without a usable frame, after which a session ends; the second number holds while
there has been no usable frame at all."""
MAX_DISTANCE_MM = 300.0  # of a landmark from the middle of the eyes
MAX_DISPLACEMENT_MM = 80.0  # of a landmark from its rest position
MIN_EYES_PX = 40.0  # between the outer corners of the eyes; 124 with the rig's camera
MIN_RELATIVE_SHARPNESS = 0.5  # of the median
MAX_TURN_DEG, MAX_SHIFT_MM, MAX_DISTANCE_CHANGE = 7.0, 8.0, 0.08
RESTLESS = 4.0  # times the median change between two frames: above it the face still moves
_REFERENCE_FRAMES, _MEDIAN_FRAMES = 5, 50


@dataclass(frozen=True, eq=False)
class CapturedFrame:
    """The face in one frame of a camera.

    Attributes:
        landmarks: (478, 3) mm in the head frame, NaN without a face.
        head: (4, 4) pose of the head in the camera frame, mm; NaN without a face.
        faces: number of faces in the frame.
        time: s at which it was captured, on the clock of the rig.
        sharpness: see ``sharpness``; NaN if unknown.
        eyes_px: distance of the outer eye corners, pixels; NaN if unknown.
        unusable: reason (a key of ``REASONS``) that the camera itself gives; empty: none.
    """

    landmarks: Floats
    head: Floats
    faces: int = 1
    time: float = float("nan")
    sharpness: float = float("nan")
    eyes_px: float = float("nan")
    unusable: str = ""


NO_FACE = CapturedFrame(NO_LANDMARKS, UNKNOWN_POSE, faces=0)


class FrameFilter:
    """Accepts or drops frames, one after the other.

    Args:
        head: (4, 4) reference pose of the head; None: that of the first frames.
        rest: (478, 3) mm, reference landmarks at rest; None: those of the first frames.
    """

    def __init__(self, head: Floats | None = None, rest: Floats | None = None) -> None:
        self._head, self._rest = head, rest
        self._references: list[CapturedFrame] = []
        self._sharp: deque[float] = deque(maxlen=_MEDIAN_FRAMES)

    def judge(self, frame: CapturedFrame, neck_still: bool = True) -> str | None:
        """Reason for dropping the frame (a key of ``REASONS``); None: it is accepted."""
        reason = self._reason(frame, neck_still)
        if reason is None:
            if np.isfinite(frame.sharpness):
                self._sharp.append(frame.sharpness)
            if neck_still and self._head is None:
                self._add_reference(frame)
        return reason

    def _reason(self, frame: CapturedFrame, neck_still: bool) -> str | None:
        if frame.faces != 1:
            return "several" if frame.faces else "lost"
        if frame.unusable:
            return frame.unusable
        points = frame.landmarks
        if not np.isfinite(points).all() or np.abs(points).max() > MAX_DISTANCE_MM:
            return "absurd"
        if self._rest is not None and _largest_distance(points - self._rest) > MAX_DISPLACEMENT_MM:
            return "absurd"
        if frame.eyes_px < MIN_EYES_PX:
            return "small"
        if len(
            self._sharp
        ) >= _REFERENCE_FRAMES and frame.sharpness < MIN_RELATIVE_SHARPNESS * np.median(
            self._sharp
        ):
            return "blurred"
        if neck_still and self._head is not None and has_moved(self._head, frame.head):
            return "moved"
        return None

    def _add_reference(self, frame: CapturedFrame) -> None:
        self._references.append(frame)
        if len(self._references) < _REFERENCE_FRAMES:
            return
        heads = [f.head for f in self._references if np.isfinite(f.head).all()]
        if heads:
            self._head = medoid_pose(heads)
        if self._rest is None:
            self._rest = np.median([f.landmarks for f in self._references], axis=0)


def medoid_pose(heads: list[Floats]) -> Floats:
    """The pose (4, 4) with the smallest sum of rotation angles to all others."""
    angles = [sum(_angle(a, b) for b in heads) for a in heads]
    return heads[int(np.argmin(angles))]


def has_moved(home: Floats, head: Floats) -> bool:
    """Whether a head pose (4, 4) differs from ``home`` (4, 4) by more than its estimation error."""
    if not np.isfinite(head).all():
        return False
    shift = float(np.linalg.norm(head[:2, 3] - home[:2, 3]))
    # The simulated rig gives the head's displacement from neutral (some mm), no camera distance.
    closer = abs(head[2, 3] / home[2, 3] - 1.0) if abs(home[2, 3]) > 100.0 else 0.0
    return _angle(home, head) > MAX_TURN_DEG or shift > MAX_SHIFT_MM or closer > MAX_DISTANCE_CHANGE


def sharpness(image: NDArray[np.uint8], pixels: Floats) -> float:
    """Sharpness of the face: variance of the Laplacian in its part of the image, grey levels^2.

    It is computed at half the resolution, where blur shows and the sensor's noise does not.

    Args:
        image: RGB (h, w, 3) uint8.
        pixels: (478, 2 or 3) landmarks in the image, pixels.
    """
    height, width = image.shape[:2]
    x0, y0 = np.clip(pixels[:, :2].min(0), 0, (width, height)).astype(int)
    x1, y1 = np.clip(pixels[:, :2].max(0), 0, (width, height)).astype(int)
    part = image[y0 : y1 - (y1 - y0) % 2, x0 : x1 - (x1 - x0) % 2]
    if min(part.shape[:2]) < 6:
        return float("nan")
    grey = part.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    h, w = (s // 2 for s in grey.shape)
    g = grey.reshape(h, 2, w, 2).mean((1, 3))
    laplacian = 4 * g[1:-1, 1:-1] - g[:-2, 1:-1] - g[2:, 1:-1] - g[1:-1, :-2] - g[1:-1, 2:]
    return float(laplacian.var())


class DropCounter:
    """Counts dropped frames, and ends a session in which the camera no longer sees the face."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self._since_seen: Counter[str] = Counter()
        self._unseen, self._ever_seen = 0, False

    def add(self, dropped: Mapping[str, int], seen: bool) -> None:
        """Count the dropped frames of one pose; ``seen``: it had a usable frame.

        Raises:
            DeviceError: ``MAX_POSES_UNSEEN`` poses in a row without a usable frame.
        """
        self.dropped.update(dropped)
        if seen:
            self._since_seen.clear()
            self._unseen, self._ever_seen = 0, True
            return
        self._since_seen.update(dropped)
        self._unseen += 1
        if self._unseen >= (MAX_POSES_UNSEEN if self._ever_seen else MAX_POSES_UNSEEN_AT_START):
            worst = self._since_seen.most_common(1)[0][0] if self._since_seen else "lost"
            counts = describe_counts(self._since_seen)
            raise DeviceError(
                f"no usable picture for {self._unseen} poses in a row ({counts})",
                REASONS[worst][1],
            )


def describe_counts(dropped: Mapping[str, int]) -> str:
    """Counts as text, as ``3 no face, 1 blurred``; empty without any."""
    return ", ".join(f"{n} {REASONS.get(k, (k,))[0]}" for k, n in sorted(dropped.items()) if n)


def _angle(a: Floats, b: Floats) -> float:
    """Rotation angle (degrees) between two poses (4, 4)."""
    return float(np.degrees(Rotation.from_matrix(a[:3, :3] @ b[:3, :3].T).magnitude()))


def _largest_distance(off: Floats) -> float:
    return float(np.linalg.norm(off, axis=-1).max())
