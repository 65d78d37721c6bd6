"""Observations that a tracker reads badly count less, and are told by what a fit leaves of them."""

from __future__ import annotations

import numpy as np

from mien.models.face.regions import COUNT
from mien.models.train.self_model.field_shrinkage import shrink_fields
from mien.models.train.self_model.observation_noise import ObservationNoise

OBSERVATIONS, ACTUATORS = 300, 12
FIELDS = np.random.default_rng(1).normal(size=(ACTUATORS + 1, COUNT, 3))
PHI = np.concatenate(
    [
        np.random.default_rng(2).uniform(-1, 1, (OBSERVATIONS, ACTUATORS)),
        np.ones((OBSERVATIONS, 1)),
    ],
    axis=1,
)


def observations(scale: np.ndarray) -> np.ndarray:
    """(OBSERVATIONS, COUNT, 3) with errors of these scale, each of eight shapes of a face."""
    rng = np.random.default_rng(3)
    shapes = rng.normal(size=(8, COUNT * 3)) / np.sqrt(8)
    errors = rng.normal(size=(OBSERVATIONS, 8)) @ shapes + 0.1 * rng.normal(
        size=(OBSERVATIONS, COUNT * 3)
    )
    return np.einsum("nf,flk->nlk", PHI, FIELDS) + (scale[:, None] * errors).reshape(-1, COUNT, 3)


def error(errors: ObservationNoise | None, seen: np.ndarray) -> float:
    found = shrink_fields(PHI, seen, errors)[0]
    return float(np.sqrt(np.square(found - FIELDS).mean()))


def test_bad_observations_are_told_and_count_less() -> None:
    scale = np.where(np.arange(OBSERVATIONS) % 3 == 0, 2.0, 0.3)
    seen = observations(scale)
    found = ObservationNoise.estimate(PHI, seen)
    assert found.scale is not None
    bad = scale > 1
    assert found.scale[bad].min() > 1.5 * np.median(found.scale[~bad])
    assert error(found, seen) < 0.5 * error(None, seen)


def test_observations_that_are_all_alike_lose_little_by_it() -> None:
    seen = observations(np.ones(OBSERVATIONS))
    assert error(ObservationNoise.estimate(PHI, seen), seen) < 1.1 * error(None, seen)


def test_one_wild_observation_does_not_move_the_others() -> None:
    scale = np.full(OBSERVATIONS, 0.3)
    usual = error(None, observations(scale))
    scale[17] = 60.0
    seen = observations(scale)
    assert error(ObservationNoise.estimate(PHI, seen), seen) < 1.2 * usual
    assert error(None, seen) > 5.0 * usual


def test_observations_without_errors_are_no_trouble() -> None:
    seen = observations(np.zeros(OBSERVATIONS))
    found = ObservationNoise.estimate(PHI, seen)
    assert found.scale is not None
    assert np.isfinite(found.scale).all()
    assert error(found, seen) < 1e-6
