"""Drift is seen, told from another robot, and trimmed away exactly."""

from __future__ import annotations

import numpy as np
import pytest

from mien.calibration.capture import dataset
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import PLAN, collect
from mien.calibration.plan.excitation import limited, make_plan, mixtures
from mien.calibration.verify.checks import check_model
from mien.calibration.verify.trim import assess_drift, observe_poses, shifted
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import FaceConfig, Floats, load_face
from tests.calibration.analytic_rig import AnalyticRig


class Slipped(AnalyticRig):
    """The same robot after a horn has slipped: it is elsewhere than it was told."""

    def __init__(self, face: FaceConfig, slip: Floats) -> None:
        super().__init__(face)
        self.slip = slip

    def actual(self, told: Floats) -> Floats:
        return told + self.slip


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("hobby9")


@pytest.fixture(scope="module")
def fitted(face: FaceConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[SelfModel, float]:
    folder = tmp_path_factory.mktemp("trim")
    make_plan(face, 300).save(folder / PLAN)
    collect(face, AnalyticRig(face), folder)
    data = dataset.load(folder, face)
    model = face_fit.fit_face(face, data, FitConfig(latents=16, hidden=(24, 24), steps=400))
    return model, check_model(face, data, model).metrics["model_rmse_mm"]


def test_a_shifted_model_is_the_model_at_shifted_commands(
    face: FaceConfig, fitted: tuple[SelfModel, float]
) -> None:
    model, _ = fitted
    rng = np.random.default_rng(0)
    shift = rng.uniform(-0.3, 0.3, len(model.inputs))
    moved = shifted(model, shift)
    u = mixtures(face, 16, seed=3)
    there = u.copy()
    there[:, model.inputs] += shift
    np.testing.assert_allclose(moved.landmarks(u), model.landmarks(there), atol=1e-8)
    x, shifted_x = u[:, model.inputs], there[:, model.inputs]
    np.testing.assert_allclose(
        moved.predictive_variance(x), model.predictive_variance(shifted_x), atol=1e-8, rtol=1e-6
    )
    np.testing.assert_allclose(
        moved.latent_jacobian(x[0]), model.latent_jacobian(shifted_x[0]), atol=1e-8
    )


def test_the_same_robot_is_kept(face: FaceConfig, fitted: tuple[SelfModel, float]) -> None:
    rig = AnalyticRig(face)
    drift = assess_drift(
        face, fitted[0], *observe_poses(rig, limited(face, mixtures(face, 20, 5))), fitted[1]
    )
    assert drift.verdict == "keep"
    assert np.abs(drift.shift).max() < 0.05


def test_a_slipped_horn_is_found_and_trimmed(
    face: FaceConfig, fitted: tuple[SelfModel, float]
) -> None:
    slip = np.zeros(len(face.names))
    slip[face.index("corner_y_left")] = 0.2
    poses = observe_poses(Slipped(face, slip), limited(face, mixtures(face, 20, 5)))
    drift = assess_drift(face, fitted[0], *poses, fitted[1])
    assert drift.verdict == "trim"
    np.testing.assert_allclose(drift.shift, slip, atol=0.06)
    trimmed = shifted(fitted[0], drift.shift[fitted[0].inputs])
    assert assess_drift(face, trimmed, *poses, fitted[1]).verdict == "keep"


def test_a_small_slip_below_the_noise_is_found_and_named(
    face: FaceConfig, fitted: tuple[SelfModel, float]
) -> None:
    slip = np.zeros(len(face.names))
    slip[face.index("brow_left")] = 0.1
    rig = Slipped(face, slip)
    rig.noise = 1.0
    poses = observe_poses(rig, limited(face, mixtures(face, 20, 5)))
    drift = assess_drift(face, fitted[0], *poses, 1.7)  # 1 mm in each axis
    assert drift.rmse_mm < 1.25 * 1.7  # the face's error alone says nothing
    assert (drift.verdict, drift.moved) == ("trim", ["brow_left"])


def test_what_the_model_gets_wrong_from_the_start_has_not_moved(
    face: FaceConfig, fitted: tuple[SelfModel, float]
) -> None:
    model, expected = fitted
    wrong = np.zeros(len(model.inputs))
    wrong[2] = 0.15
    poses = observe_poses(AnalyticRig(face), limited(face, mixtures(face, 20, 5)))
    off = shifted(model, wrong)
    assert assess_drift(face, off, *poses, 1.0).moved == [face.names[model.inputs[2]]]
    assert assess_drift(face, off, *poses, 1.0, -wrong).verdict == "keep"
    # Once trimmed it is right, and that is no motion either.
    assert assess_drift(face, model, *poses, expected, np.zeros(len(wrong))).verdict == "keep"


def test_one_that_no_longer_answers_is_named(
    face: FaceConfig, fitted: tuple[SelfModel, float]
) -> None:
    poses = observe_poses(
        AnalyticRig(face, stuck=("gaze_y",)), limited(face, mixtures(face, 20, 5))
    )
    drift = assess_drift(face, fitted[0], *poses, 1.0)
    assert (drift.verdict, drift.broken) == ("redo", ["gaze_y"])


def test_another_robot_is_to_be_redone(face: FaceConfig, fitted: tuple[SelfModel, float]) -> None:
    rig = AnalyticRig(face, build=3)
    drift = assess_drift(
        face, fitted[0], *observe_poses(rig, limited(face, mixtures(face, 20, 5))), fitted[1]
    )
    assert drift.verdict == "redo"


def test_a_lost_face_is_left_out(face: FaceConfig, fitted: tuple[SelfModel, float]) -> None:
    sent, seen = observe_poses(AnalyticRig(face), limited(face, mixtures(face, 20, 5)))
    seen[3] = np.nan
    assert assess_drift(face, fitted[0], sent, seen, fitted[1]).verdict == "keep"
