import pytest

from mien.robot.errors import ConfigError
from mien.robot.face.config import load_face
from mien.robot.pose import Pose

FACE = load_face("hobby9")


def test_a_pose_is_neutral_where_nothing_is_said() -> None:
    pose = Pose.of(FACE, {"jaw_open": 0.5})
    assert pose["jaw_open"] == 0.5
    assert sum(map(abs, pose.array)) == 0.5
    assert tuple(pose) == FACE.names


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="ear"):
        Pose.of(FACE, {"ear": 1.0})
    with pytest.raises(KeyError):
        Pose.of(FACE)["ear"]
