"""The tracker's bias in a session: it is taken off, and a face unlike the learned ones is said."""

from __future__ import annotations

import numpy as np
import pytest

from mien.calibration.capture.bias_correction import BiasCorrection
from mien.models.face.regions import COUNT
from mien.models.vision.tracker_bias import TrackerBias

REFERENCE = np.random.default_rng(0).normal(size=(COUNT, 3))


def one_code() -> TrackerBias:
    """A tracker that sees the first landmark twice as far to the side as it is, up to 2 mm."""
    codes = np.zeros((3 * COUNT, 1))
    codes[0, 0] = 1.0
    return TrackerBias(codes, 0.5 * codes.T, np.zeros((1, 3 * COUNT)), limit=4.0)


def moved(mm: float) -> np.ndarray:
    out = REFERENCE.copy()
    out[0, 0] += mm
    return out


def test_frames_like_the_learned_ones_are_corrected_and_nothing_is_said() -> None:
    correct = BiasCorrection(one_code())
    for _ in range(100):
        assert correct(moved(1.0), REFERENCE)[0, 0] == pytest.approx(REFERENCE[0, 0] + 0.5)
    for _ in range(30):
        correct(moved(5.0), REFERENCE)
    assert correct.remarks() == []


def test_a_face_unlike_the_learned_ones_is_said_with_its_share() -> None:
    correct = BiasCorrection(one_code())
    for k in range(100):
        far = moved(5.0)
        assert correct(far if k % 3 == 0 else moved(1.0), REFERENCE).shape == (COUNT, 3)
    (said,) = correct.remarks()
    assert said.startswith("34 % of 100 frames")
    assert "--camera markers" in said


def test_lost_faces_and_a_few_frames_say_nothing() -> None:
    correct = BiasCorrection(one_code())
    for _ in range(100):
        assert np.isnan(correct(np.full((COUNT, 3), np.nan), REFERENCE)).all()
    for _ in range(19):
        correct(moved(9.0), REFERENCE)
    assert correct.remarks() == []
