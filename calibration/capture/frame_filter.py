"""Which pictures of the face are believed: the others are dropped, and counted by reason.

Measured on the rendered rig (640x480, morpheus33, random poses with the neck still), which the
limits below leave room for: the head's pose is read within 2.9 degrees, 1.5 mm and 2 % of the
distance of where it is; the sharpness of a pose is 0.7 to 1.6 of another's, while a blur of 2
pixels leaves 0.2 of it and a smear of 16 leaves 0.4; no landmark is ever 30 mm from its rest. At
rest, other robots of the same design are 1.2 to 2.0 mm (RMS in x and y) from each other, and a
person in their place 6 mm.
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

NOWHERE = np.full((4, 4), np.nan)
UNSEEN = np.full((COUNT, 3), np.nan)

REASONS = {
    "lost": ("no face", "point the camera at the face, and light it"),
    "several": ("two faces", "leave only the robot's face in the picture"),
    "absurd": ("absurd landmarks", "look at the camera's picture: is it the robot's face?"),
    "small": ("face too small", "bring the camera closer"),
    "blurred": ("blurred", "focus the camera and fix its focus"),
    "moved": ("head moved", "put head and camera back to where they were"),
    "link": ("board away", "check the board's cable"),
}
"""Why a picture is not used: in short, and what helps."""

BLIND, BLIND_FROM_THE_START = 25, 5
"""Poses in a row without a usable picture; the second where there never was one."""
FARTHEST_MM = 300.0  # from the middle of the eyes
STRAYED_MM = 80.0  # from where the landmark was at rest
LEAST_EYES_PX = 40.0  # between the outer corners of the eyes; 124 with the rig's camera
SHARPNESS = 0.5  # of the usual
TURNED_DEG, SHIFTED_MM, NEARER = 7.0, 8.0, 0.08
RESTLESS = 4.0  # times the usual change between two looks: the face still moves
_FIRST, _USUAL = 5, 50  # pictures that make a reference, and that say what is usual


@dataclass(frozen=True, eq=False)
class Frame:
    """What one picture shows.

    Attributes:
        landmarks: (478, 3) mm in the head frame, NaN without a face.
        head: (4, 4) pose of the head before the camera, NaN without a face.
        faces: how many are in it.
        time: when it was taken, s of the stage's clock.
        sharpness: see ``sharpness``; NaN where it is not known.
        eyes_px: distance of the outer eye corners in pixels; NaN where it is not known.
    """

    landmarks: Floats
    head: Floats
    faces: int = 1
    time: float = float("nan")
    sharpness: float = float("nan")
    eyes_px: float = float("nan")


NOBODY = Frame(UNSEEN, NOWHERE, faces=0)


class Sieve:
    """Judges pictures one after the other.

    Args:
        head: (4, 4) where the head belongs; without, where it is in the first pictures.
        rest: (478, 3) mm, the face at rest; without, its first pictures.
    """

    def __init__(self, head: Floats | None = None, rest: Floats | None = None) -> None:
        self._head, self._rest = head, rest
        self._first: list[Frame] = []
        self._sharp: deque[float] = deque(maxlen=_USUAL)

    def judge(self, frame: Frame, neck_still: bool = True) -> str | None:
        """Why the picture is not used (a key of ``REASONS``), or None: it is."""
        reason = self._wrong(frame, neck_still)
        if reason is None:
            if np.isfinite(frame.sharpness):
                self._sharp.append(frame.sharpness)
            if neck_still and self._head is None:
                self._learn(frame)
        return reason

    def _wrong(self, frame: Frame, neck_still: bool) -> str | None:
        if frame.faces != 1:
            return "several" if frame.faces else "lost"
        points = frame.landmarks
        if not np.isfinite(points).all() or np.abs(points).max() > FARTHEST_MM:
            return "absurd"
        if self._rest is not None and _farthest(points - self._rest) > STRAYED_MM:
            return "absurd"
        if frame.eyes_px < LEAST_EYES_PX:
            return "small"
        if len(self._sharp) >= _FIRST and frame.sharpness < SHARPNESS * np.median(self._sharp):
            return "blurred"
        if neck_still and self._head is not None and moved(self._head, frame.head):
            return "moved"
        return None

    def _learn(self, frame: Frame) -> None:
        self._first.append(frame)
        if len(self._first) < _FIRST:
            return
        heads = [f.head for f in self._first if np.isfinite(f.head).all()]
        if heads:
            self._head = middle(heads)
        if self._rest is None:
            self._rest = np.median([f.landmarks for f in self._first], axis=0)


def middle(heads: list[Floats]) -> Floats:
    """That of the poses (4, 4) which is turned least from all others."""
    turned = [sum(_angle(a, b) for b in heads) for a in heads]
    return heads[int(np.argmin(turned))]


def moved(home: Floats, head: Floats) -> bool:
    """Whether a head (4, 4) is elsewhere than it was, by more than the reading of it wanders."""
    if not np.isfinite(head).all():
        return False
    away = float(np.linalg.norm(head[:2, 3] - home[:2, 3]))
    # A rig says how far its head has come from neutral, some mm, and no distance to a camera.
    nearer = abs(head[2, 3] / home[2, 3] - 1.0) if abs(home[2, 3]) > 100.0 else 0.0
    return _angle(home, head) > TURNED_DEG or away > SHIFTED_MM or nearer > NEARER


def sharpness(image: NDArray[np.uint8], pixels: Floats) -> float:
    """Variance of the Laplacian of the part of an RGB picture (h, w, 3) where the face is.

    At half the resolution: there, a blur shows and the sensor's noise does not.
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
    bend = 4 * g[1:-1, 1:-1] - g[:-2, 1:-1] - g[2:, 1:-1] - g[1:-1, :-2] - g[1:-1, 2:]
    return float(bend.var())


class Tally:
    """Counts what was dropped, and ends a session that sees nothing any more."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self._row: Counter[str] = Counter()
        self._unseen, self._ever = 0, False

    def add(self, dropped: Mapping[str, int], seen: bool) -> None:
        """One pose: its dropped pictures, and whether it was seen in the end.

        Raises:
            DeviceError: ``BLIND`` poses in a row without a usable picture.
        """
        self.dropped.update(dropped)
        if seen:
            self._row.clear()
            self._unseen, self._ever = 0, True
            return
        self._row.update(dropped)
        self._unseen += 1
        if self._unseen >= (BLIND if self._ever else BLIND_FROM_THE_START):
            worst = self._row.most_common(1)[0][0] if self._row else "lost"
            raise DeviceError(
                f"no usable picture for {self._unseen} poses in a row ({said(self._row)})",
                REASONS[worst][1],
            )


def said(dropped: Mapping[str, int]) -> str:
    """Counts for people: ``3 no face, 1 blurred``; empty without any."""
    return ", ".join(f"{n} {REASONS.get(k, (k,))[0]}" for k, n in sorted(dropped.items()) if n)


def _angle(a: Floats, b: Floats) -> float:
    """Degrees between two poses (4, 4)."""
    return float(np.degrees(Rotation.from_matrix(a[:3, :3] @ b[:3, :3].T).magnitude()))


def _farthest(off: Floats) -> float:
    return float(np.linalg.norm(off, axis=-1).max())
