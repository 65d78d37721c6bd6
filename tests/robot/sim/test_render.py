"""Pictures of the head: what is where, in which colour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.robot.errors import DeviceError
from mien.robot.sim.folds import Creases
from mien.robot.sim.head import Head, load_head
from mien.robot.sim.render import CameraView, Light, Renderer
from mien.robot.sim.skin import Skin, SkinState
from mien.robot.sim.surfaces import sources
from tests.lacking import skip
from tests.robot.sim.skins import jaw_open, nodes

pytestmark = pytest.mark.gl

WIDTH, HEIGHT = 320, 240


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


@pytest.fixture(scope="module")
def renderer(head: Head) -> Iterator[Renderer]:
    try:
        with Renderer(head, WIDTH, HEIGHT) as renderer:
            yield renderer
    except DeviceError as error:
        skip(error)


@pytest.fixture(scope="module")
def skin(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Skin:
    return Skin(head, nodes(head), cache=tmp_path_factory.mktemp("cache"))


def seen(picture: NDArray[np.uint8], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean colour (3,) of a few pixels around a point of the head, for the default camera."""
    column, row = np.round(CameraView().project(point, WIDTH, HEIGHT) - 0.5).astype(int)
    return np.asarray(picture[row - 1 : row + 2, column - 1 : column + 2].mean(axis=(0, 1)))


def test_picture_has_the_size_asked_for(renderer: Renderer) -> None:
    picture = renderer.render()
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.uint8


def test_face_fills_three_fifths_of_the_height() -> None:
    hairline, chin = CameraView().project([(0.0, 85.0, 10.0), (0.0, -122.0, 20.0)], WIDTH, HEIGHT)
    assert 0.5 < (chin[1] - hairline[1]) / HEIGHT < 0.7


def test_left_of_the_face_is_right_in_the_picture(head: Head) -> None:
    left, right = CameraView().project(head.neutral_landmarks[[263, 33]], WIDTH, HEIGHT)
    assert left[0] > right[0]


def test_same_state_same_picture(renderer: Renderer, skin: Skin) -> None:
    first = renderer.render()
    renderer.render(skin.deform(jaw_open(skin, 20.0)), light=Light(level=0.3))
    np.testing.assert_array_equal(renderer.render(), first)


def test_colours_are_those_of_a_face(renderer: Renderer, head: Head) -> None:
    picture, points = renderer.render(), head.neutral_landmarks
    cheek, brow = seen(picture, points[280]), seen(picture, points[334] - (0, 1.5, 0))
    lip, pupil = seen(picture, points[17] + (0, 4, 0)), seen(picture, points[473])
    backdrop = picture[5:15, 5:15].mean(axis=(0, 1))
    assert cheek[0] > cheek[1] > cheek[2]
    assert brow.mean() < 0.65 * cheek.mean()
    assert lip[0] / lip[1] > cheek[0] / cheek[1]
    assert pupil.mean() < 0.75 * cheek.mean()
    assert np.ptp(backdrop) < 12


def test_open_mouth_is_dark_inside(renderer: Renderer, skin: Skin) -> None:
    opened = jaw_open(skin, 22.0)
    points = skin.landmarks(opened)
    hole = points[13] + (points[14] - points[13]) * 0.35
    picture = renderer.render(skin.deform(opened))
    assert seen(picture, hole).mean() < 0.4 * seen(picture, points[280]).mean()


def test_closed_lids_hide_the_eye(renderer: Renderer, head: Head, skin: Skin) -> None:
    state = SkinState.neutral(len(skin.nodes))
    state.lids[:] = 0.45, 0.45, 0.07, 0.07
    open_eye, closed = renderer.render(), renderer.render(skin.deform(state))
    pupil = head.neutral_landmarks[473]
    assert seen(closed, pupil).mean() > 1.3 * seen(open_eye, pupil).mean()


def test_head_pose_and_camera_are_opposite_motions(renderer: Renderer) -> None:
    """Turning the head left looks like walking round it to the right: same outline, other light."""
    angle = np.radians(25.0)
    turn = np.eye(4)
    turn[:3, :3] = [
        [np.cos(angle), 0, np.sin(angle)],
        [0, 1, 0],
        [-np.sin(angle), 0, np.cos(angle)],
    ]
    base = CameraView(target=(0.0, 0.0, 0.0), position=(0.0, 0.0, 960.0))
    walked = CameraView(
        target=(0.0, 0.0, 0.0), position=(-960.0 * np.sin(angle), 0.0, 960.0 * np.cos(angle))
    )
    flat = Light(
        key_color=(0, 0, 0),
        fill_color=(0, 0, 0),
        rim_color=(0, 0, 0),
        sky=(1, 1, 1),
        ground=(1, 1, 1),
    )
    turned = renderer.render(head=turn, camera=base, light=flat).astype(int)
    around = renderer.render(camera=walked, light=flat).astype(int)
    assert np.abs(turned - around).mean() < 1.0
    assert np.abs(turned - renderer.render(camera=base, light=flat).astype(int)).mean() > 5.0


def test_light_level_scales_the_face(renderer: Renderer, head: Head) -> None:
    point = head.neutral_landmarks[280]
    dim, bright = (
        seen(renderer.render(light=Light(level=level)), point).mean() for level in (0.4, 1.0)
    )
    assert 0.5 < dim / bright < 0.75  # sRGB is about the square root of the light


def test_normals_are_unit_and_point_out(renderer: Renderer, head: Head) -> None:
    vertices = np.concatenate([part.vertices for part in head.parts.values()])
    normals = renderer.normals(vertices)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-4)
    nose = int(vertices[:, 2].argmax())
    assert normals[nose, 2] > 0.8


def test_two_renderers_live_side_by_side(renderer: Renderer, head: Head) -> None:
    first = renderer.render()
    with Renderer(head, 64, 48) as other:
        assert other.render().shape == (48, 64, 3)
        np.testing.assert_array_equal(renderer.render(), first)
        assert other.render().mean() == pytest.approx(first.mean(), abs=6.0)
    np.testing.assert_array_equal(renderer.render(), first)


def test_teeth_are_darker_between_lips_that_are_nearly_shut(renderer: Renderer, head: Head) -> None:
    """With all skin but the inner lips taken away, to see the teeth alone."""
    rest = head.parts["skin"].vertices
    teeth = head.parts["teeth_upper"].vertices
    spot = teeth[(teeth[:, 2] > 19) & (np.abs(teeth[:, 0]) < 4) & (teeth[:, 1] < -62)].mean(axis=0)
    shades = []
    for gap in (3.0, 16.0):
        vertices = np.full_like(rest, -5000.0)
        for landmark in (13, 14):
            corners = head.landmark_triangle[landmark]
            vertices[corners] = rest[corners] - (0, gap * (landmark == 14), 0)
        shades.append(seen(renderer.render({"skin": vertices}), spot.astype(np.float64)).mean())
    assert shades[0] < 0.9 * shades[1]


def test_what_a_part_of_the_skin_leaves_out_is_not_seen(
    renderer: Renderer, head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.robot.sim.render.sources", lambda name, *_: sources(name))
    skin = head.parts["skin"].vertices
    squeezed = skin * (0.8, 1.0, 1.0)  # folds that run upwards are deep
    with Renderer(head, WIDTH, HEIGHT) as whole:
        for shape in (skin, squeezed):
            for view in (CameraView(), CameraView(position=(600.0, 200.0, -500.0))):
                parts = {"skin": shape}
                one, all_of_it = (r.render(parts, camera=view) for r in (renderer, whole))
                assert np.abs(one.astype(int) - all_of_it).max() <= 1
    assert Creases(head).depth(squeezed).max() > 0.5


def test_unknown_part_is_an_error(renderer: Renderer) -> None:
    with pytest.raises(KeyError):
        renderer.render({"antenna": np.zeros((3, 3), np.float32)})


def test_no_opengl_is_a_device_error_with_the_fix(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise Exception("libEGL.so not found")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(DeviceError, match="libEGL") as caught:
        Renderer(head, 64, 48)
    assert "apt-get install" in caught.value.hint


def test_shaders_ship_with_the_package() -> None:
    import mien.robot.sim.render as module

    assert len(list((Path(module.__file__).parent / "shaders").glob("*.glsl"))) == 8
