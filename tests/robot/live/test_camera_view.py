import numpy as np
import pytest

from mien.robot.errors import InputError
from mien.robot.expression.attention import Person
from mien.robot.live.camera_view import CameraView, named, parse_view, places

SIZE = (480, 640)
FOCAL = 240 / np.tan(np.radians(43.0) / 2)


def face(left_mm: float, up_mm: float, ahead_mm: float, turned: float = 1.0) -> np.ndarray:
    """Landmarks in pixels of a face at a place before the camera; ``turned`` narrows its eyes."""
    points = np.full((478, 3), np.nan)
    spots = {(362, 263): (31.5 * turned, 21.7), (33, 133): (-31.5 * turned, 21.7)}
    spots[61, 291] = (0.0, -43.3)
    for pair, (x, y) in spots.items():
        at = np.array([left_mm + x, up_mm + y]) / ahead_mm * FOCAL
        points[list(pair)] = (320 - at[0], 240 - at[1], 0.0)
    return points


def test_a_face_ahead_is_ahead_at_its_distance() -> None:
    np.testing.assert_allclose(
        places([face(0, 0, 1000)], SIZE, CameraView()), [[0, 0, 1.0]], atol=0.02
    )


def test_the_left_of_the_picture_is_the_robots_left() -> None:
    ((yaw, pitch, distance),) = places([face(500, 200, 1000)], SIZE, CameraView())
    assert yaw == pytest.approx(26.6, abs=0.3)
    assert pitch == pytest.approx(10.1, abs=0.3)
    assert distance == pytest.approx(1.14, abs=0.03)
    ((mirrored, *_),) = places([face(500, 200, 1000)], SIZE, CameraView(mirrored=True))
    assert mirrored == pytest.approx(-yaw)


def test_a_face_in_profile_is_no_further_away() -> None:
    ahead, profile = places([face(0, 0, 1000), face(0, 0, 1000, 0.2)], SIZE, CameraView())[:, 2]
    assert profile == pytest.approx(ahead, rel=0.05)


def test_a_camera_that_stands_and_looks_elsewhere_is_corrected() -> None:
    turned = places([face(0, 0, 1000)], SIZE, CameraView(yaw=15.0, pitch=-20.0))[0]
    np.testing.assert_allclose(turned[:2], [15.0, -20.0], atol=0.5)
    above = places([face(0, 0, 1000)], SIZE, CameraView(up=200.0))[0]
    assert above[1] == pytest.approx(11.3, abs=0.3)
    near, far = (places([face(0, 0, d)], SIZE, CameraView(left=200.0))[0, 0] for d in (500, 3000))
    assert near > 4 * far > 0


def test_a_face_keeps_its_name_while_it_moves_and_a_new_one_gets_its_own() -> None:
    first, free = named(np.array([[10.0, 0, 1.0], [-30.0, 0, 2.0]]), (), 5)
    assert [p.name for p in first] == [5, 6]
    moved, free = named(np.array([[-28.0, 1, 2.0], [14.0, 0, 1.0], [60.0, 0, 3.0]]), first, free)
    assert {p.name: p.yaw for p in moved} == {5: 14.0, 6: -28.0, 7: 60.0}
    assert named(np.zeros((0, 3)), moved, free) == ((), 8)


def test_two_faces_never_share_a_name() -> None:
    seen, free = named(np.array([[0.0, 0, 1.0], [1.0, 0, 1.1]]), (Person(0, 0.4, 0.0),), 1)
    assert len({p.name for p in seen}) == 2
    assert free == 2


def test_the_view_is_parsed() -> None:
    assert parse_view("") == CameraView()
    assert parse_view("pitch=-10, up=150,mirrored") == CameraView(
        pitch=-10.0, up=150.0, mirrored=True
    )


@pytest.mark.parametrize(
    "text", ["yaw", "yaw=", "yaw=a", "yaw=nan", "yaw=91", "fov=0", "up=1e9", "roll=3", "mirrored=1"]
)
def test_a_view_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--camera-view"):
        parse_view(text)
