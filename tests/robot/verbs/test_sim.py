"""``mien sim``: what may be asked, presets and their programme, and the film."""

import subprocess
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from mien.models.face.blendshapes import ARKIT
from mien.models.face.emotion import EMOTIONS
from mien.robot.errors import DeviceError, InputError
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.face.safety import Limiter
from mien.robot.sim.rig import Rig
from mien.robot.verbs.sim import own, sim
from mien.robot.viewer.presets import Presets
from mien.robot.viewer.programme import Programme, timed, whole
from mien.robot.viewer.programme_film import check, shoot

FACE = load_face("morpheus33")
N = len(FACE.names)


def test_exactly_one_of_view_and_render(tmp_path: Path) -> None:
    for view, render in ((False, None), (True, tmp_path / "a.mp4")):
        with pytest.raises(InputError, match=r"--view.*--render"):
            sim(view, render)


def test_bad_options_are_said_before_anything_moves(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mp4"):
        check(tmp_path / "film.gif")
    with pytest.raises(InputError, match="no folder"):
        check(tmp_path / "missing" / "film.mp4")
    with pytest.raises(InputError, match="no kind"):
        sim(render=tmp_path / "a.mp4", fault=["tired:jaw_open"])
    with pytest.raises(DeviceError, match="needs a token") as caught:
        sim(view=True, host="0.0.0.0")
    assert caught.value.hint.startswith("--token")
    assert list(tmp_path.iterdir()) == []


def test_hints_name_the_options_of_this_verb() -> None:
    said = own("another --panel-port (0 finds one), --panel-host 127.0.0.1, --panel-token X")
    assert said == "another --port-number (0 finds one), --host 127.0.0.1, --token X"


@pytest.mark.parametrize("name", ["morpheus33", "hobby9"])
def test_the_programme_moves_every_actuator_to_its_ends_and_stays_inside(name: str) -> None:
    face = load_face(name)
    programme = whole(face, Presets(Calibrated(face)))
    t = np.arange(0.0, programme.seconds, 1 / 60)
    poses = np.array([programme.commands(x) for x in t])
    low, high = face.limits.T
    assert (poses >= low - 1e-9).all()
    assert (poses <= high + 1e-9).all()
    np.testing.assert_allclose(poses.max(0), high, atol=1e-3)
    np.testing.assert_allclose(poses.min(0), low, atol=1e-3)
    limit = Limiter(face)
    for before, after in pairwise(poses):
        assert not limit(after, before, 1 / 60).slowed.any()
    labels = {s.label for s in programme.stations}
    assert set(EMOTIONS[1:]) < labels
    np.testing.assert_array_equal(programme.commands(programme.seconds + 1.0), 0.0)


@pytest.mark.parametrize("name", ["morpheus33", "hobby9"])
def test_presets_are_poses_of_this_face(name: str) -> None:
    face = load_face(name)
    presets = Presets(Calibrated(face))
    assert len(presets.names) == len(EMOTIONS) + len(ARKIT)
    for preset in ("happiness", "jawOpen", "mouthClose", "eyeBlinkLeft"):
        pose = presets.pose(preset)
        assert pose.shape == (len(face.names),)
        assert (pose >= face.limits[:, 0] - 1e-9).all()
        assert (pose <= face.limits[:, 1] + 1e-9).all()
        assert np.abs(pose).max() > 0.2
    jaw = face.index("jaw_open")
    assert presets.pose("jawOpen")[jaw] > presets.pose("jawOpen", 0.4)[jaw] > 0.05
    with pytest.raises(ValueError, match="smirk"):
        presets.pose("smirk")


@pytest.mark.gl
def test_a_short_programme_is_a_film_that_plays(tmp_path: Path) -> None:
    pose = np.zeros(N)
    pose[FACE.index("jaw_open")] = 1.0
    programme = Programme(FACE, timed(FACE, [("jaw_open", pose, 0.2), ("rest", 0 * pose, 0.0)]))
    count = shoot(FACE, Rig(FACE), programme, tmp_path / "a.mp4", 128)
    raw = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "a.mp4"),
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
        ],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, 128, 128, 3).astype(int)
    assert len(pictures) == count > 20
    assert abs(count - 30 * programme.seconds) <= 2
    mouth = [p[70:110, 44:84] for p in pictures]
    moved = [np.abs(m - mouth[0]).mean() for m in mouth]
    assert max(moved) > 4.0 * moved[1] + 2.0
