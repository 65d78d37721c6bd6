"""The eyes of a face with dots: pupils where they are in sight, irises elsewhere.

An iris turns about the centre of its eye, so that one camera is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from mien.models.face.regions import IRIS_LEFT, IRIS_RIGHT
from mien.models.vision.irises import Irises
from mien.models.vision.markers.field import NOISE_PX
from mien.models.vision.markers.pupils import find_pupil
from mien.models.vision.markers.views import View

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Shift: TypeAlias = tuple[Floats, Floats]
"""Shifts from rest in a picture, pixels: (2, 2) of the left and the right pupil, NaN for one out of
sight, and (2, 2) of the irises."""

UNSEEN: Final[Shift] = (np.full((2, 2), np.nan), np.full((2, 2), np.nan))
_EYE_RADII = 2.2  # radius of the circle on which an iris moves, in radii of the iris
_PUPIL_MM, _ROUGH_MM = 0.3, 3.0  # standard deviations of a pupil, and of an iris without one
_IRISES = (IRIS_LEFT, IRIS_RIGHT)
_ROWS = list(IRIS_LEFT + IRIS_RIGHT)


@dataclass(frozen=True, eq=False)
class EyesAtRest:
    """The eyes in the pictures of one camera of the face at rest.

    Attributes:
        follow: follows the irises.
        irises: (10, 2) pixels.
        pupils: (2, 2) pixels of the left and of the right pupil.
        areas: (2,) pixels^2 of the pupils; NaN for one that was not found.
    """

    follow: Irises
    irises: Floats
    pupils: Floats
    areas: Floats


class Eyes:
    """Both eyes of a face.

    Args:
        neutral: (478, 3) mm, landmarks of the face at rest.
    """

    def __init__(self, neutral: Floats) -> None:
        self._neutral = neutral
        self._centres = []
        for iris in _IRISES:
            ring = neutral[list(iris)]
            radius = _EYE_RADII * np.linalg.norm(ring[1:] - ring[0], axis=1).mean()
            self._centres.append(ring[0] - np.array((0.0, 0.0, radius)))

    def at_rest(self, pictures: Sequence[Picture], view: View, tracked: Floats) -> EyesAtRest:
        """The eyes at rest, from pictures and the face tracker's landmarks (478, 2) in pixels."""
        follow = Irises(pictures, tracked)
        irises = np.median([follow(p, tracked)[_ROWS] for p in pictures], axis=0)
        found = [self._pupils(p, irises, view, np.full(2, np.nan)) for p in pictures]
        # A pupil that is out of sight at rest is where the face at rest has it.
        middles = view.project(self._neutral[[iris[0] for iris in _IRISES]])
        seen = np.array([pupils for pupils, _ in found]).mean(0)
        areas = np.array([area for _, area in found]).mean(0)
        return EyesAtRest(follow, irises, np.where(np.isfinite(seen), seen, middles), areas)

    def shift(self, rest: EyesAtRest, view: View, picture: Picture, tracked: Floats) -> Shift:
        """Shifts of the eyes in a picture, from the face tracker's landmarks (478, 2) in it."""
        irises = rest.follow(picture, tracked)[_ROWS]
        pupils, _ = self._pupils(picture, irises, view, rest.areas)
        return pupils - rest.pupils, (irises - rest.irises)[:: len(IRIS_LEFT)]

    def displacement(
        self, at_rest: Sequence[View], views: Sequence[View], shifts: Sequence[Shift]
    ) -> tuple[Floats, Floats]:
        """Displacement (2, 3) mm of the left and the right pupil, and the information (2, 3, 3) of
        each, 1/mm^2 per pixel^2.

        Args:
            at_rest: cameras in the frame of the head at rest.
            views: the same in that of the head now.
            shifts: in the picture of each camera.
        """
        off, certain = np.zeros((2, 3)), np.zeros((2, 3, 3))
        for side, iris in enumerate(_IRISES):
            middle, centre = self._neutral[iris[0]], self._centres[side]
            sharp = np.isfinite([pupils[side] for pupils, _ in shifts]).all(1).any()
            chosen = [pupils if sharp else rough for pupils, rough in shifts]
            at = [
                view.project(middle) + shift[side]
                for view, shift in zip(at_rest, chosen, strict=True)
            ]
            turn = _turn_seen(views, at, middle - centre, centre)
            off[side] = centre + turn.apply(middle - centre) - middle
            certain[side] = np.eye(3) * (NOISE_PX / (_PUPIL_MM if sharp else _ROUGH_MM)) ** 2
        return off, certain

    def turn(self, landmarks: Floats) -> None:
        """Turn the irises of landmarks (478, 3) mm to where their middles are, in place."""
        for iris, centre in zip(_IRISES, self._centres, strict=True):
            arm = landmarks[iris[0]] - centre
            turn, _ = Rotation.align_vectors([arm / np.linalg.norm(arm)], [[0.0, 0.0, 1.0]])
            landmarks[list(iris)] = centre + turn.apply(self._neutral[list(iris)] - centre)

    def _pupils(
        self, picture: Picture, irises: Floats, view: View, areas: Floats
    ) -> tuple[Floats, Floats]:
        """Pixels (2, 2) and areas (2,) of the pupils; NaN for one out of sight."""
        out, sizes = np.full((2, 2), np.nan), np.full(2, np.nan)
        for side, iris in enumerate(_IRISES):
            ring = view.project(self._neutral[list(iris)])
            radius = float(np.linalg.norm(ring[1:] - ring[0], axis=1).max())
            known = float(areas[side]) if np.isfinite(areas[side]) else None
            middle = irises[len(IRIS_LEFT) * side]
            out[side], sizes[side] = find_pupil(picture, middle, radius, known)
        return out, sizes


def _turn_seen(
    views: Sequence[View], at: Sequence[Floats], arm: Floats, centre: Floats
) -> Rotation:
    """The turn about an eye's centre (3,) that moves the end of ``arm`` (3,) mm to the pixels (2,)
    of the cameras; NaN for one that does not see it."""
    seen = [k for k, pixel in enumerate(at) if np.isfinite(pixel).all()]
    if not seen:
        return Rotation.identity()

    def residuals(turn: Floats) -> Floats:
        end = centre + Rotation.from_rotvec((*turn, 0.0)).apply(arm)
        return np.concatenate([views[k].project(end) - at[k] for k in seen])

    found = least_squares(residuals, np.zeros(2), x_scale=0.1, max_nfev=20)
    return Rotation.from_rotvec((*found.x, 0.0))
