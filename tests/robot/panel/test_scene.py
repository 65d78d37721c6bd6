"""The bytes that a page draws: read again by their layout, they are the head that was meant."""

import zlib
from typing import Any

import numpy as np
import pytest

from mien.robot.face.config import load_face
from mien.robot.panel.scene import Cloud, Scene, script
from mien.robot.panel.scene_arrays import STEP_MM
from mien.robot.sim.folds import Creases, drawing
from mien.robot.sim.rig import Rig
from mien.robot.sim.skin import Skin, SkinState
from tests.robot.panel.scenes import read_frame, read_scene

CLOUDS = (
    Cloud("wanted", 478, 1.6, 1.0, (255, 120, 40), shown=False),
    Cloud("loads", 3, 4.5),
)


@pytest.fixture(scope="module")
def skin() -> Skin:
    return Rig(load_face("morpheus33")).skin


@pytest.fixture(scope="module")
def scene(skin: Skin) -> Scene:
    return Scene(skin, CLOUDS)


@pytest.fixture(scope="module")
def told(scene: Scene) -> dict[str, Any]:
    return read_scene(scene.message)


def random_state(skin: Skin, seed: int) -> SkinState:
    """Further than any servo goes, in every direction at once."""
    rng = np.random.default_rng(seed)
    state = SkinState.neutral(len(skin.nodes))
    state.nodes[:] = rng.uniform(-12, 12, state.nodes.shape)
    state.lids[:] = rng.uniform(-0.4, 0.9, 4)
    state.gaze[:] = rng.uniform(-0.5, 0.5, (2, 2))
    angle = rng.uniform(0, 0.4)
    state.jaw[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    state.jaw[:3, 3] = rng.uniform(-5, 5, 3)
    state.tongue[:] = rng.uniform(-8, 8, 3)
    state.head[:3, 3] = rng.uniform(-9, 9, 3)
    return state


def test_a_scene_has_every_part_as_the_head_has_it(skin: Skin, told: dict[str, Any]) -> None:
    parts = {p["name"]: p for p in told["parts"]}
    for name, part in skin.head.parts.items():
        np.testing.assert_allclose(parts[name]["rest"], part.vertices, atol=0.51 * STEP_MM)
        np.testing.assert_allclose(parts[name]["albedo"] / 255, part.colors, atol=0.003)
        corners = {tuple(t) for t in parts[name]["corners"].tolist()}
        assert corners == {tuple(t) for t in part.triangles.tolist()}
    np.testing.assert_array_equal(told["image"], skin.head.paint.image)
    np.testing.assert_array_equal(told["fold drawing"], drawing(skin.head))
    np.testing.assert_array_equal(told["fold rows"], Creases(skin.head).vertices)
    scalp, face = parts["scalp"], parts["skin"]
    finer = 4 * (face["triangles"] - face["drawn"])  # in place of what is left out
    a, b, c = np.moveaxis(scalp["rest"][scalp["corners"]], 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    assert np.median(area[:finer]) > 1.0
    assert area[finer:].max() < 0.1
    border = edges(scalp["corners"][:finer], 1)
    assert len(border) > 100
    assert border == edges(scalp["corners"][finer:], 2) & border  # slivers close the seam
    np.testing.assert_allclose(np.linalg.norm(scalp["normal"], axis=1), 1.0, atol=1e-3)
    assert told["clouds"][0]["color"] == [255, 120, 40]


def test_a_frame_has_the_depth_of_the_folds(skin: Skin, scene: Scene, told: dict[str, Any]) -> None:
    rest = SkinState.neutral(len(skin.nodes))
    assert not read_frame(scene.frame(rest), told)["folds"].any()
    state = random_state(skin, 3)
    sent = read_frame(scene.frame(state), told)["folds"]
    depth = Creases(skin.head).depth(skin.deform(state)["skin"])
    assert sent.max() > 200
    np.testing.assert_allclose(sent / 255, depth, atol=0.003)


def edges(corners: np.ndarray, uses: int) -> set[tuple[int, int]]:
    """Edges that so many of the triangles (T, 3) have."""
    every = np.sort(np.concatenate([corners[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
    found, counts = np.unique(every, axis=0, return_counts=True)
    return {(int(a), int(b)) for a, b in found[counts == uses]}


@pytest.mark.parametrize("seed", range(8))
def test_a_frame_moves_every_vertex_where_the_rig_has_it(
    skin: Skin, scene: Scene, told: dict[str, Any], seed: int
) -> None:
    state = random_state(skin, seed)
    frame = read_frame(scene.frame(state), told)
    np.testing.assert_allclose(frame["head"], state.head[:3], atol=1e-4)
    for name, vertices in skin.deform(state).items():
        part = next(p for p in told["parts"] if p["name"] == name)
        shown = part["rest"].copy()
        if part["rigid"]:
            shown = shown @ frame[name][:, :3].T + frame[name][:, 3]
        else:
            shown[part["moving"]] = frame[name]
        np.testing.assert_allclose(shown, vertices, atol=1.5 * STEP_MM, err_msg=name)


def test_points_and_their_colours_come_through(scene: Scene, told: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    wanted = rng.uniform(-300, 300, (478, 3))
    colors = rng.integers(0, 256, (3, 3)).astype(np.uint8)
    message = scene.frame(None, {"wanted": wanted, "loads": wanted[:3]}, {"loads": colors})
    frame = read_frame(message, told)
    np.testing.assert_allclose(frame["wanted"], wanted, atol=0.51 * STEP_MM)
    np.testing.assert_allclose(frame["loads"], wanted[:3], atol=0.51 * STEP_MM)
    np.testing.assert_array_equal(frame["loads colors"], colors)
    assert "head" not in frame  # it stays where it was
    assert frame["crc"] == zlib.crc32(scene.message)


def test_what_is_no_number_or_of_another_size_is_left_out_and_the_rest_is_shown(
    skin: Skin, scene: Scene, told: dict[str, Any]
) -> None:
    state = random_state(skin, 3)
    state.jaw[0, 3] = np.nan
    bad = np.zeros((478, 3))
    bad[7, 1] = np.inf
    red = np.zeros((3, 3), np.uint8)
    points = {"wanted": bad, "loads": np.ones((3, 3))}
    frame = read_frame(scene.frame(state, points, {"loads": red}), told)
    assert {"head", "eye_left", "loads"} <= set(frame)
    assert not {"skin", "teeth_lower", "wanted"} & set(frame)
    assert np.isfinite(frame["mouth_light"])
    for loads, colors in ((np.ones((4, 3)), red), (np.ones((3, 3)), red[:2])):
        frame = read_frame(scene.frame(None, {"loads": loads}, {"loads": colors}), told)
        assert set(frame) == {"crc", "mouth_light"}
    far = read_frame(scene.frame(None, {"loads": np.full((3, 3), 1e6)}, {"loads": red}), told)
    assert (far["loads"] == 32767 * STEP_MM).all()  # at the edge, not wrapped round


def test_a_frame_of_everything_stays_small(skin: Skin, scene: Scene) -> None:
    points = {"wanted": np.zeros((478, 3)), "loads": np.zeros((3, 3))}
    colors = {"loads": np.zeros((3, 3), np.uint8)}
    assert len(scene.frame(random_state(skin, 0), points, colors)) < 24_000
    assert len(scene.message) < 600_000


def test_a_scene_without_a_rig_is_its_clouds() -> None:
    scene = Scene(None, CLOUDS)
    told = read_scene(scene.message)
    assert told["parts"] == []
    frame = read_frame(scene.frame(None, {"wanted": np.ones((478, 3))}), told)
    np.testing.assert_allclose(frame["wanted"], 1.0)
    with pytest.raises(ValueError, match="blocks"):
        Scene(None, [CLOUDS[0]] * 32)


def test_the_script_can_stand_in_a_page() -> None:
    text = script()
    assert "class FaceScene" in text
    assert "</" not in text.split("\n", 1)[0]
    assert text.count("#version 330") == 0
    assert "innerHTML" not in text
