"""An actuator that is not built in keeps its place, and nothing moves it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from mien.calibration.plan.check_poses import check_poses
from mien.calibration.plan.excitation import make_plan
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import FACES, FaceConfig, load_face
from mien.robot.face.solver import FaceSolver
from mien.robot.link.upload import upload_of
from mien.robot.sim.design.face_checks import face_notes
from mien.robot.verbs.manual import pose_with

GONE = ("brow_mid_left", "cheek_left", "tongue_out", "neck_roll")


def written(folder: Path, **more: object) -> Path:
    tree = yaml.safe_load((FACES / "morpheus33.yaml").read_text())
    for name in GONE:
        tree["actuators"][name] |= {"absent": True, **more}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


@pytest.fixture
def face(tmp_path: Path) -> FaceConfig:
    return load_face(written(tmp_path))


def test_no_plan_and_no_check_moves_it(face: FaceConfig) -> None:
    at = [face.index(name) for name in GONE]
    moved = np.abs(make_plan(face, 400).goals).max(0)
    assert not moved[at].any()
    assert np.delete(moved, at).all()
    checked = np.abs(check_poses(face, 20)).max(0)
    assert not checked[at].any()
    assert np.delete(checked, at).all()


def test_the_inverse_of_an_earlier_calibration_leaves_it_alone(face: FaceConfig) -> None:
    solver = FaceSolver(Calibrated(face))
    commands = solver.still(np.eye(52), np.ones((52, 3)))
    assert not commands[:, [face.index(name) for name in GONE]].any()
    assert np.abs(commands).max() > 0.5


def test_the_board_holds_it_at_neutral_and_winds_no_tendon_in(face: FaceConfig) -> None:
    for name in GONE:
        channel = upload_of(face).channels[face.index(name)]
        assert channel.min == channel.max == channel.safe
        assert not channel.slack


def test_nobody_is_asked_for_it(face: FaceConfig) -> None:
    assert {"tongue_out", "neck_roll"} <= set(face.vacant)
    assert face.idle == ()
    assert face.hash == load_face("morpheus33").hash
    notes = face_notes(face)
    assert [note.split(".")[1] for note in notes if ".absent: " in note] == [
        name for name in face.names if name in GONE
    ]
    with pytest.raises(InputError, match="brow_mid_left is absent: true in the YAML"):
        pose_with(face, "brow_mid_left", 0.5)


def test_one_that_is_to_stand_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"safe: is 0.2, an absent actuator stays at 0"):
        load_face(written(tmp_path, safe=0.2))
