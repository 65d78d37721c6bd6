"""The face tracker on pictures with known truth, a real portrait, and pictures without one face."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.models.errors import ModelError
from mien.models.vision.face_tracker import POINTS, RIGID, FaceTracker
from mien.models.vision.head_pose import HeadPose, Lens, align, solve_pose
from mien.robot.sim.head import Head
from mien.robot.sim.render import CameraView, Renderer
from mien.robot.sim.skin import Skin, SkinState
from tests.paths import DATA
from tests.robot.sim.skins import jaw_open

PORTRAIT = DATA / "mediapipe"
# Points of the middle of the face, whose places do not depend on its outline.
MIDDLE = [
    *(13, 14, 0, 17, 61, 291, 37, 267, 84, 314),
    *(4, 6, 168, 197, 33, 133, 362, 263, 159, 145, 386, 374, 50, 280, 199, 152),
]

F64 = NDArray[np.float64]
Picture = NDArray[np.uint8]


def rotation(yaw: float, pitch: float) -> F64:
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return np.asarray(about_y @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]]))


def test_align_undoes_a_similarity() -> None:
    rng = np.random.default_rng(1)
    points, turn = rng.normal(0, 40, (30, 3)), rotation(0.4, -0.3)
    fit = align(points, 1.7 * points @ turn.T + (3.0, -8.0, 2.0))
    assert fit.scale == pytest.approx(1.7)
    np.testing.assert_allclose(fit.rotation, turn, atol=1e-9)
    np.testing.assert_allclose(fit(points), 1.7 * points @ turn.T + (3.0, -8.0, 2.0), atol=1e-8)


def test_align_never_mirrors() -> None:
    points = np.random.default_rng(2).normal(0, 40, (30, 3))
    assert np.linalg.det(align(points, points * (-1, 1, 1)).rotation) == pytest.approx(1.0)


@pytest.mark.parametrize("perspective", [True, False])
def test_pose_is_found_from_the_image_alone(head: Head, perspective: bool) -> None:
    points = head.neutral_landmarks[list(RIGID)]
    lens, place = Lens(perspective), np.array([12.0, -30.0, -700.0])
    true = HeadPose(rotation(0.3, 0.15), place, lens)
    image = lens.image(points @ true.rotation.T + place, 700.0)
    image[3] += 0.05  # one point far off must not pull the rest
    start = HeadPose(np.eye(3), np.array([0.0, 0.0, -600.0]), lens)
    found, errors = solve_pose(points, image, start)
    np.testing.assert_allclose(found.rotation, true.rotation, atol=0.02)
    np.testing.assert_allclose(found.translation[:2], place[:2], atol=2.0)
    assert found.translation[2] == pytest.approx(place[2], rel=0.02)
    assert errors.argmax() == 3


@pytest.mark.parametrize("perspective", [True, False])
def test_points_at_known_depth_come_back(head: Head, perspective: bool) -> None:
    points, lens = head.neutral_landmarks, Lens(perspective)
    pose = HeadPose(rotation(-0.2, 0.1), np.array([5.0, 9.0, -800.0]), lens)
    image = lens.image(points @ pose.rotation.T + pose.translation, 800.0)
    np.testing.assert_allclose(pose.at_depth(image, points[:, 2]), points, atol=1e-6)


@pytest.mark.gl
def test_neutral_render_is_found_where_it_is(
    tracker: FaceTracker, neutral: Picture, head: Head
) -> None:
    tracked = tracker.track(neutral)
    assert tracked.faces == 1 and tracked.found
    assert tracked.landmarks.shape == (POINTS, 3)
    assert len(tracked.scores) == 51 and "tongueOut" not in tracked.scores
    error = (tracked.landmarks - head.neutral_landmarks)[:, :2]
    assert np.sqrt((error**2).mean()) < 1.5
    assert tracked.fit_mm < 2.0
    distance = np.linalg.norm(np.array(CameraView().position))
    assert tracked.head[2, 3] == pytest.approx(-distance, rel=0.05)


@pytest.mark.gl
@pytest.mark.parametrize(("yaw", "pitch"), [(0.25, 0.0), (-0.2, 0.1), (0.0, -0.15)])
def test_pose_of_the_head_is_taken_out(
    tracker: FaceTracker, renderer: Renderer, head: Head, yaw: float, pitch: float
) -> None:
    pose = np.eye(4)
    pose[:3, :3] = rotation(yaw, pitch)
    tracked = tracker.track(renderer.render(head=pose))
    error = (tracked.landmarks - head.neutral_landmarks)[MIDDLE, :2]
    assert np.sqrt((error**2).mean()) < 3.0
    np.testing.assert_allclose(tracked.head[:3, :3], pose[:3, :3], atol=0.08)


@pytest.mark.gl
def test_settling_takes_the_bias_off(tracker: FaceTracker, neutral: Picture, head: Head) -> None:
    bias = tracker.settle([tracker.track(neutral)])
    assert 0.05 < bias < 1.5
    np.testing.assert_allclose(tracker.track(neutral).landmarks, head.neutral_landmarks, atol=0.05)


@pytest.mark.gl
def test_settling_needs_a_face(tracker: FaceTracker, neutral: Picture) -> None:
    with pytest.raises(ModelError, match="at rest"):
        tracker.settle([tracker.track(np.zeros_like(neutral))])


@pytest.mark.gl
def test_opening_of_the_mouth_is_measured(
    tracker: FaceTracker, renderer: Renderer, neutral: Picture, skin: Skin
) -> None:
    tracker.settle([tracker.track(neutral)])
    gaps: list[float] = []
    true: list[float] = []
    for degrees in (0.0, 6.0, 12.0, 18.0):
        state = jaw_open(skin, degrees)
        for points, out in (
            (tracker.track(renderer.render(skin.deform(state))).landmarks, gaps),
            (skin.landmarks(state), true),
        ):
            out.append(points[13][1] - points[14][1])
    assert np.corrcoef(gaps, true)[0, 1] > 0.97
    assert np.abs(np.subtract(gaps, true)).max() < 0.25 * max(true)


@pytest.mark.gl
def test_blink_is_seen(
    tracker: FaceTracker, renderer: Renderer, neutral: Picture, skin: Skin
) -> None:
    state = SkinState.neutral(len(skin.nodes))
    state.lids[:] = 0.45, 0.45, 0.07, 0.07
    closed, opened = tracker.track(renderer.render(skin.deform(state))), tracker.track(neutral)
    for upper, lower in ((159, 145), (386, 374)):
        gap = [t.landmarks[upper, 1] - t.landmarks[lower, 1] for t in (opened, closed)]
        assert gap[1] < 0.5 * gap[0]
    assert closed.scores["eyeBlinkLeft"] > opened.scores["eyeBlinkLeft"] + 0.2


def test_no_face_is_lost_not_invented(tracker: FaceTracker) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    for picture in (np.zeros((240, 320, 3), np.uint8), noise):
        tracked = tracker.track(picture, time=1.5)
        assert not tracked.found and tracked.faces == 0
        assert np.isnan(tracked.landmarks).all() and np.isnan(tracked.head).all()
        assert tracked.scores == {}
        assert tracked.time == 1.5


@pytest.mark.gl
def test_two_faces_are_counted_and_the_larger_reported(head: Head, neutral: Picture) -> None:
    small = neutral[::2, ::2]
    both = np.full((480, 1000, 3), 130, np.uint8)
    both[:, :640] = neutral
    both[120:360, 660:980] = small
    with FaceTracker(head.neutral_landmarks, fov_deg=CameraView().fov_deg, max_faces=2) as tracker:
        tracked, faces = tracker.track(both), tracker.find(both)
    assert sorted(bool(face[1, 0] > 640) for face in faces) == [False, True]
    assert tracked.faces == 2
    assert tracked.pixels[4, 0] < 640


@pytest.mark.gl
def test_video_needs_rising_times(head: Head, neutral: Picture) -> None:
    with FaceTracker(head.neutral_landmarks, video=True) as tracker:
        first = tracker.track(neutral, time=0.0)
        assert tracker.track(neutral, time=0.033).found
        with pytest.raises(ModelError, match="not after"):
            tracker.track(neutral, time=0.033)
        lost = tracker.track(np.zeros_like(neutral), time=0.066)
        assert first.found and not lost.found
        assert tracker.track(neutral, time=0.1).found


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(tracker: FaceTracker, picture: Picture) -> None:
    with pytest.raises(ModelError, match="need"):
        tracker.track(picture)


@pytest.mark.parametrize("reference", [np.zeros((468, 3)), np.full((POINTS, 3), np.nan)])
def test_other_references_are_refused(reference: F64) -> None:
    with pytest.raises(ModelError, match="reference"):
        FaceTracker(reference)


def test_missing_model_is_named(head: Head, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        FaceTracker(head.neutral_landmarks, weights=tmp_path / "nowhere.task")


@pytest.mark.data
def test_portrait_agrees_with_mediapipe(tracker: FaceTracker) -> None:
    if not PORTRAIT.is_dir():
        pytest.skip(f"no {PORTRAIT}; set MIEN_DATA")
    picture = np.asarray(Image.open(PORTRAIT / "portrait.jpg").convert("RGB"))
    tracked = tracker.track(picture)
    text = (PORTRAIT / "portrait_expected_face_landmarks.pbtxt").read_text()
    xy = np.array([re.findall(rf"\b{axis}: (\S+)", text) for axis in "xy"], dtype=np.float64).T
    size = np.array([picture.shape[1], picture.shape[0]])
    expected = xy[:POINTS] * size
    across = np.linalg.norm(expected[33] - expected[263])
    assert np.linalg.norm(tracked.pixels[:, :2] - expected, axis=1).max() < 0.05 * across
    # Another face than the reference, still a face in mm: nothing is wider than a head.
    assert 100 < np.ptp(tracked.landmarks[:, 0]) < 200
    assert tracked.fit_mm < 8.0
