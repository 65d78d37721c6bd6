"""What is read back from the rig is what was asked, within what the face can reach."""

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.models.face.curves import CURVES
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from tests.bench.robot.manner_rig import RigReader


@pytest.fixture(scope="module")
def reader() -> RigReader:
    pytest.importorskip("mujoco")
    return RigReader(Calibrated(load_face("morpheus33")))


def test_a_pose_is_read_back_from_the_skin(reader: RigReader) -> None:
    curves = np.zeros((40, len(CURVES)), np.float32)
    curves[:, INDEX["browInnerUp"]] = 0.6
    curves[:, INDEX["eyeBlinkLeft"]] = 0.6
    curves[20:, CURVES.index("HeadYaw")] = 0.15
    shown = reader.play(curves)
    read = reader.read(shown)[-1]
    assert read[INDEX["browInnerUp"]] == pytest.approx(0.6, abs=0.15)
    assert read[INDEX["eyeBlinkLeft"]] == pytest.approx(0.6, abs=0.2)
    assert read[INDEX["eyeBlinkRight"]] < 0.2
    assert read[INDEX["jawOpen"]] < 0.1
    assert shown.head[10, 0] == pytest.approx(0.0, abs=0.01)
    assert shown.head[-1, 0] == pytest.approx(0.15, abs=0.04)


def test_rest_is_read_back_as_nothing(reader: RigReader) -> None:
    read = reader.read(reader.play(np.zeros((5, len(CURVES)), np.float32)))
    assert np.abs(read).max() < 0.1
