"""The layout of the dots on a face: where each is stuck, and how large it is.

Skin dots sit at landmarks of MediaPipe's mesh. They were chosen in mirrored pairs, each where the
dots before it told least about the skin, with 4 mm between dots on the lips and 5 mm elsewhere. No
dot is where the lips meet. Reference dots sit on parts that no actuator moves; they
give the pose of the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import BROW_LEFT, BROW_RIGHT, LIDS_LEFT, LIDS_RIGHT, LIPS

Floats = NDArray[np.float64]

_SKIN: Final = (
    *(10, 338, 109, 251, 21, 168, 6, 197, 175, 57, 287, 159, 386, 85, 315, 70, 300, 37),
    *(267, 205, 425, 105, 334, 107, 336, 129, 358, 145, 374, 215, 435, 0, 116, 345, 32, 262),
    *(192, 416, 139, 368, 54, 284, 45, 275, 137, 366, 17, 118, 347, 35, 265, 147, 376, 103),
    *(332, 172, 397, 224, 444, 121, 350, 68, 298, 151, 210, 430, 69, 299, 56, 286, 165, 391),
    *(31, 261, 207, 427, 135, 364, 74, 304, 198, 420, 170, 395, 208, 428, 38, 268, 96, 325),
    *(41, 271, 106, 335),
)
"""Landmarks of the skin dots, in the order they are numbered."""
_REFERENCE: Final = (
    *((0.0, 90.0, -4.0), (15.5, 84.0, -2.0), (-15.5, 84.0, -2.0), (31.0, 82.5, -7.0)),
    *((-31.0, 82.5, -7.0), (42.0, 81.5, -15.0), (-42.0, 81.5, -15.0)),
)
"""Places (3,) mm of the reference dots above the forehead, in the head frame."""
_TEMPLES: Final = (356, 127, 454, 234)
"""Landmarks of the reference dots in front of the ears."""
STEADY: Final = (
    *(10, 338, 109, 251, 21, 168, 6, 197, 54, 284, 103, 332, 68, 298, 151, 69, 299, 139, 368),
    *(345, 116),
)
"""Landmarks of the dots on skin that moves least."""
SMALL_MM, LARGE_MM = 2.0, 3.0
"""Diameters of a dot, mm: on lips and lids, and elsewhere."""
_NEAR_MM: Final = 12.0
_NEAREST: Final = 6  # points of the skin that make a plane
_MIDDLE_MM: Final = (0.0, -25.0, -60.0)  # inside the head
_LIDS_AND_LIPS: Final = frozenset((*LIDS_LEFT, *LIDS_RIGHT, *LIPS, 74, 304, 57))
_SMALL: Final = _LIDS_AND_LIPS | {287, 35, 265, 31, 261, 38, 268, 96, 325, 41, 271}
_BROWS: Final = frozenset((*BROW_LEFT, *BROW_RIGHT))


@dataclass(frozen=True)
class Dot:
    """One dot.

    Attributes:
        number: from 1, as on the printed sheet.
        landmark: index of its landmark; -1: it has none.
        place: (3,) mm in the head frame, about, where it has no landmark.
        diameter_mm: of the dot.
        reference: whether it sits on a part that no actuator moves.
    """

    number: int
    landmark: int
    place: tuple[float, float, float] | None
    diameter_mm: float
    reference: bool


@cache
def dots() -> tuple[Dot, ...]:
    """All dots: first those on the skin, then the reference dots."""
    rows: list[tuple[int, tuple[float, float, float] | None, float, bool]] = []
    rows += [(k, None, SMALL_MM if k in _SMALL else LARGE_MM, False) for k in _SKIN]
    rows += [(k, None, LARGE_MM, True) for k in _TEMPLES]
    rows += [(-1, at, LARGE_MM, True) for at in _REFERENCE]
    return tuple(Dot(i + 1, *row) for i, row in enumerate(rows))


def landmarks() -> NDArray[np.intp]:
    """Landmark (D,) of each dot; -1 where it has none."""
    return np.array([dot.landmark for dot in dots()], dtype=np.intp)


def is_reference() -> NDArray[np.bool_]:
    """Whether each dot (D,) is a reference dot."""
    return np.array([dot.reference for dot in dots()])


def diameters() -> Floats:
    """Diameter (D,) of each dot, mm."""
    return np.array([dot.diameter_mm for dot in dots()])


def places(neutral: Floats, skin: NDArray[np.floating]) -> Floats:
    """Where the dots (D, 3) mm belong on a face at rest.

    Args:
        neutral: (478, 3) mm, landmarks of the face at rest.
        skin: (V, 3) mm, points of its skin; reference dots without a landmark lie on it.
    """
    out = np.empty((len(dots()), 3))
    for row, dot in enumerate(dots()):
        if dot.place is None:
            out[row] = neutral[dot.landmark]
            continue
        far = np.linalg.norm(skin - dot.place, axis=1)
        near = skin[np.argsort(far)[:_NEAREST]]
        middle = near.mean(0)
        normal = np.linalg.svd(near - middle, full_matrices=False)[2][2]
        out[row] = dot.place - normal * float(normal @ (dot.place - middle))
    return out


def outward(places: Floats, skin: NDArray[np.floating]) -> Floats:
    """Unit normals (D, 3) of a skin, given by points (V, 3) mm, at places (D, 3) mm on it."""
    out = np.empty_like(places)
    for row, place in enumerate(places):
        far = np.linalg.norm(skin - place, axis=1)
        near = skin[np.argsort(far)[: max(8, int((far < _NEAR_MM).sum()))]]
        normal = np.linalg.svd(near - near.mean(0), full_matrices=False)[2][2]
        out[row] = normal * np.sign(normal @ (place - _MIDDLE_MM))
    return out
