"""Cameras that see one face: their places and lenses, found from the face itself.

Frame: the head frame of the face at rest, mm. A camera looks along its +z, +x right, +y down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]

_FACING = np.diag([1.0, -1.0, -1.0])  # a camera before the face
_FOCALS = (1.0, 1.6, 2.5, 4.0)  # picture heights, tried in turn
_HUBER_PX = 2.0
_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera.

    Attributes:
        focal: focal length, pixels.
        centre: (2,) principal point, pixels.
        rotation: (3, 3), and
        translation: (3,) mm: head frame at rest -> camera.
    """

    focal: float
    centre: Floats
    rotation: Floats
    translation: Floats

    @property
    def place(self) -> Floats:
        """Place (3,) of the camera, mm."""
        return np.asarray(-self.rotation.T @ self.translation)

    def project(self, points: Floats) -> Floats:
        """Points (..., 3) mm -> pixels (..., 2)."""
        seen = points @ self.rotation.T + self.translation
        return np.asarray(self.focal * seen[..., :2] / seen[..., 2:] + self.centre)

    def slopes(self, points: Floats) -> Floats:
        """Change (..., 2, 3) of the pixels of points (..., 3), pixels per mm."""
        seen = points @ self.rotation.T + self.translation
        x, y, z = np.moveaxis(seen, -1, 0)
        zero = np.zeros_like(x)
        across = np.stack([1 / z, zero, -x / z**2], axis=-1)
        down = np.stack([zero, 1 / z, -y / z**2], axis=-1)
        rows = np.stack([across, down], axis=-2)
        return np.asarray(self.focal * rows @ self.rotation)

    def moved(self, motion: Floats) -> View:
        """The camera in the frame of a head that has moved by ``motion`` (4, 4)."""
        turn = self.rotation @ motion[:3, :3]
        shift = self.rotation @ motion[:3, 3] + self.translation
        return replace(self, rotation=turn, translation=shift)

    def matrix(self) -> Floats:
        """(4, 4) pose of the head at rest in the camera frame, +y up, +z toward the camera."""
        out = np.eye(4)
        out[:3, :3], out[:3, 3] = _FACING @ self.rotation, _FACING @ self.translation
        return out


def _view(values: Floats, centre: Floats) -> View:
    turn = Rotation.from_rotvec(values[1:4]).as_matrix() @ _FACING
    return View(float(np.exp(values[0])), centre, turn, values[4:7])


def _values(view: View) -> Floats:
    turn = Rotation.from_matrix(view.rotation @ _FACING).as_rotvec()
    return np.array([np.log(view.focal), *turn, *view.translation])


def resected(points: Floats, pixels: Floats, size: tuple[int, int]) -> View:
    """The camera that sees points (n, 3) mm at pixels (n, 2) of a picture of (height, width).

    The principal point is the centre of the picture.
    """
    height, width = size
    centre = np.array([width, height]) / 2.0
    wide = np.linalg.norm(np.ptp(points[:, :2], axis=0))
    seen = np.linalg.norm(np.ptp(pixels, axis=0))
    middle = pixels.mean(0) - centre
    best: Any = None
    for focal in _FOCALS:
        far = focal * height * wide / seen
        aside = middle * far / (focal * height)
        shift = np.array([*aside, far]) - _FACING @ points.mean(0)
        start = np.array([np.log(focal * height), 0.0, 0.0, 0.0, *shift])
        found = least_squares(
            lambda v: (_view(v, centre).project(points) - pixels).ravel(),
            start,
            x_scale=np.array([0.1, 0.1, 0.1, 0.1, 10.0, 10.0, 100.0]),
            loss="huber",
            f_scale=_HUBER_PX,
            max_nfev=60,
        )
        if best is None or found.cost < best.cost:
            best = found
    return _view(best.x, centre)


def triangulated(
    views: list[View], pixels: list[Floats], start: Floats, certainty: Floats | float = 0.0
) -> tuple[Floats, Floats]:
    """Points (D, 3) mm that cameras see at pixels, each (D, 2), NaN where one does not see a point.

    Args:
        views: the cameras.
        pixels: of each.
        start: (D, 3) mm, first guess.
        certainty: (D,) of the first guess, 1/mm^2 per 1 pixel^2; 0: it is a start only.

    Returns:
        the points; a point that one camera sees stays at the guess's depth; and their information
        (D, 3, 3), 1/mm^2 per pixel^2.
    """
    at = start.copy()
    known_by = np.broadcast_to(np.asarray(certainty, np.float64), (len(at),))
    prior = known_by[:, None, None] * np.eye(3)
    for _ in range(_ROUNDS):
        whole, pull = prior.copy(), np.einsum("dij,dj->di", prior, start - at)
        for view, seen in zip(views, pixels, strict=True):
            known = np.isfinite(seen).all(1)
            j = view.slopes(at[known])
            off = seen[known] - view.project(at[known])
            whole[known] += np.einsum("dki,dkj->dij", j, j)
            pull[known] += np.einsum("dki,dk->di", j, off)
        at = at + np.linalg.solve(whole + 1e-6 * np.eye(3), pull[..., None])[..., 0]
    return at, whole - prior


def adjusted(
    views: list[View], pixels: list[Floats], places: Floats, spread_mm: float
) -> tuple[list[View], Floats]:
    """Cameras and points from the pixels of all cameras together (bundle adjustment).

    Args:
        views: first guess.
        pixels: (D, 2) of each camera; NaN where it does not see a dot.
        places: (D, 3) mm, where the dots belong; they give scale and frame.
        spread_mm: standard deviation of how far the dots are from there.

    Returns:
        the cameras, and the points (D, 3) mm.
    """
    certainty = 0.25 / spread_mm**2  # of half a pixel
    centres = [view.centre for view in views]

    def unpack(values: Floats) -> list[View]:
        rows = values.reshape(len(views), 7)
        return [_view(row, c) for row, c in zip(rows, centres, strict=True)]

    def residuals(values: Floats) -> Floats:
        now = unpack(values)
        points, _ = triangulated(now, pixels, places, certainty)
        off = [np.sqrt(certainty) * (points - places).ravel()]
        for view, seen in zip(now, pixels, strict=True):
            known = np.isfinite(seen).all(1)
            off.append((view.project(points[known]) - seen[known]).ravel())
        return np.concatenate(off)

    scale = np.tile([0.01, 0.01, 0.01, 0.01, 5.0, 5.0, 20.0], len(views))
    start = np.concatenate([_values(view) for view in views])
    found = least_squares(residuals, start, x_scale=scale, loss="huber", f_scale=1.0, max_nfev=40)
    final = unpack(found.x)
    return final, triangulated(final, pixels, places, 0.1 * certainty)[0]


def head_motion(views: list[View], pixels: list[Floats], points: Floats, start: Floats) -> Floats:
    """Motion (4, 4) of the head from rest, by dots (R, 3) mm that are fixed in it.

    Args:
        views: the cameras.
        pixels: (R, 2) of each; NaN where it does not see a dot.
        points: (R, 3) mm, the dots of the head at rest.
        start: (4, 4), first guess.
    """
    known = [np.isfinite(seen).all(1) for seen in pixels]

    def residuals(values: Floats) -> Floats:
        moved = points @ Rotation.from_rotvec(values[:3]).as_matrix().T + values[3:]
        off = [
            (view.project(moved[k]) - seen[k]).ravel()
            for view, seen, k in zip(views, pixels, known, strict=True)
        ]
        return np.concatenate(off)

    first = np.concatenate([Rotation.from_matrix(start[:3, :3]).as_rotvec(), start[:3, 3]])
    scale = np.array([0.01, 0.01, 0.01, 1.0, 1.0, 1.0])
    found = least_squares(residuals, first, x_scale=scale, loss="huber", f_scale=0.3, max_nfev=40)
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = Rotation.from_rotvec(found.x[:3]).as_matrix(), found.x[3:]
    return out
