"""Irises of drawn eyes that look about, before a tracker that hardly follows them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mien.models.face.regions import IRIS_LEFT, IRIS_RIGHT, LIDS_LEFT, LIDS_RIGHT
from mien.models.vision.irises import Irises
from mien.robot.sim.head import load_head

F64 = NDArray[np.float64]
Picture = NDArray[np.uint8]
MIDDLES = {IRIS_LEFT: (365.0, 230.0), IRIS_RIGHT: (275.0, 230.0)}
LIDS = {IRIS_LEFT: LIDS_LEFT, IRIS_RIGHT: LIDS_RIGHT}
WIDE, HIGH, IRIS, PUPIL = 17.0, 7.0, 8.0, 3.5
GAZES = [(0.0, 3.0), (4.0, -2.0), (-5.0, 2.5), (2.0, -4.0)]


def drawn(gaze: tuple[float, float], open_: float = 1.0, iris: bool = True) -> Picture:
    """Two eyes that look the same way, their lids ``open_`` of the usual height apart."""
    y, x = np.mgrid[:480, :640].astype(float)
    image = np.full((480, 640), 150.0)
    for cx, cy in MIDDLES.values():
        eye = ((x - cx) / WIDE) ** 2 + ((y - cy) / (HIGH * open_)) ** 2 < 1.0
        image[eye] = 215.0
        far = np.hypot(x - cx - gaze[0], y - cy - gaze[1])
        for radius, grey in ((IRIS, 100.0), (PUPIL, 25.0)) if iris else ():
            image[eye & (far < radius)] = grey
    image = gaussian_filter(image, 0.6) + 2.0 * np.random.default_rng(0).standard_normal(x.shape)
    return np.repeat(np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def tracker_pixels(gaze: tuple[float, float], open_: float = 1.0) -> F64:
    """(478, 3) what a tracker makes of it that follows the lids, but not half of the gaze."""
    out = np.zeros((478, 3))
    out[:, :2] = load_head().neutral_landmarks[:, :2] * (1.4, -1.4) + np.array([320.0, 230.0])
    for iris, (cx, cy) in MIDDLES.items():
        round_ = np.linspace(0.0, 2 * np.pi, len(LIDS[iris]), endpoint=False)
        edge = np.stack([WIDE * np.cos(round_), HIGH * open_ * np.sin(round_)], axis=-1)
        out[list(LIDS[iris]), :2] = edge + np.array([cx, cy])
        ring = IRIS * np.array([(0, 0), (1, 0), (0, -1), (-1, 0), (0, 1)])
        out[list(iris), :2] = ring + np.array([cx + 0.8 * gaze[0], cy + 0.2 * gaze[1]])
    return out


@pytest.fixture(scope="module")
def irises() -> Irises:
    return Irises([drawn((0.0, 0.0))], tracker_pixels((0.0, 0.0)))


@pytest.mark.parametrize("gaze", GAZES)
def test_gaze_is_found_that_the_tracker_half_sees(
    irises: Irises, gaze: tuple[float, float]
) -> None:
    tracker = tracker_pixels(gaze)
    found = irises(drawn(gaze), tracker)
    for iris in MIDDLES:
        off = found[list(iris), :2] - tracker_pixels((0.0, 0.0))[list(iris), :2] - gaze
        np.testing.assert_allclose(off, 0.0, atol=0.6)
    others = np.setdiff1d(np.arange(478), [*IRIS_LEFT, *IRIS_RIGHT])
    np.testing.assert_array_equal(found[others], tracker[others])
    np.testing.assert_array_equal(found[:, 2], tracker[:, 2])


def test_behind_shut_lids_the_tracker_has_its_way(irises: Irises) -> None:
    tracker = tracker_pixels((3.0, 2.0), open_=0.15)
    np.testing.assert_array_equal(irises(drawn((3.0, 2.0), open_=0.15), tracker), tracker)


def test_what_does_not_look_like_the_iris_is_none(irises: Irises) -> None:
    tracker = tracker_pixels((3.0, 2.0))
    np.testing.assert_array_equal(irises(drawn((0.0, 0.0), iris=False), tracker), tracker)


def test_a_face_that_rests_with_shut_eyes_is_left_to_the_tracker() -> None:
    shut = tracker_pixels((0.0, 0.0), open_=0.05)
    tracker = tracker_pixels((4.0, 0.0))
    found = Irises([drawn((0.0, 0.0), open_=0.05)], shut)(drawn((4.0, 0.0)), tracker)
    assert np.isfinite(found).all()
    assert np.abs(found - tracker).max() < 20.0
