"""Laws of the skin: what follows what, what stays, and that nothing tears or spikes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.robot.sim import biharmonic
from mien.robot.sim.head import Head, load_head
from mien.robot.sim.skin import Node, Skin, SkinState, immobile
from tests.robot.sim.skins import (
    CORNERS,
    LANDMARKS,
    LOWER_LIP,
    UPPER_LIP,
    anything,
    jaw_open,
    jaw_turn,
    nodes,
)


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


@pytest.fixture(scope="module")
def skin(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Skin:
    return Skin(head, nodes(head), cache=tmp_path_factory.mktemp("cache"))


def test_neutral_state_moves_nothing(skin: Skin) -> None:
    moved = skin.deform(SkinState.neutral(len(skin.nodes)))
    for name, vertices in moved.items():
        np.testing.assert_allclose(vertices, skin.head.parts[name].vertices, atol=1e-4)


def test_nodes_carry_their_vertices_exactly(skin: Skin) -> None:
    np.testing.assert_allclose(skin.W[skin.vertices], np.eye(len(skin.nodes)), atol=1e-5)


def test_scalp_ears_and_neck_stay(skin: Skin) -> None:
    state = anything(skin, 1)
    state.lids[:] = 0.0  # the lids carry the sockets' edge with them
    moved = skin.deform(state)["skin"]
    still = immobile(skin.head)
    np.testing.assert_allclose(moved[still], skin.head.parts["skin"].vertices[still], atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_fast_landmarks_equal_those_of_the_whole_mesh(skin: Skin, seed: int) -> None:
    state = anything(skin, seed)
    parts = {name: part.vertices for name, part in skin.head.parts.items()}
    slow = skin.head.landmarks({**parts, **skin.deform(state)})
    np.testing.assert_allclose(skin.landmarks(state), slow, atol=2e-4)


def test_lips_are_far_apart_along_the_skin(skin: Skin) -> None:
    """The lower lip's nodes do not carry the upper lip although the two touch."""
    lower = [LANDMARKS.index(index) for index in LOWER_LIP]
    state = SkinState.neutral(len(skin.nodes))
    state.nodes[lower, 1] = -8.0
    points, rest = skin.landmarks(state), skin.head.neutral_landmarks
    assert np.abs((points - rest)[list(UPPER_LIP), 1]).max() < 0.3
    assert (rest[14] - points[14])[1] == pytest.approx(8.0, abs=0.8)


def test_mouth_opens_wide_and_the_lower_teeth_follow(skin: Skin) -> None:
    state = jaw_open(skin, 22.0)
    points = skin.landmarks(state)
    assert points[13][1] - points[14][1] > 22
    teeth, rest = skin.deform(state)["teeth_lower"], skin.head.parts["teeth_lower"].vertices
    front = rest[:, 2] > 15
    assert (rest - teeth)[front, 1].mean() > 20
    np.testing.assert_allclose(
        np.linalg.norm(teeth[0] - teeth[-1]), np.linalg.norm(rest[0] - rest[-1]), rtol=1e-4
    )


@pytest.mark.parametrize("seed", range(6))
def test_nothing_spikes(skin: Skin, seed: int) -> None:
    """No edge of the outer skin grows more than a face's silicone would be asked to."""
    rest = skin.head.parts["skin"].vertices
    moved = skin.deform(jaw_open(skin, 4.0 * seed))["skin"]
    triangles = skin.head.parts["skin"].triangles[
        (skin.head.mouth < 0.5)[skin.head.parts["skin"].triangles].all(axis=1)
    ]
    for i, j in ((0, 1), (1, 2), (2, 0)):
        before = np.linalg.norm(rest[triangles[:, i]] - rest[triangles[:, j]], axis=1)
        after = np.linalg.norm(moved[triangles[:, i]] - moved[triangles[:, j]], axis=1)
        assert (after - before).max() < 12.0
        assert np.percentile(after / before, 99.9) < 4.0


def test_smooth_between_nodes(skin: Skin) -> None:
    """Weights overshoot a little, as biharmonic ones do, and no more."""
    assert skin.W.min() > -0.5
    assert skin.W.max() < 1.3


def test_closed_lids_meet_and_cover_the_eye(skin: Skin) -> None:
    for side, margins in (
        ("left", ((386, 374), (385, 380), (387, 373))),
        ("right", ((159, 145), (158, 153), (160, 144))),
    ):
        opening = skin.lids[side].opening
        assert 0.3 < opening < 0.8
        state = SkinState.neutral(len(skin.nodes))
        state.lids[:] = 0.9 * opening, 0.9 * opening, 0.1 * opening, 0.1 * opening
        points = skin.landmarks(state)
        for upper, lower in margins:
            assert abs(points[upper][1] - points[lower][1]) < 1.6


def test_lids_never_pass_through_each_other(skin: Skin) -> None:
    lids = skin.lids["left"]
    upper, lower = lids.clamp(2.0, 0.4)
    assert upper + lower < lids.opening + 0.05
    np.testing.assert_allclose(lids.shift(2.0, 0.4), lids.shift(upper, lower))


@pytest.mark.parametrize("closing", [-0.15, 0.0, 0.1, 0.25, 0.4, 0.5])
def test_lids_do_not_cut_into_the_eye(skin: Skin, closing: float) -> None:
    """The outer face of the lids stays outside the ball, cornea included, at every angle."""
    for side, lids in skin.lids.items():
        outer = np.linalg.norm(lids.arm, axis=1) > 1.1 * skin.head.eye_radius
        rest = np.linalg.norm(lids.arm[outer], axis=1)
        moved = np.linalg.norm((lids.arm + lids.shift(closing, 0.05))[outer], axis=1)
        np.testing.assert_allclose(moved, rest, atol=1e-9)
        ball = skin.head.parts[f"eye_{side}"].vertices - skin.head.eye_center[side]
        assert moved.min() > np.linalg.norm(ball, axis=1).max()


def test_gaze_signs(skin: Skin) -> None:
    state = SkinState.neutral(len(skin.nodes))
    state.gaze[0] = 0.3, 0.2
    points, rest = skin.landmarks(state), skin.head.neutral_landmarks
    assert points[473][0] > rest[473][0] + 3
    assert points[473][1] > rest[473][1] + 2
    np.testing.assert_allclose(points[468:473], rest[468:473])


def test_tongue_moves_most_at_its_tip(skin: Skin) -> None:
    state = SkinState.neutral(len(skin.nodes))
    state.tongue = np.array([0.0, 2.0, 20.0])
    rest = skin.head.parts["tongue"].vertices
    shift = skin.deform(state)["tongue"] - rest
    assert shift[rest[:, 2].argmax(), 2] == pytest.approx(20.0, abs=1e-3)
    assert np.abs(shift[rest[:, 2].argmin()]).max() < 1e-3


def test_a_lifted_tongue_keeps_its_underside_on_the_floor_of_the_mouth(skin: Skin) -> None:
    state = SkinState.neutral(len(skin.nodes))
    state.tongue = np.array([0.0, 8.0, 5.0])
    rest = skin.head.parts["tongue"].vertices
    lift = (skin.deform(state)["tongue"] - rest)[:, 1]
    tip = rest[:, 2] > rest[:, 2].max() - 4.0
    above = tip & (rest[:, 1] > np.median(rest[tip, 1]))
    assert lift[above].mean() > 1.5 * lift[tip & ~above].mean() > 0.0


def test_outer_skin_ignores_the_jaw_itself(skin: Skin) -> None:
    """With the nodes held, a jaw that opens moves teeth, tongue and the lining of the mouth; the
    lips feel that lining between the nodes, no more."""
    state = SkinState.neutral(len(skin.nodes))
    state.jaw = jaw_turn(skin.head, 15.0)
    shift = np.linalg.norm(skin.landmarks(state) - skin.head.neutral_landmarks, axis=1)
    assert shift[list(CORNERS)].max() < 0.5
    assert np.percentile(shift, 95) < 1.5
    assert shift.max() < 4.0
    assert shift[list(LANDMARKS)].max() < 1.0


def test_weights_come_from_the_cache(
    head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Skin(head, nodes(head), cache=tmp_path)
    assert len(list(tmp_path.glob("skin-*.npy"))) == 1
    monkeypatch.setattr(biharmonic, "solve", lambda *_: pytest.fail("solved again"))
    np.testing.assert_array_equal(Skin(head, nodes(head), cache=tmp_path).W, first.W)


def test_unwritable_or_broken_cache_is_done_without(head: Head, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert Skin(head, nodes(head), cache=blocked).W.shape[1] == len(LANDMARKS)
    Skin(head, nodes(head), cache=tmp_path)
    cached = next(tmp_path.glob("skin-*.npy"))
    cached.write_bytes(b"torn")
    assert np.isfinite(Skin(head, nodes(head), cache=tmp_path).W).all()


@pytest.mark.parametrize(
    ("anchor", "why"),
    [((0.0, 105.0, -20.0), "cannot move"), ((0.0, -60.0, 120.0), "mm from the skin")],
)
def test_misplaced_nodes_are_refused(
    head: Head, tmp_path: Path, anchor: tuple[float, ...], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        Skin(head, [Node("stray", np.array(anchor))], cache=tmp_path)


def test_two_nodes_never_share_a_vertex(head: Head, tmp_path: Path) -> None:
    anchor = head.neutral_landmarks[50]
    pair = Skin(head, [Node("a", anchor), Node("b", anchor)], cache=tmp_path)
    assert len(set(pair.vertices)) == 2
