"""A turned head is evaluate in degrees and mm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.calibration.capture.open_rig import open_rig
from mien.calibration.verify.head_pose_check import check_head_pose
from mien.models.self_model import model as self_model
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, load_face
from tests.calibration.analytic_rig import AnalyticRig


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("morpheus33")


@pytest.fixture(scope="module")
def model() -> SelfModel:
    return self_model.read(self_model.shipped("morpheus33"))


def test_a_neck_that_turns_nothing_is_off_by_what_the_model_says(
    face: FaceConfig, model: SelfModel
) -> None:
    neck = np.zeros((9, 6))
    assert check_head_pose(face, replace(model, neck=neck), AnalyticRig(face)) == {
        "head_error_deg": pytest.approx(0.0, abs=1e-5),
        "head_error_mm": pytest.approx(0.0, abs=1e-9),
    }
    neck[0, 4] = 10.0  # mm up for a whole turn to the left
    off = check_head_pose(face, replace(model, neck=neck), AnalyticRig(face))
    assert 0.5 < off["head_error_mm"] < 5.0
    assert check_head_pose(face, replace(model, neck=np.zeros((0, 6))), AnalyticRig(face)) == {}


def test_the_shipped_model_knows_the_rigs_neck(face: FaceConfig, model: SelfModel) -> None:
    rig = open_rig(face)
    try:
        rig.start()
        off = check_head_pose(face, model, rig)
    finally:
        rig.stop()
    assert off["head_error_deg"] < 2.5
    assert off["head_error_mm"] < 6.0
