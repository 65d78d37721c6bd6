"""A face that comes back by another way is read as another face: by how much."""

from __future__ import annotations

import numpy as np
import pytest

from mien.calibration.plan.excitation import mixtures
from mien.calibration.verify.repeatability import POSES, check_repeatability
from mien.robot.face.config import Floats, load_face
from tests.calibration.analytic_rig import AnalyticRig

NOISE = 0.05


class Sticky(AnalyticRig):
    """A face that stops short of its goal by a share of the way."""

    def move_to(self, goal: Floats) -> Floats:
        return super().move_to(goal + 0.05 * (self.at - goal))


def test_a_face_without_friction_repeats_within_the_cameras_noise() -> None:
    face = load_face("hobby9")
    poses = mixtures(face, POSES, 0)
    found = check_repeatability(face, AnalyticRig(face, noise=NOISE), poses)["repeat_mm"]
    assert found == pytest.approx(NOISE * np.sqrt(3), rel=0.05)


def test_friction_shows() -> None:
    face = load_face("hobby9")
    poses = mixtures(face, POSES, 0)
    smooth = check_repeatability(face, AnalyticRig(face, noise=0.0), poses)["repeat_mm"]
    sticky = check_repeatability(face, Sticky(face, noise=0.0), poses)["repeat_mm"]
    assert smooth < 1e-9 < 0.01 < sticky
