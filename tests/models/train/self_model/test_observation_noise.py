"""Looks that a tracker reads badly count less, and are told by what a fit leaves of them."""

from __future__ import annotations

import numpy as np

from mien.models.face.regions import COUNT
from mien.models.train.self_model.field_shrinkage import clean_fields
from mien.models.train.self_model.observation_noise import LookErrors

LOOKS, LEVERS = 300, 12
FIELDS = np.random.default_rng(1).normal(size=(LEVERS + 1, COUNT, 3))
PHI = np.concatenate(
    [np.random.default_rng(2).uniform(-1, 1, (LOOKS, LEVERS)), np.ones((LOOKS, 1))], axis=1
)


def looks(sizes: np.ndarray) -> np.ndarray:
    """(LOOKS, COUNT, 3) with errors of these sizes, each of eight shapes of a face."""
    rng = np.random.default_rng(3)
    shapes = rng.normal(size=(8, COUNT * 3)) / np.sqrt(8)
    errors = rng.normal(size=(LOOKS, 8)) @ shapes + 0.1 * rng.normal(size=(LOOKS, COUNT * 3))
    return np.einsum("nf,flk->nlk", PHI, FIELDS) + (sizes[:, None] * errors).reshape(-1, COUNT, 3)


def error(errors: LookErrors | None, seen: np.ndarray) -> float:
    found = clean_fields(PHI, seen, errors)[0]
    return float(np.sqrt(np.square(found - FIELDS).mean()))


def test_bad_looks_are_told_and_count_less() -> None:
    sizes = np.where(np.arange(LOOKS) % 3 == 0, 2.0, 0.3)
    seen = looks(sizes)
    found = LookErrors.beyond(PHI, seen)
    assert found.sizes is not None
    bad = sizes > 1
    assert found.sizes[bad].min() > 1.5 * np.median(found.sizes[~bad])
    assert error(found, seen) < 0.5 * error(None, seen)


def test_looks_that_are_all_alike_lose_little_by_it() -> None:
    seen = looks(np.ones(LOOKS))
    assert error(LookErrors.beyond(PHI, seen), seen) < 1.1 * error(None, seen)


def test_one_wild_look_does_not_move_the_others() -> None:
    sizes = np.full(LOOKS, 0.3)
    usual = error(None, looks(sizes))
    sizes[17] = 60.0
    seen = looks(sizes)
    assert error(LookErrors.beyond(PHI, seen), seen) < 1.2 * usual
    assert error(None, seen) > 5.0 * usual


def test_looks_without_errors_are_no_trouble() -> None:
    seen = looks(np.zeros(LOOKS))
    found = LookErrors.beyond(PHI, seen)
    assert found.sizes is not None
    assert np.isfinite(found.sizes).all()
    assert error(found, seen) < 1e-6
