from pathlib import Path

import numpy as np
import pytest

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.emotion import blend, mix
from mien.models.face.regions import BROW_LEFT, BROW_RIGHT, LID_GAPS, LIP_GAPS, gaps
from mien.robot.clip import still
from mien.robot.expression.posture import posture
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.face.solver import FaceSolver
from mien.robot.verbs.emotions import sheet


@pytest.fixture(scope="module")
def calibrated() -> Calibrated:
    return Calibrated(load_face("morpheus33"))


def test_poses_stay_within_the_face_and_hold_the_head(calibrated: Calibrated) -> None:
    mixes = np.stack([mix({n: 1.0}) for n in ("neutral", "sadness", "surprise")])
    commands = FaceSolver(calibrated).still(blend(mixes), posture(mixes))
    low, high = calibrated.face.limits.T
    assert np.all(commands >= low - 1e-9)
    assert np.all(commands <= high + 1e-9)
    pitch = commands[:, calibrated.face.index("neck_pitch")]
    assert pitch[1] < pitch[0] < pitch[2]
    jaw = commands[:, calibrated.face.index("jaw_open")]
    assert jaw[2] > jaw[0] + 0.3


@pytest.mark.parametrize("build", [0, 5])
def test_a_robot_shows_weak_surprise_weakly_and_its_mouth_last(
    calibrated: Calibrated, build: int
) -> None:
    mixes = np.stack([mix({"surprise": i}) for i in (0.0, 0.35, 0.7, 1.0)])
    commands = FaceSolver(calibrated).still(blend(mixes), np.zeros((4, 3)))
    seen = still.hold(calibrated, commands, lambda rig: rig.landmarks(), build)
    brows = np.array([x[list(BROW_LEFT + BROW_RIGHT), 1].mean() for x in seen])
    lips = np.array([gaps(x, LIP_GAPS).mean() for x in seen])
    for moved, weak, middle in ((brows, 0.35, 0.85), (lips, 0.2, 0.7)):
        share = (moved - moved[0]) / (moved[-1] - moved[0])
        assert 0.0 <= share[1] < weak
        assert share[1] + 0.2 < share[2] < middle


def test_the_lips_of_an_f_meet_the_teeth_and_wrinkle_no_nose(calibrated: Calibrated) -> None:
    weights = np.zeros((2, len(ARKIT)))
    weights[0, INDEX["mouthRollLower"]] = 0.6
    weights[1, [INDEX["mouthUpperUpLeft"], INDEX["mouthUpperUpRight"]]] = 0.8
    bite, sneer = FaceSolver(calibrated).still(weights, np.zeros((2, 3)))
    names = calibrated.face.names
    nose = [k for k, name in enumerate(names) if name.startswith("nose")]
    lip = names.index("lip_upper_left")
    assert bite[lip] > 0.5
    assert bite[nose].max() < 0.2 < sneer[nose].min()


def test_held_poses_are_reached_and_left(calibrated: Calibrated) -> None:
    face = calibrated.face
    commands = np.zeros((2, len(face.names)))
    commands[1, face.index("jaw_open")] = 0.8
    shut, opened = still.hold(calibrated, commands, lambda rig: rig.landmarks())
    assert opened[152, 1] < shut[152, 1] - 8.0  # the chin went down
    assert np.abs(opened[[33, 263]] - shut[[33, 263]]).max() < 1.5  # the eyes did not


def test_a_sheet_is_a_picture_of_all_pictures(tmp_path: Path) -> None:
    from matplotlib.image import imread

    pictures = [np.full((60, 60, 3), 40 * k, np.uint8) for k in range(6)]
    sheet(tmp_path / "sheet.png", pictures, ["a", "b", "c"], ["0.5", "1"])
    image = imread(tmp_path / "sheet.png")
    assert image.shape[:2] == (40 + 120, 60 + 180)
    for k in range(6):
        row, column = divmod(k, 3)
        middle = image[40 + 60 * row + 30, 60 + 60 * column + 30, :3]
        np.testing.assert_allclose(middle * 255, 40 * k, atol=2)


@pytest.mark.parametrize("build", [1, 3])
def test_eyes_shut_on_robots_whose_sides_differ(calibrated: Calibrated, build: int) -> None:
    """Of a robot's true lids: the upper ones alone leave one eye open by .29 and .19 here."""
    weights = np.zeros((2, len(ARKIT)))
    weights[1, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]] = 1.0
    commands = FaceSolver(calibrated).still(weights, np.zeros((2, 3)))
    lids = still.hold(calibrated, commands, lambda rig: gaps(rig.landmarks(), LID_GAPS), build)
    opened, shut = np.reshape(lids, (2, 2, -1)).mean(-1)
    assert (shut < 0.17 * opened).all()
