"""Interacting actuators are found below the noise; hidden units of their own represent them."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.face.regions import COUNT
from mien.models.self_model.model import POWERS, SelfModel
from mien.models.train.self_model.fit import fit
from mien.models.train.self_model.fit_config import FitConfig
from mien.models.train.self_model.interactions import (
    MAX_PAIRS,
    find_interactions,
    with_interactions,
)
from tests.models.analytic_face import AnalyticFace

ACTUATORS, POSES = 6, 600


def seen(interact: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, features and observations of actuators; the first and the last may interact."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, size=(POSES, ACTUATORS))
    phi = np.concatenate([x, x**2, x**3, np.ones((POSES, 1))], axis=1)
    fields = rng.normal(size=(ACTUATORS, COUNT * 3))
    fields[:, 90:] *= 0.5  # all move the patch more than the rest
    skin = phi[:, :ACTUATORS] @ fields
    patch = np.zeros(COUNT * 3)
    patch[:90] = interact
    noise = rng.normal(size=skin.shape)
    observations = skin + np.outer(x[:, 0] * x[:, -1], patch) + noise
    return x, phi, observations.reshape(POSES, COUNT, 3)


def test_a_interaction_below_the_noise_of_an_observation_is_found() -> None:
    assert find_interactions(*seen(0.5)) == [(0, ACTUATORS - 1)]


@pytest.mark.parametrize("seed", range(4))
def test_actuators_that_do_not_interact_get_no_units(seed: int) -> None:
    assert find_interactions(*seen(0.0, seed)) == []


def test_units_of_pairs_leave_the_others_alone_and_tell_products() -> None:
    face = AnalyticFace()
    model = fit(face.examples(400), FitConfig(latents=8, hidden=(8, 8), steps=20))
    more = with_interactions(model, [(0, 3), (2, 5)])
    x = face.random(400, 1)[:, model.inputs]
    hidden, old = _hidden(more, x), _hidden(model, x)
    np.testing.assert_allclose(hidden[:, :-2], old, atol=1e-12)
    own = np.concatenate([x, x**2, x**3, np.ones((len(x), 1)), hidden[:, -2:]], axis=1)
    product = x[:, 2] * x[:, 5]
    left = product - own @ np.linalg.lstsq(own, product, rcond=None)[0]
    assert left.std() < 0.2 * product.std()


def test_never_more_than_the_maximum() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(-1.0, 1.0, size=(POSES, 10))
    phi = np.concatenate([x, x**2, np.ones((POSES, 1))], axis=1)
    products = np.stack([x[:, i] * x[:, j] for i in range(10) for j in range(i)], axis=1)
    observations = products @ rng.normal(size=(products.shape[1], COUNT * 3))
    observations += 0.5 * rng.normal(size=observations.shape)
    assert len(find_interactions(x, phi, observations.reshape(POSES, COUNT, 3))) <= MAX_PAIRS


def _hidden(model: SelfModel, x: np.ndarray) -> np.ndarray:
    return model.features(x)[:, POWERS * x.shape[1] : -1]
