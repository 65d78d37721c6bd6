"""Fields of skin come out of the noise; the lips stay apart on the mesh."""

from __future__ import annotations

import numpy as np

from mien.models.face.face_mesh import distances, edges
from mien.models.face.regions import COUNT, LIP_GAPS
from mien.models.train.self_model.field_shrinkage import shrink_fields
from mien.robot.face.face_units import load_units


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
    fields, left = shrink_fields(phi, seen)
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
    found, left = shrink_fields(phi, np.einsum("nf,flk->nlk", phi, fields))
    np.testing.assert_allclose(found, fields, atol=1e-3)
    assert np.abs(left).max() < 1e-2


def bump(home: np.ndarray, at: int, size: tuple[float, float, float]) -> np.ndarray:
    """A field (478, 3) of 15 mm around a landmark."""
    return np.exp(-np.square(home - home[at]).sum(1) / (2 * 15.0**2))[:, None] * np.array(size)


def shrunk(
    phi: np.ndarray, fields: np.ndarray, groups: list[list[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """What is found of fields in noise of 1 mm, with groups and without."""
    noise = np.random.default_rng(7).normal(size=(len(phi), COUNT, 3))
    seen = np.einsum("nf,flk->nlk", phi, fields) + noise
    return shrink_fields(phi, seen, None, groups)[0], shrink_fields(phi, seen)[0]


def rms(off: np.ndarray) -> float:
    return float(np.sqrt(np.square(off).mean()))


def test_what_a_square_does_is_found_by_what_the_actuator_does() -> None:
    rng = np.random.default_rng(2)
    home = load_units().neutral
    u = rng.uniform(-1, 1, (300, 6))
    phi = np.concatenate([u, u**2, np.ones((300, 1))], axis=1)
    fields = np.zeros((13, COUNT, 3))
    rough = rng.choice((-1.0, 1.0), size=(COUNT, 1))  # nothing that a mean would find
    fields[0], fields[-1] = rough * bump(home, 205, (0.0, 4.0, 1.0)), home
    fields[6] = 0.12 * fields[0]  # as small as its noise
    together, alone = shrunk(phi, fields, [[k, 6 + k] for k in range(6)])
    moved = np.linalg.norm(fields[6], axis=1) > 0.05
    assert rms((together - fields)[6, moved]) < 0.8 * rms((alone - fields)[6, moved])


def test_a_small_actuator_does_not_take_after_a_large_one() -> None:
    # By chance the two go a little together in the poses there are.
    rng = np.random.default_rng(3)
    home = load_units().neutral
    u = rng.uniform(-1, 1, (300, 6))
    u[:, 0] += 0.15 * u[:, 5]
    phi = np.concatenate([u, np.ones((300, 1))], axis=1)
    fields = np.zeros((7, COUNT, 3))
    fields[0], fields[-1] = bump(home, 205, (0.0, 0.5, 0.1)), home
    fields[5] = bump(home, 152, (0.0, 12.0, 2.0))
    together, alone = shrunk(phi, fields, [[k] for k in range(6)])
    assert rms((together - fields)[0]) < 0.8 * rms((alone - fields)[0])
