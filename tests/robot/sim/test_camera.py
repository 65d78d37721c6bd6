"""Cameras: what they add, what they lose, and that the drawn face is tracked."""

from __future__ import annotations

import numpy as np
import pytest

from mien.robot.face.config import load_face
from mien.robot.sim.camera import ZERO, Noise, ProjectedCamera, RenderedCamera
from mien.robot.sim.faults import parse_faults
from mien.robot.sim.rig import Rig
from tests.robot.sim.rigs import commands, hold

FACE = load_face("hobby9")

NOISELESS = Noise(ZERO, ZERO, ZERO, 1.0, ZERO, 0.0)


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig(FACE)


def test_without_noise_it_is_the_truth(rig: Rig) -> None:
    rig.reset()
    detection = ProjectedCamera(NOISELESS).detect(rig)
    assert detection.time == rig.time
    assert detection.landmarks is not None
    assert np.array_equal(detection.landmarks, rig.landmarks())


def test_noise_has_the_size_that_was_asked_for(rig: Rig) -> None:
    rig.reset()
    noise = Noise((0.2, 0.4, 0.8), ZERO, ZERO, 1.0, ZERO, 0.0)
    camera, truth = ProjectedCamera(noise), rig.landmarks()
    off = [
        s.landmarks - truth
        for s in (camera.detect(rig) for _ in range(30))
        if s.landmarks is not None
    ]
    assert np.allclose(np.std(off, axis=(0, 1)), (0.2, 0.4, 0.8), rtol=0.05)


def test_bias_stays_and_sway_wanders(rig: Rig) -> None:
    rig.reset()
    noise = Noise(ZERO, ZERO, (1.0, 1.0, 1.0), 0.1, (0.5, 0.5, 0.5), 0.0)
    camera = ProjectedCamera(noise, seed=3)
    first = camera.detect(rig).landmarks
    again = camera.detect(rig).landmarks
    assert first is not None and again is not None
    assert np.allclose(first, again)  # no time passed
    hold(rig, np.zeros(len(FACE.names)), 0.5)
    later = camera.detect(rig).landmarks
    assert later is not None
    moved = later - rig.landmarks() - (first - rig.landmarks())
    assert np.abs(np.ptp(moved, axis=0)).max() < 0.1  # all points together
    assert np.abs(moved).max() > 0.05


def test_drift_is_each_point_by_itself_and_remembers(rig: Rig) -> None:
    rig.reset()
    camera = ProjectedCamera(Noise(ZERO, (1.0, 1.0, 1.0), ZERO, 0.2, ZERO, 0.0))
    off = []
    for seconds in (0.02, 2.0, 0.0):
        detection = camera.detect(rig).landmarks
        assert detection is not None
        off.append((detection - rig.landmarks()).ravel())
        hold(rig, np.zeros(len(FACE.names)), seconds)
    assert all(0.9 < np.std(o) < 1.1 for o in off)
    assert np.corrcoef(off[0], off[1])[0, 1] > 0.8
    assert abs(np.corrcoef(off[0], off[2])[0, 1]) < 0.2


def test_frames_get_lost_at_the_rate_that_was_asked_for(rig: Rig) -> None:
    rig.reset()
    camera = ProjectedCamera(Noise(ZERO, ZERO, ZERO, 1.0, ZERO, 0.3))
    lost = sum(camera.detect(rig).landmarks is None for _ in range(400))
    assert 80 < lost < 160


def test_the_same_seed_sees_the_same(rig: Rig) -> None:
    rig.reset()
    one, other = (ProjectedCamera(seed=4).detect(rig).landmarks for _ in range(2))
    assert one is not None and other is not None
    assert np.array_equal(one, other)


def test_camera_lost_is_blind_for_its_time() -> None:
    rig = Rig(FACE, faults=parse_faults(["camera_lost:0.1@0.1"], FACE))
    camera, detected = ProjectedCamera(NOISELESS), []
    for _ in range(6):
        detected.append(camera.detect(rig).landmarks is not None)
        hold(rig, np.zeros(len(FACE.names)), 0.05)
    assert detected == [True, True, False, False, True, True]


@pytest.mark.gl
def test_the_drawn_face_is_tracked_and_its_jaw_seen(rig: Rig) -> None:
    rig.reset()
    camera = RenderedCamera(rig)
    shut = camera.detect(rig)
    assert shut.landmarks is not None
    off = (shut.landmarks - rig.landmarks())[:, :2]
    assert np.median(np.linalg.norm(off, axis=1)) < 4.0  # mm
    hold(rig, commands(FACE, jaw_open=1.0))
    wide = camera.detect(rig)
    assert wide.landmarks is not None
    gap = [s.landmarks[13, 1] - s.landmarks[14, 1] for s in (shut, wide) if s.landmarks is not None]
    true = rig.landmarks()
    assert gap[1] - gap[0] > 0.5 * (true[13, 1] - true[14, 1] - 2.5)
    camera.close()


def test_the_seed_of_the_noise_leaves_the_camera_the_same() -> None:
    one, again, other = (ProjectedCamera(seed=s, unit=u) for s, u in ((0, 5), (3, 5), (0, 6)))
    np.testing.assert_array_equal(one.bias, again.bias)
    assert np.abs(one.bias - other.bias).max() > 1.0
    np.testing.assert_array_equal(ProjectedCamera(seed=5).bias, one.bias)
