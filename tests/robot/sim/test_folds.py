"""Folds appear where the skin is squeezed across them, on any head, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.robot.sim.folds import FOLDS, Creases, Fold, drawing
from mien.robot.sim.head import Head, load_head

PATCH = Fold("patch", ((30.0, -40.0), (30.0, -30.0)), onset=0.05, full=0.25, mirrored=False)


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def squeezed(head: Head, share: float, axis: int) -> NDArray[np.float32]:
    """The whole skin, shorter along one axis by a share."""
    skin = head.parts["skin"].vertices.copy()
    skin[:, axis] *= 1.0 - share
    return skin


def test_a_face_at_rest_has_no_fold(head: Head) -> None:
    for identity in (np.zeros(len(head.identity)), np.full(len(head.identity), 0.4)):
        own = head.with_identity(identity)
        assert not Creases(own).depth(own.parts["skin"].vertices).any()


def test_a_head_that_only_moves_has_no_fold(head: Head) -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    moved = head.parts["skin"].vertices @ turn.T + (30.0, -20.0, 9.0)
    assert not Creases(head).depth(moved).any()


def test_a_fold_shows_what_lies_across_it_and_not_along_it(head: Head) -> None:
    creases = Creases(head, [PATCH])
    assert not creases.depth(squeezed(head, 0.2, 1)).any()
    depths = [creases.depth(squeezed(head, s, 0)).max() for s in (0.03, 0.08, 0.14, 0.2, 0.3)]
    assert depths[0] == 0.0
    assert np.all(np.diff(depths[:4]) > 0.1)
    assert depths[-1] <= 1.0
    assert not creases.depth(squeezed(head, -0.3, 0)).any()  # stretched


def test_the_compression_is_the_squeeze(head: Head) -> None:
    creases = Creases(head, [PATCH])
    for share in (0.1, 0.2):
        found = creases.compression(squeezed(head, share, 0))
        # The cheek is not square to x: less than the whole squeeze lies along it.
        assert np.all((found > 0.5 * share) & (found <= share + 1e-4))


def test_folds_are_symmetric(head: Head) -> None:
    creases = Creases(head)
    skin = squeezed(head, 0.15, 0)
    depth = creases.depth(skin)
    places = head.paint.coords[creases.vertices]
    for fold in FOLDS:
        (x, y), *_ = fold.points
        if not fold.mirrored or abs(x) < 8.0:
            continue
        left, right = (
            depth[np.linalg.norm(places - (side * x, y), axis=1).argmin()] for side in (1.0, -1.0)
        )
        assert left == pytest.approx(right, abs=0.05)


def test_the_drawing_is_deep_on_the_lines_and_flat_away_from_them(head: Head) -> None:
    image = drawing(head).astype(int)
    assert image.shape == (*head.paint.image.shape[:2], 3)
    x0, _, _, y1 = head.paint.extent
    for fold in FOLDS:
        (ax, ay), (bx, by) = fold.points[0], fold.points[1]
        column, row = int(((ax + bx) / 2 - x0) / 0.4), int((y1 - (ay + by) / 2) / 0.4)
        assert image[row, column, 0] > 90 * fold.depth
    nowhere = image[:80]  # the scalp
    assert nowhere[..., 0].max() == 0
    assert np.all(nowhere[..., 1:] == 127)
