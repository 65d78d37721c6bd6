"""A face whose design is known is fitted by its prior; where too much is unknown, it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.calibration.capture.dataset import Dataset, Setup
from mien.calibration.capture.open_rig import mechanism_hash
from mien.calibration.identify import design_prior, face_fit
from mien.calibration.identify.design_prior import prior_of
from mien.calibration.plan.excitation import make_plan
from mien.calibration.plan.plan import KINDS
from mien.calibration.verify.baselines import ridge_forward
from mien.models.self_model.model import SelfModel
from mien.models.self_model.prior import Prior
from mien.models.vision import tracker_bias
from mien.robot.face.config import FaceConfig, load_face

NOISE_MM = 0.6


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("morpheus33")


@pytest.fixture(scope="module")
def prior(face: FaceConfig) -> Prior:
    prior = prior_of(face)
    assert prior is not None, "the mechanism has changed: mien train prior"
    return prior


@pytest.fixture(scope="module")
def data(face: FaceConfig, prior: Prior) -> Dataset:
    """A small plan, played on a robot that is the mean of the design."""
    plan = make_plan(face, 150, seed=3, known=True)
    rng = np.random.default_rng(0)
    seen = prior.nominal().sequence(plan.goals)
    seen = seen + rng.normal(0.0, NOISE_MM, seen.shape)
    count = len(plan)
    setup = Setup(face.name, face.hash, mechanism_hash(face), 1, "projected")
    return Dataset(
        setup=setup,
        pose=np.arange(count, dtype=np.int32),
        kind=plan.kind.astype(np.int32),
        time=0.3 * np.arange(count, dtype=np.float64),
        commands=plan.goals,
        landmarks=seen,
        head=np.tile(np.eye(4), (count, 1, 1)),
        spread=np.full(count, 0.1),
    )


def test_a_small_plan_moves_every_actuator_alone_and_together(face: FaceConfig) -> None:
    plan = make_plan(face, 150, seed=1, known=True)
    assert len(plan) + plan.active == 150
    alone = plan.goals[plan.kind == KINDS.index("single")]
    skin = [i for i, a in enumerate(face.actuators.values()) if a.region != "neck"]
    assert (np.abs(alone[:, skin]).max(0) > 0.5).all()
    mixed = plan.goals[plan.kind == KINDS.index("combo")]
    assert (np.ptp(mixed[:, skin], axis=0) > 0.3).all()
    assert (plan.kind == KINDS.index("held_out")).sum() >= 20
    large = make_plan(face, 700, seed=1, known=True)
    assert np.array_equal(large.goals, make_plan(face, 700, seed=1).goals)


def test_few_observations_are_fitted_by_the_prior(face: FaceConfig, data: Dataset) -> None:
    model = face_fit.fit_face(face, data)
    assert "prior_width" in model.meta
    truth = prior_of(face).nominal()  # type: ignore[union-attr]
    goals = make_plan(face, 150, seed=9, known=True).goals[-25:]
    want = truth.sequence(goals)
    learn = face_fit.usable(data)
    linear = ridge_forward(data.commands[learn], data.landmarks[learn])(goals)
    ours, ridge = (np.square(p - want).sum(-1).mean() for p in (model.sequence(goals), linear))
    assert ours < 0.25 * ridge
    assert len(model.tendons) == 4


def left_by(face: FaceConfig, data: Dataset, robot: SelfModel) -> float:
    """RMS (mm) of what the fit is off the robot at poses that were not observed."""
    goals = make_plan(face, 150, seed=9, known=True).goals[-25:]
    off = face_fit.fit_face(face, data).sequence(goals) - robot.sequence(goals)
    off -= off.mean(0)
    return float(np.sqrt(np.square(off).sum(-1).mean()))


def test_a_head_that_seems_to_be_elsewhere_in_each_observation_changes_nothing(
    face: FaceConfig, data: Dataset, prior: Prior
) -> None:
    shift = np.random.default_rng(5).normal(0.0, 0.8, (len(data), 1, 3))
    swaying = replace(data, landmarks=data.landmarks + shift)
    nominal = prior.nominal()
    assert left_by(face, swaying, nominal) < 1.1 * left_by(face, data, nominal)


def test_what_dots_are_known_to_show_wrongly_is_not_learned(
    face: FaceConfig, data: Dataset, prior: Prior, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(6)
    robot = prior.robot(prior.root @ rng.normal(size=len(prior.root)))
    moved = (robot.sequence(data.commands) - robot.mean).reshape(len(data), -1)
    latents = moved @ np.linalg.pinv(prior.decoder)
    wrong = rng.normal(size=(len(data), len(prior.dots))) @ prior.dots
    seen = latents @ prior.seen_dots @ prior.decoder + wrong + rng.normal(0.0, 0.1, moved.shape)
    marked = replace(data.setup, camera="markers")
    dotted = replace(data, setup=marked, landmarks=robot.mean + seen.reshape(-1, *robot.mean.shape))
    known = left_by(face, dotted, robot)
    unknown = replace(prior, dots=prior.dots[:0])
    monkeypatch.setattr(design_prior, "prior_of", lambda _face: unknown)
    assert known < 0.8 * left_by(face, dotted, robot)


def test_an_actuator_that_stays_at_its_safe_command_is_no_input(
    face: FaceConfig, data: Dataset
) -> None:
    stuck = face.names.index("brow_mid_left")
    alone = data.kind == KINDS.index("single")
    still = data.commands * np.where(np.arange(len(face.names)) == stuck, alone[:, None], 1.0)
    model = face_fit.fit_face(face, replace(data, commands=still))
    assert "prior_width" in model.meta
    assert stuck not in model.inputs
    assert "brow_mid_left" in model.meta["unseen_actuators"]


def test_where_too_much_is_unknown_the_prior_is_not_used(
    face: FaceConfig, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_prior(data: Dataset) -> bool:
        learned = face_fit.examples(face, data, face_fit.usable(data), (0, 1))
        return design_prior.fit_by_prior(face, data, learned, (0, 1)) is not None

    assert by_prior(data)
    seen = replace(data.setup, camera="0")
    assert not by_prior(replace(data, setup=seen))  # what the tracker errs by was not taken off
    assert by_prior(replace(data, setup=replace(seen, bias=tracker_bias.version())))
    monkeypatch.setattr(design_prior, "MAX_POSES", 50)
    assert not by_prior(data)
    assert by_prior(replace(data, setup=replace(seen, bias=tracker_bias.version())))


def test_a_design_has_its_own_prior_or_none(face: FaceConfig, prior: Prior) -> None:
    small = load_face("hobby9")
    own = prior_of(small)
    assert prior.names == face.names
    assert own is not None
    assert own.names == small.names
    assert prior_of(small.model_copy(update={"face": face.name})) is None
    assert prior_of(small.model_copy(update={"face": "skull"})) is None


def test_a_prior_of_another_drawing_is_not_used(
    face: FaceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(design_prior, "mechanism_hash", lambda _face: "another")
    assert prior_of(face) is None
