"""A camera's view of people: faces in a picture become directions from the robot's eyes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.robot.errors import InputError
from mien.robot.expression.attention import MOST_PEOPLE, Person
from mien.robot.face.config import Floats
from mien.robot.names import quoted

EYES_MM: Final = 63.0
"""Distance between the eyes of adults (Dodgson 2004, Proc. SPIE 5291:36)."""
EYES_TO_MOUTH_MM: Final = 65.0
SAME_DEG: Final = 15.0
"""How far in degrees one face may move between two pictures."""
_LEFT_EYE, _RIGHT_EYE, _MOUTH = (362, 263), (33, 133), (61, 291)


@dataclass(frozen=True)
class CameraView:
    """Where the camera is and what it sees. The defaults are a webcam at the robot's eyes.

    The camera stands still: it is not on the moving head.

    Attributes:
        yaw, pitch: direction of the camera in degrees, to the face's left and up.
        left, up, forward: place of the camera in mm from the middle of the robot's eyes.
        fov: vertical field of view in degrees.
        mirrored: whether its picture is mirrored, as some cameras show their user.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    left: float = 0.0
    up: float = 0.0
    forward: float = 0.0
    fov: float = 43.0
    mirrored: bool = False


_RANGES: Final = {
    "yaw": (-90.0, 90.0), "pitch": (-90.0, 90.0), "left": (-2000.0, 2000.0),
    "up": (-2000.0, 2000.0), "forward": (-2000.0, 2000.0), "fov": (10.0, 150.0),
}  # fmt: skip


def parse_view(text: str) -> CameraView:
    """Parse ``pitch=-10,up=150,mirrored``.

    Raises:
        InputError: no such key, or a value out of range.
    """
    view = CameraView()
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, value = part.partition("=")
        if part == "mirrored":
            view = replace(view, mirrored=True)
            continue
        if name not in _RANGES:
            raise InputError(
                f"--camera-view {quoted(part)}: expected {', '.join(f.name for f in fields(view))}"
            )
        low, high = _RANGES[name]
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise InputError(f"--camera-view {quoted(part)}: expected {low:g} to {high:g}")
        view = replace(view, **{name: number})  # type: ignore[arg-type]
    return view


def places(faces: Sequence[NDArray[np.float64]], size: tuple[int, int], view: CameraView) -> Floats:
    """Where faces are, as seen by the robot.

    Args:
        faces: landmarks (478, 3) in pixels, x right, y down.
        size: height and width of the picture in pixels.
        view: the camera.

    Returns:
        (P, 3) yaw and pitch in degrees, distance in m.
    """
    height, width = size
    focal = 0.5 * height / math.tan(math.radians(view.fov) / 2)
    turn = Rotation.from_euler("YX", (view.yaw, -view.pitch), degrees=True)
    out = []
    for face in faces:
        left, right, mouth = (
            face[list(pair), :2].mean(axis=0) for pair in (_LEFT_EYE, _RIGHT_EYE, _MOUTH)
        )
        eyes = 0.5 * (left + right)
        # A face in profile has its eyes close together, and one that nods its mouth close to them.
        scale = max(math.dist(left, right) / EYES_MM, math.dist(eyes, mouth) / EYES_TO_MOUTH_MM)
        x, y = (2.0 * eyes + mouth) / 3.0 - (width / 2, height / 2)
        depth = focal / max(scale, 1e-6)
        ahead = np.array([x if view.mirrored else -x, -y, focal]) / focal * depth
        place = turn.apply(ahead) + np.array((view.left, view.up, view.forward))
        yaw = math.degrees(math.atan2(place[0], place[2]))
        pitch = math.degrees(math.atan2(place[1], math.hypot(place[0], place[2])))
        out.append((yaw, pitch, 1e-3 * float(np.linalg.norm(place))))
    return np.array(out).reshape(-1, 3)


def named(seen: Floats, before: Sequence[Person], free: int) -> tuple[tuple[Person, ...], int]:
    """Names for the faces of a picture: those of the nearest faces of the picture before.

    Args:
        seen: (P, 3) as ``places`` gives them.
        before: the people of the last picture with a face.
        free: the next name that nobody had.

    Returns:
        The people, the nearest ones first, and the next free name.
    """
    near = sorted(seen.tolist(), key=lambda row: row[2])[:MOST_PEOPLE]
    pairs = sorted(
        (math.dist((p.yaw, p.pitch), row[:2]), i, k)
        for i, row in enumerate(near)
        for k, p in enumerate(before)
    )
    names: dict[int, int] = {}
    taken: set[int] = set()
    for apart, i, k in pairs:
        if apart <= SAME_DEG and i not in names and k not in taken:
            names[i] = before[k].name
            taken.add(k)
    for i in range(len(near)):
        if i not in names:
            names[i] = free
            free += 1
    return tuple(Person(names[i], *row) for i, row in enumerate(near)), free
