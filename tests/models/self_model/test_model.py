"""Laws of the self-model: it finds the tendons' play, its Jacobian is exact, numpy equals torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.models.errors import ModelError
from mien.models.self_model import model as self_model
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.model import POWERS, SelfModel
from mien.models.self_model.network import from_numpy
from mien.models.train.self_model.fit import fit
from mien.models.train.self_model.fit_config import FitConfig
from tests.models.analytic_face import AnalyticFace

# The analytic face mixes all actuators with all others, which a real one does not: no sparsity.
QUICK = FitConfig(latents=16, hidden=(32, 32), steps=400, decay=3e-4, sparse=0.0)


@pytest.fixture(scope="module")
def face() -> AnalyticFace:
    return AnalyticFace()


@pytest.fixture(scope="module")
def model(face: AnalyticFace) -> SelfModel:
    return fit(face.examples(), QUICK)


def test_unseen_poses_are_predicted_within_a_few_percent(
    face: AnalyticFace, model: SelfModel
) -> None:
    commands = face.random(200, seed=9)
    want = face.see(face.network_inputs(commands))
    error = np.linalg.norm(model.sequence(commands) - want, axis=-1)
    motion = np.linalg.norm(want - want.mean(0), axis=-1)
    assert np.sqrt(np.mean(error**2)) < 0.06 * np.sqrt(np.mean(motion**2))


@pytest.mark.parametrize("poses", [30, 44])
def test_fewer_poses_than_features_still_make_a_model(face: AnalyticFace, poses: int) -> None:
    few = fit(face.examples(poses), replace(QUICK, steps=100))
    assert len(few.out) > poses / 1.5
    commands = face.random(100, seed=9)
    want = face.see(face.network_inputs(commands))
    said = few.sequence(commands)
    assert np.sqrt(np.mean((said - want) ** 2)) < 0.7 * np.sqrt(np.mean((want - want.mean(0)) ** 2))


def test_the_play_of_a_tendon_is_learned(face: AnalyticFace, model: SelfModel) -> None:
    at = np.array([0.3, 0.6, 0.9])[:, None]
    learned = model.play.unloading(at) - model.play.loading(at)
    true = face.play.unloading(at) - face.play.loading(at)
    np.testing.assert_allclose(learned, true, atol=0.05)


def test_without_memory_tendons_are_worse(face: AnalyticFace, model: SelfModel) -> None:
    blind = fit(face.examples(), replace(QUICK, without=frozenset({"hysteresis"})))
    commands = face.random(200, seed=9)
    want = face.see(face.network_inputs(commands))
    with_memory = np.sqrt(np.mean((model.sequence(commands) - want) ** 2))
    without = np.sqrt(np.mean((blind.sequence(commands) - want) ** 2))
    assert with_memory < 0.7 * without


def test_jacobian_equals_finite_differences(face: AnalyticFace, model: SelfModel) -> None:
    x = model.network_inputs(np.clip(face.random(1, seed=4)[0], *face.limits.T))
    analytic, step = model.latent_jacobian(x), 1e-6
    for i in range(len(x)):
        d = np.zeros(len(x))
        d[i] = step
        numeric = (model.latents(x + d) - model.latents(x - d)) / (2 * step)
        np.testing.assert_allclose(analytic[i], numeric, atol=2e-4)


def test_the_neck_moves_no_landmark(face: AnalyticFace, model: SelfModel) -> None:
    u = face.random(1, seed=4)[0]
    turned = u.copy()
    turned[-1] = -u[-1]
    np.testing.assert_array_equal(model.landmarks(u), model.landmarks(turned))


def test_numpy_equals_torch(face: AnalyticFace, model: SelfModel) -> None:
    commands = face.random(50, seed=7)
    net = from_numpy(model)
    with torch.no_grad():
        theirs = model.decode(net(torch.from_numpy(model.network_inputs(commands))).numpy())
    np.testing.assert_allclose(model.landmarks(commands), theirs, atol=1e-5)


def test_one_sequence_equals_steps_with_memory(face: AnalyticFace, model: SelfModel) -> None:
    commands = face.random(20, seed=2)
    memory = model.rest()
    for u, want in zip(commands, model.sequence(commands), strict=True):
        np.testing.assert_allclose(model.landmarks(u, memory), want, atol=1e-9)
        memory = model.advance(memory, u)


def test_variance_grows_outside_what_was_seen(model: SelfModel) -> None:
    inside = np.zeros(model.n)
    outside = np.full(model.n, 1.8)
    near, far = (model.predictive_variance(model.network_inputs(u)) for u in (inside, outside))
    assert far > 9 * near


def test_the_same_seed_gives_the_same_model(face: AnalyticFace) -> None:
    config = FitConfig(latents=8, hidden=(8, 8), steps=20)
    a, b = fit(face.examples(400), config), fit(face.examples(400), config)
    np.testing.assert_array_equal(a.out, b.out)
    other = fit(face.examples(400), replace(config, seed=1))
    assert not np.allclose(a.w1[:8], other.w1[:8])  # without units of pairs


def test_play_command_undoes_advance() -> None:
    play = PlayOperator(np.array([0.1]), np.array([0.15]))
    state, held = np.array([0.4]), np.array([0.5])
    for pull in (0.2, 0.39, 0.4, 0.41, 0.7):
        command = play.command(state, np.array([pull]), held)
        assert play.advance(state, command)[0] == pytest.approx(pull)


def test_saved_models_come_back_equal(face: AnalyticFace, model: SelfModel, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    self_model.save(path, replace(model, meta={"face": "test", "face_hash": "aa"}))
    back = self_model.load(path, "test", ("aa",))
    u = face.random(5, seed=1)
    np.testing.assert_allclose(back.landmarks(u), model.landmarks(u), atol=1e-3)
    assert back.names == model.names


def test_a_model_of_fewer_powers_says_what_it_said(
    face: AnalyticFace, model: SelfModel, tmp_path: Path
) -> None:
    m = len(model.inputs)
    flat = model.out.copy()
    flat[(POWERS - 1) * m : POWERS * m] = 0.0
    want = replace(model, out=flat, meta={"face": "analytic", "face_hash": "0"})
    highest = slice((POWERS - 1) * m, POWERS * m)
    old = replace(
        want,
        out=np.delete(flat, highest, axis=0),
        covariance_factor=np.delete(model.covariance_factor, highest, axis=1),
    )
    self_model.save(tmp_path / "old.safetensors", old)
    back = self_model.load(tmp_path / "old.safetensors", "analytic", ("0",))
    commands = face.random(50, seed=4)
    np.testing.assert_allclose(back.sequence(commands), want.sequence(commands), atol=1e-3)
    assert np.isfinite(back.predictive_variance(back.network_inputs(commands))).all()


def test_a_camera_that_sways_costs_little(face: AnalyticFace) -> None:
    still = face.examples(noise=1.0)
    sway = np.random.default_rng(5).normal(scale=1.0, size=(len(still.observed), 1, 3))
    swaying = replace(still, landmarks=still.landmarks + sway)
    commands = face.random(200, seed=9)
    want = face.see(face.network_inputs(commands))

    def error(rounds: int) -> float:
        said = fit(swaying, replace(QUICK, rounds=rounds)).sequence(commands)
        return float(np.sqrt(np.square(said - want - (said - want).mean((0, 1))).mean()))

    assert error(3) < 0.8 * error(1)


def test_a_model_of_another_face_is_refused_by_name_and_hash(
    model: SelfModel, tmp_path: Path
) -> None:
    path = tmp_path / "m.safetensors"
    self_model.save(path, replace(model, meta={"face": "mine", "face_hash": "aaaa"}))
    with pytest.raises(ModelError, match=r"mine \(aaaa\).*yours \(bbbb\)") as e:
        self_model.load(path, "yours", ("bbbb",))
    assert e.value.hint == "mien calibrate all --face yours"
    with pytest.raises(ModelError, match=r"aaaa.*cccc"):
        self_model.load(path, "mine", ("cccc", "dddd"))


def test_a_missing_model_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no self-model") as e:
        self_model.load(tmp_path / "none.safetensors", "mine", ("aa",))
    assert e.value.hint == "mien calibrate all --face mine"


def test_bad_examples_are_refused(face: AnalyticFace) -> None:
    good = face.examples(60)
    holes = good.landmarks.copy()
    holes[3, 5, 1] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        fit(replace(good, landmarks=holes), QUICK)
    with pytest.raises(ModelError, match="too few"):
        fit(replace(good, observed=good.observed[:5], landmarks=good.landmarks[:5]), QUICK)
    with pytest.raises(ModelError, match="shape"):
        fit(replace(good, landmarks=good.landmarks[:, :400]), QUICK)


def test_bad_commands_are_refused(model: SelfModel) -> None:
    with pytest.raises(ModelError, match="actuators"):
        model.landmarks(np.zeros(3))
    with pytest.raises(ModelError, match="NaN"):
        model.landmarks(np.full(model.n, np.nan))
