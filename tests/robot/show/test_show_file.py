"""A show that is wrong is refused with the line of every fault."""

from pathlib import Path

import pytest

from mien.models.face.blendshapes import INDEX
from mien.models.face.curves import CURVES
from mien.robot.errors import InputError
from mien.robot.show.poses import POSES
from mien.robot.show.show_file import read_show


def _show(folder: Path, text: str) -> Path:
    path = folder / "show.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("- 1\n", "is a list"),
        ("sound: a.wav\nsubtitle: her\n", "line 2: subtitle"),
        ("sound: a.wav\ntext: hello\n", "not both"),
        ("seed: 3\n", "give either sound or text"),
        ("sound: a.wav\nseed: -1\n", "line 2: seed"),
        ("sound: a.wav\nhead_gain: 2.5\n", "line 2: head_gain"),
        ("sound: a.wav\nkeyframes:\n  - {at: 1.0}\n", "line 3: keyframes.0: give pose, shapes"),
        ("sound: a.wav\nkeyframes:\n  - {at: 1, pose: look_upp}\n", "line 3: no pose 'look_upp'"),
        ("sound: a.wav\nkeyframes:\n  - {at: .nan, pose: smile}\n", "line 3: keyframes.0.at"),
        ("sound: a.wav\nkeyframes:\n  - {at: true, pose: smile}\n", "line 3: keyframes.0.at"),
        ("sound: a.wav\nkeyframes:\n  - at: 1\n    shapes:\n      jawopen: 0.5\n",
         "'jawopen' is not an ARKit blendshape: jawOpen?"),
        ("sound: a.wav\nkeyframes:\n  - {at: 1, head: {yaw: 99}}\n", "line 3: keyframes.0.head"),
        ("sound: a.wav\nkeyframes:\n - {at: 1, pose: smile, hold: 1}\n"
         " - {at: 1.5, shapes: {mouthSmileLeft: 0.1}}\n", "line 4: the keyframe at 1.5 s holds"),
        ("sound: a.wav\nemotions:\n  - {start: 2, end: 1, emotion: happy}\n", "line 3"),
        ("sound: a.wav\nemotions:\n  - {start: 0, end: 1, emotion: hungry}\n", "'hungry' is not"),
        ("sound: a.wav\nregenerate: 14.5-12.0 upper\n", "line 2"),
        ("sound: a.wav\nregenerate: soon\n", "write START-END REGION"),
        ("sound: a.wav\nregenerate: [1-2 upper, 2-3 elbow]\n", "line 2: regenerate.1.region"),
        ("sound: a.wav\nsound: b.wav\n", "line 2"),
        ("sound: [\n", "not valid YAML: line 2"),
        ("version: 2\nsound: a.wav\n", "line 1: version"),
    ],
)  # fmt: skip
def test_a_wrong_show_is_refused_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as found:
        read_show(_show(tmp_path, text))
    assert told in found.value.message
    assert found.value.hint


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = "sound: a.wav\nseed: x\nkeyframes:\n  - {at: -1, pose: smile}\nregenerate: 2-1\n"
    with pytest.raises(InputError) as found:
        read_show(_show(tmp_path, text))
    assert [line.split(":")[0].strip() for line in found.value.message.splitlines()[1:]] == [
        "line 2", "line 4", "line 5",
    ]  # fmt: skip


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError, match="cannot read the show"):
            read_show(path)


def test_poses_of_the_show_come_first_and_shapes_add_to_them(tmp_path: Path) -> None:
    file = read_show(_show(tmp_path, (
        "text: Hello.\nposes:\n  smile: {shapes: {jawOpen: 0.4}, head: {roll: 10}}\nkeyframes:\n"
        "  - {at: 1, pose: smile, shapes: {browInnerUp: 0.6}, strength: 0.5}\n"
        "  - {at: 2, pose: happiness}\n"
    )))  # fmt: skip
    first, second = file.poses
    named = {CURVES[k]: v for k, v in first.values.items()}
    assert named["jawOpen"] == pytest.approx(0.2)
    assert named["browInnerUp"] == pytest.approx(0.3)
    assert named["HeadRoll"] == pytest.approx(0.0873, abs=1e-4)
    assert named["browDownLeft"] == 0.0  # it would pull against the raised brow
    assert second.values[INDEX["mouthSmileLeft"]] > 0.5


def test_every_named_pose_holds_shapes_and_angles_that_exist() -> None:
    for shapes, turn in POSES.values():
        assert set(shapes) <= set(INDEX)
        assert set(turn) <= {0, 1, 2}
        assert all(0.0 <= v <= 1.0 for v in shapes.values())
