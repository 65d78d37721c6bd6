"""A prior that has seen robots of a design finds another one from few observations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.regions import COUNT
from mien.models.self_model import model as self_model
from mien.models.self_model import prior as design_prior
from mien.models.self_model.prior import Prior
from mien.models.train.prior import prior_layers
from mien.models.train.prior.prior_fit import BuildPoses, fit_prior, with_mirrored
from mien.models.train.prior.prior_layers import FamilyConfig
from mien.models.train.self_model.fit import Examples
from mien.models.train.self_model.observed_errors import ObservedErrors
from mien.models.train.self_model.prior_inference import infer

NAMES = ("lid_left", "lid_right", "jaw", "turn", "tongue")
POSES, NOISE_MM = 60, 1.0
REST = np.zeros((COUNT, 3))
QUICK = FamilyConfig(hidden=(16, 16), own=4, mixed=4, visits=200)


class Design:
    """Robots whose actuators move smooth fields, each robot its own; the tongue moves nothing."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        place = np.linspace(0.0, 1.0, COUNT)
        centres = rng.uniform(size=(4, 4))
        self.fields = np.exp(-np.square((place - centres[..., None]) / 0.1))
        self.axes = rng.normal(size=(4, 3))

    def robot(self, seed: int, poses: int = POSES, gain: float = 1.0) -> BuildPoses:
        rng = np.random.default_rng([seed, 1])
        share = np.array([1.0, 0.3, 0.2, 0.1]) + 0.15 * rng.normal(size=(4, 4))
        fields = np.einsum("ij,ijp,ia->ipa", 4.0 * share, self.fields, self.axes)
        commands = rng.uniform(-1.0, 1.0, (poses, len(NAMES)))
        x = gain * commands[:, :4]
        moved = np.einsum("ni,ipa->npa", x + 0.2 * x**2, fields)
        moved += np.einsum("n,pa->npa", 0.3 * x[:, 0] * x[:, 2], fields[0])
        return BuildPoses(commands, REST, moved)


def rms(error: np.ndarray) -> float:
    error = error - error.mean(0)
    return float(np.sqrt(np.square(error).sum(-1).mean()))


@pytest.fixture(scope="module")
def design() -> Design:
    return Design()


@pytest.fixture(scope="module")
def prior(design: Design) -> Prior:
    return fit_prior(NAMES, (), [design.robot(k) for k in range(30)], QUICK)


def observed(robot: BuildPoses, count: int) -> tuple[Examples, ObservedErrors]:
    noise = np.random.default_rng(7).normal(0.0, NOISE_MM, (count, COUNT, 3))
    examples = Examples(
        NAMES, (0, 1, 2, 3), (), robot.commands, np.arange(count), robot.true[:count] + noise
    )
    return examples, ObservedErrors(NOISE_MM * np.eye(3 * COUNT))


def test_an_actuator_that_moves_no_landmark_is_no_input(prior: Prior) -> None:
    assert [NAMES[i] for i in prior.inputs] == ["lid_left", "lid_right", "jaw", "turn"]


def test_twenty_observations_beat_least_squares_and_the_nominal_robot(
    design: Design, prior: Prior
) -> None:
    robot = design.robot(100, 100)
    examples, errors = observed(robot, 20)
    model = infer(prior, examples, REST, errors)
    off = rms(model.sequence(robot.commands)[20:] - robot.true[20:])
    nominal = rms(prior.nominal().sequence(robot.commands)[20:] - robot.true[20:])
    rows = np.concatenate([robot.commands, np.ones((100, 1))], axis=1)
    flat = examples.landmarks.reshape(20, -1)
    slopes = np.linalg.lstsq(rows[:20], flat, rcond=None)[0]
    linear = rms((rows[20:] @ slopes).reshape(-1, COUNT, 3) - robot.true[20:])
    assert off < 0.6 * nominal
    assert off < 0.5 * linear


def test_more_observations_never_hurt_much_and_uncertainty_falls(
    design: Design, prior: Prior
) -> None:
    robot = design.robot(101, 140)
    few = infer(prior, *_swapped(observed(robot, 15)))
    many = infer(prior, *_swapped(observed(robot, 100)))
    error_few = rms(few.sequence(robot.commands)[100:] - robot.true[100:])
    assert rms(many.sequence(robot.commands)[100:] - robot.true[100:]) < error_few
    x = many.network_inputs(robot.commands)
    total = [np.mean(m.predictive_variance(x)) * np.square(m.noise).sum() for m in (few, many)]
    assert total[1] < 0.7 * total[0]


def _swapped(pair: tuple[Examples, ObservedErrors]) -> tuple[Examples, np.ndarray, ObservedErrors]:
    return pair[0], REST, pair[1]


@pytest.mark.parametrize("gain", [0.75, 1.25])
def test_a_gain_common_to_all_actuators_is_found(design: Design, prior: Prior, gain: float) -> None:
    robot = design.robot(102, 100, gain)
    examples, errors = observed(robot, 40)
    model = infer(prior, examples, REST, errors)
    assert (model.meta["gain"] > 1.0) == (gain > 1.0)
    nominal = rms(prior.nominal().sequence(robot.commands)[40:] - robot.true[40:])
    assert rms(model.sequence(robot.commands)[40:] - robot.true[40:]) < 0.5 * nominal


def test_an_actuator_that_stands_still_is_no_input_of_the_model(
    design: Design, prior: Prior
) -> None:
    robot = design.robot(103)
    still = BuildPoses(robot.commands * (1.0, 0.0, 1.0, 1.0, 1.0), REST, robot.true)
    examples, errors = observed(still, 40)
    model = infer(prior, examples, REST, errors, moving=(0, 2, 3))
    assert [NAMES[i] for i in model.inputs] == ["lid_left", "jaw", "turn"]
    assert np.isfinite(model.sequence(still.commands)).all()


def test_the_jacobian_of_an_inferred_model_is_exact(design: Design, prior: Prior) -> None:
    examples, errors = observed(design.robot(104), 30)
    model = infer(prior, examples, REST, errors)
    x = np.random.default_rng(3).uniform(-0.8, 0.8, (4, 4))
    step = 1e-5
    for i in range(4):
        move = step * np.eye(4)[i]
        numeric = (model.latents(x + move) - model.latents(x - move)) / (2 * step)
        assert model.latent_jacobian(x)[:, i] == pytest.approx(numeric, abs=1e-5)


def test_a_mirrored_robot_counts_as_another_one() -> None:
    rng = np.random.default_rng(5)
    half = rng.uniform(1.0, 30.0, (COUNT // 2, 3))
    rest = np.concatenate([half, half * (-1.0, 1.0, 1.0)])
    left = np.zeros((COUNT, 3))
    left[: COUNT // 2] = rng.normal(size=(COUNT // 2, 3))
    right = np.concatenate([left[COUNT // 2 :], left[: COUNT // 2] * (-1.0, 1.0, 1.0)])
    turn = np.zeros((COUNT, 3))
    turn[:, 0] = 1.0
    commands = rng.uniform(-1.0, 1.0, (50, 3))
    names = ("lid_left", "lid_right", "turn")
    fields = np.stack([1.2 * left, right, turn])
    robot = BuildPoses(commands, rest, np.einsum("ni,ipa->npa", commands, fields))
    both = with_mirrored(names, [robot])
    assert len(both) == 2
    assert both[1].commands[:, 0] == pytest.approx(commands[:, 1])
    assert both[1].commands[:, 2] == pytest.approx(-commands[:, 2])
    want = np.einsum("ni,ipa->npa", both[1].commands, np.stack([left, 1.2 * right, turn]))
    assert both[1].true == pytest.approx(want, abs=1e-9)
    lopsided = BuildPoses(commands, rest + (5.0, 0.0, 0.0) * (rest > 15.0), robot.true)
    assert len(with_mirrored(names, [lopsided])) == 1


def test_a_file_holds_the_prior(tmp_path: Path, design: Design, prior: Prior) -> None:
    path = tmp_path / "prior.safetensors"
    design_prior.save(path, replace(prior, meta={"face": "x"}))
    examples, errors = observed(design.robot(105, 100), 40)
    a, b = (infer(p, examples, REST, errors) for p in (prior, design_prior.load(path)))
    assert rms(a.sequence(examples.commands) - b.sequence(examples.commands)) < 0.05
    self_model.save(
        tmp_path / "model.safetensors", replace(b, meta={"face": "x", "face_hash": "y"})
    )
    read = self_model.read(tmp_path / "model.safetensors")
    assert rms(read.sequence(examples.commands) - b.sequence(examples.commands)) < 1e-3


def test_a_file_from_before_the_shifts_and_the_response_still_loads(
    tmp_path: Path, prior: Prior
) -> None:
    path = tmp_path / "prior.safetensors"
    design_prior.save(path, replace(prior, meta={"face": "x"}))
    tensors, meta = checkpoint.load(path, design_prior.KIND)
    old = {name: t for name, t in tensors.items() if name not in ("shift", "seen")}
    checkpoint.save(path, old, meta)
    read = design_prior.load(path)
    assert not read.shift.any()
    assert (read.seen == np.eye(len(read.seen))).all()


def test_the_effect_of_a_coefficient_is_exact(prior: Prior) -> None:
    rng = np.random.default_rng(2)
    x, at = rng.uniform(-0.8, 0.8, (5, 4)), 0.5 * rng.normal(size=len(prior.root))
    effects = prior.design(x, at)
    for g in (0, len(prior.own), len(at) - 1):
        move = 1e-5 * np.eye(len(at))[g]
        numeric = (prior.latents(x, at + move) - prior.latents(x, at - move)) / 2e-5
        assert effects[:, g] == pytest.approx(numeric, abs=1e-5)


def test_errors_bound_to_the_pose_are_not_learned_as_motion(design: Design, prior: Prior) -> None:
    robot = design.robot(106, 140)
    drag = 1.5 * np.random.default_rng(9).normal(size=(len(NAMES), COUNT, 3))
    seen = robot.true[:100] + np.einsum("ni,ipa->npa", robot.commands[:100], drag)
    examples = Examples(NAMES, (0, 1, 2, 3), (), robot.commands, np.arange(100), seen)
    size = float(np.sqrt(np.square(seen - robot.true[:100]).mean()))
    motion = float(np.square(robot.commands[:, :4]).sum(1).mean())

    def error(by_pose: float) -> float:
        known = ObservedErrors(size * np.eye(3 * COUNT), 1e4, by_pose, motion)
        model = infer(prior, examples, REST, known)
        return rms(model.sequence(robot.commands)[100:] - robot.true[100:])

    assert error(0.8) < 0.97 * error(0.0)


def test_too_few_robots_are_refused(design: Design) -> None:
    with pytest.raises(ModelError, match="at least 3 robots, got 2"):
        fit_prior(NAMES, (), [design.robot(k) for k in range(2)], QUICK)


def test_an_interrupted_training_ends_as_one_that_was_not(
    design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prior_layers, "KEPT_EVERY", 20)
    robots, last = [design.robot(k) for k in range(6)], tmp_path / "training.pt"
    seen: list[int] = []

    def stop(done: int, _all: int) -> None:
        if done > 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_prior(NAMES, (), robots, QUICK, stop, last=last)
    resumed = fit_prior(NAMES, (), robots, QUICK, lambda done, _all: seen.append(done), last=last)
    whole = fit_prior(NAMES, (), robots, QUICK)
    assert min(seen) >= 20
    assert np.array_equal(resumed.own, whole.own)
    assert np.array_equal(resumed.root, whole.root)


def test_a_checkpoint_of_other_robots_is_not_gone_on_with(
    design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prior_layers, "KEPT_EVERY", 20)
    last = tmp_path / "training.pt"
    fit_prior(NAMES, (), [design.robot(k) for k in range(6)], QUICK, last=last)
    assert last.exists()
    others = [design.robot(k) for k in range(10, 16)]
    again = fit_prior(NAMES, (), others, QUICK, last=last)
    assert np.array_equal(again.own, fit_prior(NAMES, (), others, QUICK).own)
