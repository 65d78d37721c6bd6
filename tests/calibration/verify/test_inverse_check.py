"""Faces shown again by a camera with errors of whole shapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.calibration.capture import dataset
from mien.calibration.capture.capture_rig import Observation
from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import PLAN, collect
from mien.calibration.plan.excitation import make_plan
from mien.calibration.verify.acceptance import REQUIRED
from mien.calibration.verify.inverse_check import check_inverse
from mien.models.face.regions import COUNT
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import FaceConfig, Floats, load_face
from tests.calibration.analytic_rig import AnalyticRig


class Misled(AnalyticRig):
    """A camera that sees shapes of a face that are not there."""

    def __init__(self, face: FaceConfig) -> None:
        super().__init__(face)
        rng = np.random.default_rng(4)
        self.steep = rng.normal(size=(len(face.names), 5)) * 3.0
        self.shapes = rng.normal(size=(5, COUNT, 3)) + 3.0 * self.patches[:5]

    def off(self) -> Floats:
        return np.asarray(np.einsum("s,slk->lk", np.sin(self.at @ self.steep), self.shapes) * 0.3)

    def noiseless_landmarks(self) -> Floats:
        return self.true_landmarks() + self.off()

    def observe(self) -> Observation:
        seen = super().observe()
        return replace(seen, landmarks=seen.landmarks + self.off())


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("hobby9")


@pytest.fixture(scope="module")
def data(face: FaceConfig, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("calibration")
    plan = replace(make_plan(face, 400), active=0)
    plan.save(folder / PLAN)
    collect(face, Misled(face), folder)
    return dataset.load(folder, face)


@pytest.fixture(scope="module")
def model(face: FaceConfig, data: Dataset) -> SelfModel:
    return face_fit.fit_face(face, data, FitConfig(latents=16, hidden=(24, 24), steps=300))


def test_a_camera_that_errs_by_whole_shapes_is_not_made_good_by_the_proof(
    face: FaceConfig, data: Dataset, model: SelfModel
) -> None:
    """Commands can be told from what this camera shows, as ridge does. The inverse that runs never
    sees through it, so a proof that learned its errors would accept what the face cannot do."""
    rig = Misled(face)
    rig.start()
    found = check_inverse(face, data, model, rig).metrics
    assert found["ridge_inverse_mean_pct"] < 0.5
    assert found["inverse_mean_pct"] > REQUIRED["inverse_mean_pct"]
    assert found["inverse_mean_pct"] == pytest.approx(
        found["noisy_running_inverse_mean_pct"], rel=0.1
    )
