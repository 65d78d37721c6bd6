"""Landmarks between dots."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.face.regions import LIDS_LEFT
from mien.models.vision.markers import layout
from mien.models.vision.markers.field import PUPILS, SkinField
from mien.robot.sim.head import load_head


@pytest.fixture(scope="module")
def face() -> tuple[SkinField, np.ndarray, np.ndarray]:
    head = load_head()
    neutral = head.neutral_landmarks
    places = layout.places(neutral, head.parts["skin"].vertices)
    field = SkinField(neutral, places)
    return field, neutral, places[field.on_skin]


def _seen(count: int) -> np.ndarray:
    return np.tile(5.0 * np.eye(3), (count + len(PUPILS), 1, 1))


def test_skin_that_moves_smoothly_is_found_between_the_dots(
    face: tuple[SkinField, np.ndarray, np.ndarray],
) -> None:
    field, neutral, dots = face

    def pull(at: np.ndarray) -> np.ndarray:
        far = np.linalg.norm(at - (45.0, -40.0, 10.0), axis=1)
        return np.exp(-np.square(far / 35.0))[:, None] * np.array((3.0, 5.0, -1.0))

    off = np.concatenate([pull(dots), np.zeros((len(PUPILS), 3))])
    found, odd = field.landmarks(off, _seen(len(dots)))
    skin = ~np.isin(np.arange(478), range(468, 478))
    error = np.linalg.norm(found - pull(neutral), axis=1)[skin]
    assert np.sqrt(np.mean(error**2)) < 0.35
    assert np.median(odd) < 3.0


def test_a_dot_that_does_not_fit_is_odd(face: tuple[SkinField, np.ndarray, np.ndarray]) -> None:
    field, _, dots = face
    off = np.zeros((len(dots) + len(PUPILS), 3))
    off[20] = (0.0, 15.0, 0.0)
    _, odd = field.landmarks(off, _seen(len(dots)))
    assert odd.argmax() == 20
    assert odd[20] > 5.0


def test_the_skin_is_uncertain_where_dots_are_missing(
    face: tuple[SkinField, np.ndarray, np.ndarray],
) -> None:
    field, neutral, dots = face
    seen = _seen(len(dots))
    whole = np.sqrt(np.diag(field.uncertainty(seen)).reshape(-1, 3).sum(1))
    cheek = neutral[205]
    gone = seen.copy()
    gone[: len(dots)][np.linalg.norm(dots - cheek, axis=1) < 25.0] = 0.0
    less = np.sqrt(np.diag(field.uncertainty(gone)).reshape(-1, 3).sum(1))
    assert less[205] > 2.0 * whole[205]
    far = list(LIDS_LEFT)
    assert np.allclose(less[far], whole[far], rtol=0.05)
