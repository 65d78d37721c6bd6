"""The search on the rig finds commands at least as good as those it begins with."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from mien.calibration.capture.capture_rig import CaptureRig
from mien.models.self_model import model as self_model
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, load_face
from tests.bench.calibration.asked import CLIPS, clips, search
from tests.calibration.verify.test_asked_check import ModelRig


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("morpheus33")


@pytest.fixture(scope="module")
def model(face: FaceConfig) -> SelfModel:
    return self_model.read(self_model.shipped(face.name))


def test_a_reachable_face_is_found_from_neutral(face: FaceConfig, model: SelfModel) -> None:
    goal = np.zeros(model.n)
    goal[[face.index(n) for n in ("jaw_open", "corner_y_left", "brow_mid_right")]] = 0.6, 0.7, -0.8
    rest, rig = model.landmarks(np.zeros(model.n)), cast(CaptureRig, ModelRig(model))
    first, best = search(face, model, rig, model.landmarks(goal) - rest, rest, np.zeros(model.n))
    assert first > 1.0
    assert best < 0.1 * first


def test_what_is_as_good_as_can_be_stays(face: FaceConfig, model: SelfModel) -> None:
    goal = np.where(np.arange(model.n) == face.index("jaw_open"), 0.6, 0.0)
    rest, rig = model.landmarks(np.zeros(model.n)), cast(CaptureRig, ModelRig(model))
    first, best = search(face, model, rig, model.landmarks(goal) - rest, rest, goal)
    assert first == best == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("corpus", ["grid_s1", "facegood"])
def test_clips_are_weights(corpus: str) -> None:
    try:
        found = clips(corpus)
    except FileNotFoundError:
        pytest.skip("the corpora are not on this machine")
    assert len(found) == CLIPS
    for clip in found:
        assert clip.shape[1] == 52
        assert 0.0 <= clip.min() < 0.1 < clip.max() <= 1.0
