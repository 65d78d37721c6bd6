"""The way of the lower lip to the upper teeth: measured on rigs that do and do not make it."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.face.regions import LIP_GAPS, gaps
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.sim.rig import Rig
from tests.bench.robot.outside import lower_lip, to_teeth
from tests.bench.robot.rig_measures import landmarks_at

BITE = {"lip_lower": -0.5, "lip_upper": 0.7, "jaw_open": 0.12}


def pose(face: FaceConfig, **roles: float) -> np.ndarray:
    """(1, n): the same command for every actuator whose name begins so."""
    return np.array([[next((v for k, v in roles.items() if n.startswith(k)), 0.0)
                      for n in face.names]])  # fmt: skip


@pytest.mark.parametrize("build", [0, 4])
def test_the_lower_lip_meets_the_teeth_when_it_bites_and_not_otherwise(build: int) -> None:
    face = load_face("morpheus33")
    rig = Rig(face, build)
    rest = gaps(landmarks_at(rig, pose(face))[0], LIP_GAPS)
    assert to_teeth(rig.skin, rig.skin_state()) > 1.1
    bitten = gaps(landmarks_at(rig, pose(face, **BITE))[0], LIP_GAPS)
    assert to_teeth(rig.skin, rig.skin_state()) < 1.0
    assert np.median(bitten - rest) > 1.0  # an f and not a p
    landmarks_at(rig, pose(face, jaw_open=0.4))
    assert to_teeth(rig.skin, rig.skin_state()) > 4.0


def test_skin_of_the_lower_lip_holds_none_of_the_upper_one() -> None:
    rig = Rig(load_face("morpheus33"))
    mine = lower_lip(rig.skin)
    before = rig.skin.deform(rig.skin_state())["skin"][mine]
    landmarks_at(rig, pose(rig.face, lip_upper=1.0))
    raised = (rig.skin.deform(rig.skin_state())["skin"][mine] - before)[:, 1]
    assert mine.sum() > 50
    assert raised.max() < 3.0  # the upper lip goes 5 mm and more
