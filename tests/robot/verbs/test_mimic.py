from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.models.face.blendshapes import INDEX
from mien.models.vision.face_tracker import Tracked
from mien.robot.errors import DeviceError
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.media.webcam import Webcam
from mien.robot.puppet.datagrams import CapturedFace
from mien.robot.verbs.mimic import CameraInlet, angles_of
from tests.paths import DATA

NOBODY = Tracked(
    0, np.full((478, 3), np.nan), np.full((478, 3), np.nan), {}, np.full((4, 4), np.nan), np.nan, 0
)


def look(t: float, yaw: float = 0.0, **scores: float) -> Tracked:
    """Somebody who turns the head by ``yaw`` rad to their left."""
    head = np.eye(4)
    head[:3, :3] = Rotation.from_euler("y", yaw).as_matrix()
    points = np.zeros((478, 3))
    return Tracked(1, points, points, {"_neutral": 0.1, **scores}, head, 1.0, t)


def watch(looks: list[Tracked], mirrored: bool = False) -> list[CapturedFace | None]:
    at = [0]
    inlet = CameraInlet(lambda: looks[at[0]], mirrored)
    out = []
    for k in range(len(looks)):
        at[0] = k
        out.append(inlet.poll(looks[k].time))
    return out


def test_a_turn_to_the_left_looks_along_plus_x() -> None:
    forward = look(0.0, yaw=0.5).head[:3, :3] @ [0.0, 0.0, 1.0]
    assert forward[0] > 0.4  # the face's own left
    np.testing.assert_allclose(angles_of(look(0.0, yaw=0.5).head), [0.5, 0.0, 0.0], atol=1e-9)
    up = np.eye(4)
    up[:3, :3] = Rotation.from_euler("x", -0.3).as_matrix()
    assert (up[:3, :3] @ [0.0, 0.0, 1.0])[1] > 0.2
    np.testing.assert_allclose(angles_of(up), [0.0, 0.3, 0.0], atol=1e-9)


def test_how_a_face_is_built_is_not_what_it_does() -> None:
    rest = [look(k / 30, 0.1, browDownLeft=0.4, jawOpen=0.02) for k in range(31)]
    moved = look(2.0, 0.4, browDownLeft=0.4, jawOpen=0.51)
    *_, still, end = watch([*rest, moved])
    assert still is not None
    assert still.weights.max() < 1e-6
    assert end is not None
    assert end.weights[INDEX["browDownLeft"]] < 1e-6
    assert end.weights[INDEX["jawOpen"]] == pytest.approx(0.5, abs=0.01)
    assert end.rotations[ROTATIONS.index("HeadYaw")] == pytest.approx(0.3, abs=1e-6)


def test_a_mirror_exchanges_the_sides() -> None:
    moved = look(2.0, 0.3, eyeBlinkLeft=1.0)
    end = watch([look(0.0), moved], mirrored=True)[-1]
    assert end is not None
    assert end.weights[INDEX["eyeBlinkRight"]] == 1.0
    assert end.weights[INDEX["eyeBlinkLeft"]] == 0.0
    assert end.rotations[ROTATIONS.index("HeadYaw")] == pytest.approx(-0.3)


def test_a_face_that_left_lets_go() -> None:
    end = watch([look(0.0), replace(NOBODY, time=1.0)])[-1]
    assert end is not None
    assert not end.tracked


def test_no_camera_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no camera"):
        Webcam("97")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video")
    with pytest.raises(DeviceError, match="no picture"), Webcam(str(broken)):
        pass


@pytest.mark.data
@pytest.mark.skipif(
    not (DATA / "mediapipe").is_dir(), reason="the corpora are not here: set MIEN_DATA"
)
def test_a_person_in_a_video_is_seen(tmp_path: Path) -> None:
    import imageio_ffmpeg
    from matplotlib.image import imread

    picture = imread(DATA / "mediapipe" / "portrait.jpg")
    height, width = (s - s % 16 for s in picture.shape[:2])
    film = tmp_path / "person.mp4"
    writer = imageio_ffmpeg.write_frames(str(film), (width, height), fps=10)
    writer.send(None)
    for _ in range(30):
        writer.send(np.ascontiguousarray(picture[:height, :width]))
    writer.close()
    with Webcam(str(film)) as eye:
        seen = CameraInlet(eye.newest).poll(0.0)
    assert seen is not None
    assert seen.tracked
