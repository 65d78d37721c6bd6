"""A simulated face with dots on its skin, before two rendered cameras."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mien.calibration.capture.marker_camera import DotStatistics, design_modes, frame_of
from mien.calibration.capture.open_rig import mechanism_hash, open_rig, webcams
from mien.models.vision.markers import layout
from mien.models.vision.markers.tracker import MarkerTracker
from mien.robot.errors import DeviceError
from mien.robot.face.config import load_face
from mien.robot.sim.dot_cameras import DotCameras, DotOptics
from mien.robot.sim.rig import Rig

GONE = (21, 40)


@pytest.mark.parametrize(
    ("camera", "sources"),
    [
        ("markers", ["0", "1"]),
        ("markers:0,2", ["0", "2"]),
        ("markers:/dev/video3", ["/dev/video3"]),
        ("rendered", None),
        ("0", None),
    ],
)
def test_webcams_are_named_behind_a_colon(camera: str, sources: list[str] | None) -> None:
    assert webcams(camera) == sources


@pytest.mark.gl
def test_landmarks_between_dots_follow_the_true_ones() -> None:
    face = load_face("morpheus33")
    rig = open_rig(face, camera="markers", build=50)
    try:
        rig.start()
        errors, motion = [], []
        rng = np.random.default_rng(1)
        rest = rig.true_landmarks()
        assert rest is not None
        low, high = face.limits.T
        neck = [a.region == "neck" for a in face.actuators.values()]
        for turned in (0.0, 0.0, 0.6):
            goal = 0.5 * (low + rng.uniform(size=len(low)) * (high - low))
            rig.move_to(np.where(neck, turned, goal))
            seen, true = rig.observe().landmarks, rig.true_landmarks()
            assert true is not None
            errors.append((seen - true)[:468])
            motion.append((true - rest)[:468])
    finally:
        rig.stop()
    off = np.array(errors) - np.mean(errors, axis=0)
    error = np.sqrt(np.square(off).sum(-1).mean())
    assert error < 0.6  # mm; a face tracker is off by 1.7
    assert error < 0.25 * np.sqrt(np.square(motion).sum(-1).mean())


@pytest.fixture(scope="module")
def dotted() -> Iterator[tuple[Rig, DotCameras, MarkerTracker]]:
    face = load_face("morpheus33")
    rig = Rig(face, 0)
    cameras = DotCameras(rig, DotOptics(missing=GONE))
    skin = rig.head.parts["skin"].vertices
    modes = design_modes(face, mechanism_hash(face))
    tracker = MarkerTracker(rig.head.neutral_landmarks, skin, 2, modes)
    yield rig, cameras, tracker
    tracker.close()
    cameras.close()


@pytest.mark.gl
def test_missing_dots_and_reflections_are_said_and_tracking_goes_on(
    dotted: tuple[Rig, DotCameras, MarkerTracker],
) -> None:
    rig, cameras, tracker = dotted
    tracker.settle([cameras.pictures(rig) for _ in range(3)])
    statistics = DotStatistics()
    pictures = cameras.pictures(rig)
    for picture in pictures:  # a row of green reflections
        for k in range(6):
            picture[40:46, 150 + 40 * k : 156 + 40 * k] = (20, 150, 40)
    for _ in range(10):
        marked = tracker.track(pictures)
        statistics.add(marked)
    assert marked.found
    off = marked.landmarks - rig.head.neutral_landmarks
    assert np.sqrt(np.square(off[:468]).sum(-1).mean()) < 0.3
    remarks = " ".join(statistics.remarks())
    for number in GONE:
        assert str(number) in remarks
    assert "are no dots" in remarks
    frame = frame_of(marked, 1.0)
    assert frame.time == 1.0
    assert frame.unusable == ""


@pytest.mark.gl
def test_a_picture_with_few_dots_is_left_out_with_its_reason(
    dotted: tuple[Rig, DotCameras, MarkerTracker],
) -> None:
    rig, cameras, tracker = dotted
    if not tracker.settled:
        tracker.settle([cameras.pictures(rig) for _ in range(3)])
    grey = [p.mean(-1, keepdims=True).astype(np.uint8).repeat(3, -1) for p in cameras.pictures(rig)]
    frame = frame_of(tracker.track(grey), 0.0)
    assert frame.faces == 1
    assert frame.unusable == "dots"


@pytest.mark.gl
def test_a_face_without_dots_is_refused_with_the_sheet() -> None:
    from mien.calibration.capture.marker_camera import settle

    face = load_face("hobby9")
    rig = Rig(face, 0)
    every = tuple(dot.number for dot in layout.dots()[5:])
    cameras = DotCameras(rig, DotOptics(missing=every))
    tracker = MarkerTracker(rig.head.neutral_landmarks, rig.head.parts["skin"].vertices, 2)
    try:
        with pytest.raises(DeviceError, match="dots on the face at rest") as error:
            settle(tracker, [cameras.pictures(rig)])
    finally:
        tracker.close()
        cameras.close()
    assert "markers-sheet" in error.value.hint
