"""Cameras found from a face, and points found from cameras."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mien.models.vision.markers.views import (
    View,
    adjusted,
    head_motion,
    resected,
    triangulated,
)

CENTRE = np.array([280.0, 320.0])
RNG = np.random.default_rng(3)
FACE = np.column_stack(
    [RNG.uniform(-70, 70, 90), RNG.uniform(-110, 80, 90), RNG.uniform(-50, 40, 90)]
)


def _camera(aside_deg: float, focal: float = 2400.0) -> View:
    turn = np.diag([1.0, -1.0, -1.0]) @ Rotation.from_euler("y", -aside_deg, True).as_matrix()
    return View(focal, CENTRE, turn, np.array([4.0, -9.0, 960.0]))


def test_the_slopes_are_the_derivative_of_the_projection() -> None:
    view, step = _camera(20.0), 1e-4
    numeric = np.stack(
        [(view.project(FACE + step * e) - view.project(FACE - step * e)) / (2 * step)
         for e in np.eye(3)], axis=-1,
    )  # fmt: skip
    assert np.abs(numeric - view.slopes(FACE)).max() < 1e-6


def test_a_camera_is_found_from_the_face_that_it_sees() -> None:
    view = _camera(18.0)
    found = resected(FACE, view.project(FACE), (640, 560))
    assert np.abs(found.project(FACE) - view.project(FACE)).max() < 0.05
    assert np.linalg.norm(found.place - view.place) < 10.0


def test_two_cameras_and_dots_stuck_beside_their_places_are_found_together() -> None:
    views = [_camera(-18.0), _camera(18.0, 2300.0)]
    dots = FACE + RNG.normal(0.0, 0.7, FACE.shape)
    pixels = [v.project(dots) + RNG.normal(0.0, 0.1, (90, 2)) for v in views]
    pixels[0][:5] = np.nan
    first = [resected(FACE, v.project(FACE + 3.0), (640, 560)) for v in views]
    found, points = adjusted(first, pixels, FACE, 1.5)
    assert all(abs(f.focal / v.focal - 1) < 0.05 for f, v in zip(found, views, strict=True))
    assert np.sqrt(np.square(points[5:] - dots[5:]).mean(0)).max() < 0.5


def test_one_camera_leaves_the_depth_of_a_point_and_says_so() -> None:
    views = [_camera(-18.0), _camera(18.0)]
    pixels = [v.project(FACE) for v in views]
    pixels[1][0] = np.nan
    at, information = triangulated(views, pixels, FACE + 2.0)
    assert np.abs(at[1:] - FACE[1:]).max() < 1e-3
    values = np.linalg.eigvalsh(information)
    assert values[0, 0] < 1e-6 * values[0, 2]
    assert values[1:, 0].min() > 0.1


def test_the_head_turns_as_its_fixed_dots_tell() -> None:
    views = [_camera(-18.0), _camera(18.0)]
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_euler("yx", (25.0, -10.0), True).as_matrix()
    motion[:3, 3] = (5.0, -3.0, 8.0)
    fixed = FACE[:10]
    pixels = [v.project(fixed @ motion[:3, :3].T + motion[:3, 3]) for v in views]
    pixels[0][:3] = np.nan
    assert np.abs(head_motion(views, pixels, fixed, np.eye(4)) - motion).max() < 1e-3
