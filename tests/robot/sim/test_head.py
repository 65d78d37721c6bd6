"""The head asset: what a user of its parts, landmarks and identities relies on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.robot.sim.head import ASSET, LANDMARKS, Head, load_head
from tests.paths import ROOT

FACE_UNITS = ROOT / "robot" / "faces" / "face_units.npz"
# MediaPipe's index of a point on the face's right and of its partner on the left.
PAIRS = (
    (33, 263),
    (133, 362),
    (61, 291),
    (50, 280),
    (105, 334),
    (129, 358),
    (234, 454),
    (159, 386),
)


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


def test_parts_are_sound(head: Head) -> None:
    for name, part in head.parts.items():
        assert part.vertices.dtype == np.float32, name
        assert part.triangles.min() >= 0, name
        assert part.triangles.max() < len(part.vertices), name
        assert 0 <= part.colors.min() <= part.colors.max() <= 1, name
        assert np.isfinite(part.vertices).all(), name


def test_asset_is_small() -> None:
    assert ASSET.stat().st_size < 1_500_000


@pytest.mark.parametrize("name", ["skin", "eye_left", "eye_right", "tongue"])
def test_triangles_face_outward(head: Head, name: str) -> None:
    """The volume enclosed is positive, so normals point out and culling keeps the front."""
    part = head.parts[name]
    a, b, c = (part.vertices[part.triangles[:, k]].astype(np.float64) for k in range(3))
    middle = part.vertices.mean(axis=0)
    assert np.einsum("tx,tx->", a - middle, np.cross(b - middle, c - middle)) > 0


def test_landmarks_lie_on_their_triangles(head: Head) -> None:
    assert head.neutral_landmarks.shape == (LANDMARKS, 3)
    np.testing.assert_allclose(head.landmark_bary.sum(axis=1), 1.0, atol=1e-5)
    assert head.landmark_bary.min() >= -1e-6


def test_landmarks_mean_what_mediapipe_means(head: Head) -> None:
    points = head.neutral_landmarks
    for right, left in PAIRS:
        np.testing.assert_allclose(points[right] * (-1, 1, 1), points[left], atol=0.6)
        assert points[left][0] > 5
    assert points[10][1] > points[9][1] > points[4][1] > points[13][1] > points[14][1] - 1e-9
    assert points[14][1] > points[17][1] > points[152][1]
    assert points[4][2] == points[:468, 2].max()
    # The lips touch at rest but belong to two lips: a mesh triangle cannot hold both.
    assert np.linalg.norm(points[13] - points[14]) < 3.0
    assert not set(head.landmark_triangle[13]) & set(head.landmark_triangle[14])


def test_irises_lie_on_their_eyes(head: Head) -> None:
    for first, side in ((468, "right"), (473, "left")):
        arm = head.neutral_landmarks[first : first + 5] - head.eye_center[side]
        radius = np.linalg.norm(arm, axis=1)
        np.testing.assert_allclose(radius, head.eye_radius, atol=0.8)
        assert arm[0, 2] == pytest.approx(radius[0], abs=1e-2)
        assert arm[1, 0] > 5 and arm[2, 1] > 5 and arm[3, 0] < -5 and arm[4, 1] < -5


def test_frame_is_between_the_eyes(head: Head) -> None:
    middle = (head.eye_center["left"] + head.eye_center["right"]) / 2
    np.testing.assert_allclose(middle, 0, atol=1e-9)
    assert head.eye_center["left"][0] > 0
    ear_front = head.parts["skin"].vertices[:, 2].min() / 2
    assert head.jaw_pivot[2] > ear_front and head.jaw_pivot[1] < 0


def test_identity_moves_the_skin_but_not_the_eyes(head: Head) -> None:
    rng = np.random.default_rng(4)
    other = head.with_identity(rng.normal(0, 0.5, len(head.identity)))
    shift = np.linalg.norm(other.neutral_landmarks - head.neutral_landmarks, axis=1)
    assert shift[[50, 280, 152, 4]].max() > 1.0
    lids = [159, 145, 386, 374, 33, 263, *range(468, 478)]
    assert shift[lids].max() < 0.05
    assert set(other.parts) == set(head.parts)


def test_teeth_stay_behind_the_lips_of_every_identity(head: Head) -> None:
    """From the lip that lies further back, the incisors' edge is about as far as on this head."""

    def behind(one: Head) -> float:
        teeth = one.parts["teeth_upper"].vertices
        edge = teeth[teeth[:, 1] < teeth[:, 1].min() + 1.0][:, 2].max()
        return float(one.neutral_landmarks[[13, 14], 2].min() - edge)

    for k, name in enumerate(head.identity_names):
        for weight in (-0.7, 0.7):
            other = head.with_identity(weight * np.eye(len(head.identity))[k])
            assert behind(other) == pytest.approx(behind(head), abs=1.0), (name, weight)


def test_identity_modes_are_other_people_not_other_places(head: Head) -> None:
    """At weight 1 nothing moves far, lips stay shut and no part of the face turns inside out."""
    rest = head.parts["skin"]
    face = (head.paint.front > 0.5)[rest.triangles].all(axis=1)

    def normals(vertices: NDArray[np.floating]) -> NDArray[np.floating]:
        a, b, c = (vertices[rest.triangles[face, k]] for k in range(3))
        return np.asarray(np.cross(b - a, c - a))

    before = normals(rest.vertices)
    shut = head.neutral_landmarks[13] - head.neutral_landmarks[14]
    for k, name in enumerate(head.identity_names):
        assert np.linalg.norm(head.identity[k], axis=1).max() < 5.2, name
        other = head.with_identity(np.eye(len(head.identity))[k])
        gap = other.neutral_landmarks[13] - other.neutral_landmarks[14]
        assert abs(gap[1] - shut[1]) < 0.3, name
        turned = (before * normals(other.parts["skin"].vertices)).sum(axis=1) < 0
        assert turned.mean() < 0.01, name


def test_identity_needs_all_its_weights(head: Head) -> None:
    with pytest.raises(ValueError, match="identity weights"):
        head.with_identity([1.0])


def test_face_units_move_what_they_name(head: Head) -> None:
    with np.load(FACE_UNITS) as file:
        names, neutral, delta = list(file["names"]), file["neutral"], file["delta"]
    assert len(names) == 52
    assert delta.shape == (52, LANDMARKS, 3)
    np.testing.assert_allclose(neutral, head.neutral_landmarks, atol=1e-3)

    def move(name: str, landmark: int) -> np.ndarray:
        return np.asarray(delta[names.index(name), landmark])

    assert move("jawOpen", 152)[1] < -20
    assert abs(move("jawOpen", 10)[1]) < 1
    assert move("mouthSmileLeft", 291)[1] > 4 and abs(move("mouthSmileLeft", 61)[1]) < 2
    assert move("eyeBlinkLeft", 386)[1] < -6 and abs(move("eyeBlinkLeft", 159)[1]) < 0.5
    assert move("browInnerUp", 55)[1] > 2 and move("browDownRight", 55)[1] < -2
    assert move("mouthPucker", 61)[0] > 3 and move("mouthPucker", 291)[0] < -3
    assert move("eyeLookOutLeft", 473)[0] > 2 and move("eyeLookInRight", 468)[0] > 2
    assert move("eyeLookUpLeft", 473)[1] > 1 and move("jawLeft", 152)[0] > 4
    assert move("noseSneerRight", 129)[1] > 1
