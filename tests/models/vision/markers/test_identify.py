"""Which dot is which: hidden, swapped, double and false dots."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.vision.markers.identify import identify

GRID = np.array([(60.0 * x, 60.0 * y) for x in range(6) for y in range(6)])
SMOOTH = np.exp(-np.square(np.linalg.norm(GRID[:, None] - GRID[None], axis=-1) / 150.0))


def _moved(seed: int) -> np.ndarray:
    """The grid under a smooth warp of up to 20 pixels."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(SMOOTH + 1e-6 * np.eye(len(GRID)))
    return GRID + 8.0 * root @ rng.standard_normal(GRID.shape)


@pytest.mark.parametrize("seed", range(4))
def test_dots_in_any_order_are_named_although_all_have_moved(seed: int) -> None:
    moved = _moved(seed)
    order = np.random.default_rng(seed).permutation(len(GRID))
    named = identify(moved[order], GRID, SMOOTH, 10.0)
    assert np.abs(named - moved).max() < 1e-9


def test_a_hidden_dot_takes_no_blob_of_another_and_a_reflection_is_no_dot() -> None:
    moved = _moved(5)
    visible = np.ones(len(GRID), dtype=bool)
    visible[[3, 17, 35]] = False
    false = np.array([[30.0, 95.0], [400.0, 380.0]])
    named = identify(np.concatenate([moved[visible], false]), GRID, SMOOTH, 10.0)
    assert np.isnan(named[~visible]).all()
    assert np.abs(named[visible] - moved[visible]).max() < 1e-9


def test_a_dot_stuck_elsewhere_is_left_out() -> None:
    moved = _moved(6)
    seen = moved.copy()
    seen[14] += (25.0, 25.0)
    named = identify(seen, GRID, SMOOTH, 10.0)
    assert np.isnan(named[14]).all()
    assert np.isfinite(np.delete(named, 14, axis=0)).all()


def test_a_picture_without_blobs_names_no_dot() -> None:
    assert np.isnan(identify(np.zeros((0, 2)), GRID, SMOOTH, 10.0)).all()
