"""Fields of skin come out of the noise; the lips stay apart on the mesh."""

from __future__ import annotations

import numpy as np

from models.face_mesh import distances, edges
from models.regions import COUNT, LIP_GAPS
from models.train.fields import clean_fields
from robot.face_units import load_units


def test_lips_and_lids_are_far_apart_along_the_skin() -> None:
    home = load_units().neutral
    apart = distances(home)
    for upper, lower in (*LIP_GAPS[:1], (386, 374)):
        assert apart[upper, lower] > 2 * np.linalg.norm(home[upper] - home[lower])
    assert np.isinf(apart[468, 0])
    assert apart[468, 469] < 20.0
    assert edges().min() == 0
    assert edges().max() == COUNT - 1


def test_a_smooth_field_is_found_in_noise_that_hides_it() -> None:
    rng = np.random.default_rng(0)
    home = load_units().neutral
    patch = np.exp(-np.square(home - home[205]).sum(1) / (2 * 15.0**2))[:, None] * (0.0, 2.0, 0.5)
    u = rng.uniform(-1, 1, (300, 12))
    phi = np.concatenate([u, np.ones((300, 1))], axis=1)
    true = home + u[:, 0, None, None] * patch
    seen = true + rng.normal(size=true.shape)
    fields, left = clean_fields(phi, seen)
    plain = np.linalg.lstsq(phi, seen.reshape(300, -1), rcond=None)[0].reshape(fields.shape)
    wanted = np.zeros_like(fields)
    wanted[0], wanted[-1] = patch, home

    def error(found: np.ndarray) -> float:
        return float(np.sqrt(np.square(found - wanted)[:-1].mean()))

    assert error(fields) < 0.3 * error(plain)
    np.testing.assert_allclose(left, seen - np.einsum("nf,flk->nlk", phi, fields), atol=1e-9)


def test_a_field_without_noise_is_left_as_it_is() -> None:
    rng = np.random.default_rng(1)
    home = load_units().neutral
    phi = np.concatenate([rng.uniform(-1, 1, (60, 3)), np.ones((60, 1))], axis=1)
    fields = rng.normal(size=(4, COUNT, 3))
    fields[-1] = home
    found, left = clean_fields(phi, np.einsum("nf,flk->nlk", phi, fields))
    np.testing.assert_allclose(found, fields, atol=1e-3)
    assert np.abs(left).max() < 1e-2
