"""A single observation, behind the filter, is nearer to the face than the camera put it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.calibration.capture.dataset import Dataset, Setup
from mien.calibration.plan.excitation import mixtures
from mien.calibration.plan.plan import KINDS
from mien.calibration.verify.observation_filter import observation_filter
from mien.models.self_model import model as self_model
from mien.robot.face.config import Floats, load_face

FACE = load_face("hobby9")
MODEL = self_model.load(self_model.shipped("hobby9"), "hobby9", FACE.hashes)
NOISE_MM, SHIFT_MM = (0.7, 0.9, 1.2), 0.5


def watched(camera: str) -> tuple[Dataset, Floats]:
    """Observations of a robot that is as the self-model says, and its true faces (R, 478, 3)."""
    rng = np.random.default_rng(3)
    commands = mixtures(FACE, 80, 5)
    true = MODEL.sequence(commands)
    shift = rng.normal(0.0, SHIFT_MM, (len(true), 1, 3))
    count = np.arange(len(true), dtype=np.int32)
    kind = np.full(len(true), KINDS.index("combo"), dtype=np.int32)
    kind[60:] = KINDS.index("held_out")
    data = Dataset(
        Setup("hobby9", "hash", "mechanism", 0, camera),
        count,
        kind,
        count.astype(np.float64),
        commands,
        true + shift + rng.normal(size=true.shape) * NOISE_MM,
        np.tile(np.eye(4), (len(true), 1, 1)),
        np.full(len(true), 0.1),
    )
    return data, true


def error(found: Floats, true: Floats) -> float:
    return float(np.linalg.norm(found - true, axis=-1).mean())


def test_noise_and_a_wrong_place_of_the_head_are_taken_off_single_observations() -> None:
    data, true = watched("projected")
    held = np.flatnonzero(data.held_out)
    clean = observation_filter(FACE, data, MODEL)
    one = clean(data.landmarks[held[:1]])
    assert one == pytest.approx(clean(data.landmarks[held])[:1])  # each alone
    assert error(data.landmarks[held], true[held]) > 1.5
    assert error(clean(data.landmarks[held]), true[held]) < 0.25


def test_a_head_that_stands_elsewhere_is_the_same_face() -> None:
    data, true = watched("projected")
    clean = observation_filter(FACE, data, MODEL)
    aside = clean(data.landmarks[:5] + np.array([1.0, -2.0, 3.0]))
    assert error(aside, clean(data.landmarks[:5])) < 0.1
    assert error(aside, true[:5]) < 0.3


def test_a_face_tracker_whose_errors_belong_to_the_pose_is_believed() -> None:
    data, _ = watched("rendered")
    seen = replace(data, landmarks=data.landmarks + 1.0).landmarks
    assert observation_filter(FACE, data, MODEL)(seen) is seen
