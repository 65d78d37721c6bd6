"""The real path: limiter, pulses, the firmware's own bytes, rig, camera."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from calibration.lag import wave
from calibration.ports import open_studio
from calibration.studio import Studio
from models.regions import gaps
from robot.config import FaceConfig, load_face
from robot.errors import InputError

LIPS = ((13, 14),)


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("hobby9")


@pytest.fixture
def studio(face: FaceConfig) -> Iterator[Studio]:
    studio = open_studio(face)
    studio.start()
    yield studio
    studio.stop()


def test_a_pose_is_sent_whole_and_seen(face: FaceConfig, studio: Studio) -> None:
    rest = studio.look()
    goal = np.zeros(len(face.names))
    goal[face.index("jaw_open")] = 0.8
    sent = studio.go(goal)
    seen = studio.look()
    np.testing.assert_allclose(sent, goal)
    true = studio.truth()
    assert true is not None
    assert gaps(true, LIPS)[0] > 10.0
    # The camera has some mm of noise of its own.
    assert abs(gaps(seen.landmarks, LIPS)[0] - gaps(true, LIPS)[0]) < 8.0
    assert gaps(rest.landmarks, LIPS)[0] < gaps(seen.landmarks, LIPS)[0]
    assert seen.time > rest.time


def test_the_limiter_has_the_last_word(face: FaceConfig, studio: Studio) -> None:
    sent = studio.go(np.full(len(face.names), 5.0))
    np.testing.assert_allclose(sent, face.limits[:, 1])


def test_looking_waits_until_the_face_is_still(face: FaceConfig, studio: Studio) -> None:
    goal = np.zeros(len(face.names))
    goal[face.index("jaw_open")] = 1.0
    studio.go(goal)
    studio.look()
    before = studio.truth()
    studio.look()
    after = studio.truth()
    assert before is not None
    assert after is not None
    assert np.abs(after - before).max() < 0.2


def test_a_wave_is_followed_at_its_rate_within_the_speed(face: FaceConfig, studio: Studio) -> None:
    asked = wave(face, 60.0)[:90]
    sent_at, sent, seen_at, seen = studio.follow(asked, 60.0)
    np.testing.assert_allclose(sent, asked, atol=1e-9)  # slow enough for no limit to bite
    np.testing.assert_allclose(np.diff(seen_at), 1 / 60, atol=2e-3)
    assert (np.abs(np.diff(asked, axis=0)) * 60 <= face.speed).all()
    assert len(sent_at) == len(seen) == 90


def test_ports_and_cameras_that_are_not_there_are_said(face: FaceConfig) -> None:
    with pytest.raises(InputError, match="no camera 'best'"):
        open_studio(face, camera="best")
    with pytest.raises(InputError, match="only the simulated rig") as e:
        open_studio(face, port="/dev/ttyUSB9")
    assert "--port sim" in e.value.hint
