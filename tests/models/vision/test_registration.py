"""Flow from a picture at rest, on drawn textures whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from mien.models.face.regions import REGIONS
from mien.models.vision.registration import Registration
from mien.robot.sim.head import load_head

F64 = NDArray[np.float64]
HEIGHT, WIDTH = 480, 640
SEEN = sorted(set(REGIONS["brows"] + REGIONS["nose"] + REGIONS["cheeks"] + REGIONS["jaw"]))
LIDS = list(REGIONS["lids"])
IRISES = list(REGIONS["irises"])


def points() -> F64:
    """(478, 3) where a face's points are in the picture."""
    at = load_head().neutral_landmarks * (1.4, -1.4, -1.4)
    return np.asarray(at + np.array([WIDTH / 2, HEIGHT / 2, 0.0]))


def texture(seed: int = 0) -> F64:
    """Blotches of some pixels' size."""
    rough = np.random.default_rng(seed).standard_normal((HEIGHT, WIDTH))
    soft = gaussian_filter(rough, 4.0)
    return np.asarray(128.0 + 40.0 * soft / soft.std())


def shift(at: F64) -> F64:
    """(..., 2) px by which the skin at ``at`` (..., 2) has moved: some pixels, smoothly."""
    x, y = np.moveaxis(at, -1, 0)
    return np.stack([3.0 * np.sin(y / 60.0), 4.0 * np.cos(x / 70.0)], axis=-1)


def moved(image: F64) -> F64:
    """The texture with every place gone by ``shift`` (inverted by iteration)."""
    to = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1).astype(float)
    origin = to - shift(to)
    for _ in range(20):
        origin = to - shift(origin)
    return np.asarray(map_coordinates(image, [origin[..., 1], origin[..., 0]], order=3))


def rgb(image: F64, noise: float = 2.0, seed: int = 5) -> NDArray[np.uint8]:
    grain = noise * np.random.default_rng(seed).standard_normal(image.shape)
    return np.repeat(np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def tracked(rest: F64, share: float = 0.5) -> F64:
    """A tracker that sees ``share`` of the motion and is wrong by whole shapes, as such are."""
    out = rest.copy()
    out[:, :2] += share * shift(rest[:, :2]) + 2.0 * np.sin(rest[:, 1::-1] / 40.0)
    return out


def miss(pixels: F64, rest: F64, at: list[int]) -> float:
    off = pixels[:, :2] - rest[:, :2] - shift(rest[:, :2])
    return float(np.sqrt(np.square(off[at]).sum(-1).mean()))


def test_flow_finds_what_the_tracker_did_not_see() -> None:
    rest = points()
    after = Registration([rgb(texture(), seed=k) for k in range(5)], rest)
    tracker = tracked(rest)
    found = after(rgb(moved(texture())), tracker)
    assert miss(tracker, rest, SEEN) > 2.0
    assert miss(found, rest, SEEN) < 0.35
    np.testing.assert_array_equal(found[:, 2], tracker[:, 2])  # depth stays a guess


@pytest.mark.parametrize("light", [0.8, 1.2])
def test_a_camera_that_changes_its_exposure_is_borne(light: float) -> None:
    rest = points()
    tracker = tracked(rest)
    found = Registration([rgb(texture())], rest)(rgb(light * moved(texture())), tracker)
    assert miss(found, rest, SEEN) < 0.5


def test_at_the_irises_and_along_the_lids_the_tracker_has_its_way() -> None:
    rest = points()
    tracker = tracked(rest)
    found = Registration([rgb(texture())], rest)(rgb(moved(texture())), tracker)
    np.testing.assert_allclose(found[IRISES], tracker[IRISES], atol=1e-9)
    np.testing.assert_allclose(found[LIDS, 0], tracker[LIDS, 0], atol=1e-9)
    assert np.abs(found[LIDS, 1] - tracker[LIDS, 1]).min() > 0.0


def test_a_face_at_rest_has_not_moved_whatever_the_tracker_says() -> None:
    rest = points()
    tracker = tracked(rest, share=0.0)
    found = Registration([rgb(texture(), seed=k) for k in range(5)], rest)(rgb(texture()), tracker)
    off = np.linalg.norm((found - rest)[SEEN, :2], axis=1)
    assert np.sqrt(np.square(off).mean()) < 0.3
    assert np.sqrt(np.square((tracker - rest)[SEEN, :2]).sum(1).mean()) > 1.2


def test_what_has_become_something_else_is_left_to_the_tracker() -> None:
    rest = points()
    after = Registration([rgb(texture())], rest)
    tracker = tracked(rest)
    other = after(rgb(texture(seed=1)), tracker)
    same = after(rgb(moved(texture())), tracker)

    def corrected(found: F64) -> float:
        return float(np.median(np.linalg.norm((found - tracker)[SEEN, :2], axis=1)))

    assert corrected(other) < 0.6 * corrected(same)


def test_a_head_that_has_moved_is_left_to_the_tracker() -> None:
    rest = points()
    tracker = rest + np.array([30.0, 0.0, 0.0])
    found = Registration([rgb(texture())], rest)(rgb(np.roll(texture(), 30, axis=1)), tracker)
    np.testing.assert_array_equal(found, tracker)


@pytest.mark.parametrize("zoom", [0.7, 2.5])
def test_another_camera_sees_the_same_in_its_own_pixels(zoom: float) -> None:
    rest, tracker = points(), tracked(points())
    pictures = [rgb(texture(), noise=0.0), rgb(moved(texture()), noise=0.0)]
    here = Registration(pictures[:1], rest)(pictures[1], tracker)
    by = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    still, after = (
        np.asarray(cv2.resize(p, None, fx=zoom, fy=zoom, interpolation=by), np.uint8)
        for p in pictures
    )
    there = Registration([still], rest * zoom)(after, tracker * zoom)
    np.testing.assert_allclose(there[SEEN] / zoom, here[SEEN], atol=0.7)
    assert miss(there / zoom, rest, SEEN) < 0.4
