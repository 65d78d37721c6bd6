"""Drawn pictures of a bench robot, looked at with MediaPipe as a webcam's are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.calibration.capture import dataset
from mien.calibration.capture.frame_filter import FrameFilter
from mien.calibration.capture.tracking_camera import FROZEN_S, MAX_DELAY_S, TrackingCamera
from mien.calibration.verbs import cli
from mien.models.vision.face_tracker import FaceTracker
from mien.robot.errors import DeviceError
from mien.robot.face.config import load_face
from mien.robot.media import webcam
from mien.robot.media.webcam import Picture
from mien.robot.sim.camera import RenderedCamera
from tests.calibration.bench_robot import BenchRobot, FilmCamera

pytestmark = pytest.mark.gl

LASTS = 24  # pictures; most are of the face at rest


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[FilmCamera, FaceTracker, RenderedCamera]]:
    with BenchRobot(load_face("hobby9")) as robot:
        drawn = robot.seen_by(RenderedCamera)
        tracker = FaceTracker(robot.sim.rig.head.neutral_landmarks, max_faces=2)
        yield FilmCamera(robot, drawn.picture), tracker, drawn
        tracker.close()
        drawn.close()


def test_a_look_is_newer_than_asked_and_says_how_old_it_is(
    scene: tuple[FilmCamera, FaceTracker, RenderedCamera],
) -> None:
    camera, tracker, _ = scene
    now = camera.robot.clock.now
    tracking = TrackingCamera(camera, tracker, 0.06, lambda: now() + 0.02)  # it lay there so long
    asked = now()
    frame = tracking.capture(asked)
    assert asked + MAX_DELAY_S - 0.06 <= frame.time < now()
    again = tracking.capture(asked)
    assert again.time > frame.time  # never the same picture twice
    output = tracking.report()
    assert output["camera_delay_ms"] == 60.0
    assert output["camera_age_ms_p50"] == pytest.approx(20.0)
    assert output["camera_age_ms_max"] == pytest.approx(20.0)


def test_the_face_at_rest_settles_the_tracker(
    scene: tuple[FilmCamera, FaceTracker, RenderedCamera],
) -> None:
    camera, tracker, _ = scene
    tracking = TrackingCamera(camera, tracker, 0.0)
    raw = [tracking.capture(0.0) for _ in range(5)]
    tracking.settle(5)
    assert np.abs(tracking.bias).max() > 1.0
    seen = tracking.capture(0.0)
    assert FrameFilter().judge(seen) is None
    assert seen.faces == 1
    assert seen.eyes_px > 100
    off = np.abs(seen.landmarks - tracker.reference)
    assert off.max() < 1.0 < np.abs(raw[0].landmarks - tracker.reference).max()
    tracking.register(5)
    off = np.abs(tracking.capture(0.0).landmarks - tracker.reference)
    assert np.sqrt(np.square(off).mean()) < 0.2  # followed from rest, it is at rest
    bias = tracking.bias
    tracker.bias = np.zeros((478, 3))
    tracking.bias = bias
    np.testing.assert_allclose(tracking.capture(0.0).landmarks, seen.landmarks, atol=1.0)


def test_two_faces_and_none_are_told(
    scene: tuple[FilmCamera, FaceTracker, RenderedCamera],
) -> None:
    camera, tracker, drawn = scene
    twice = FilmCamera(camera.robot, lambda rig: np.tile(drawn.picture(rig)[:, 160:480], (1, 2, 1)))
    assert FrameFilter().judge(TrackingCamera(twice, tracker, 0.0).capture(0.0)) == "several"
    nobody = FilmCamera(camera.robot, lambda rig: drawn.picture(rig) // 255)
    assert FrameFilter().judge(TrackingCamera(nobody, tracker, 0.0).capture(0.0)) == "lost"


def test_a_camera_that_is_gone_or_hangs_is_named(
    scene: tuple[FilmCamera, FaceTracker, RenderedCamera],
) -> None:
    camera, tracker, drawn = scene
    gone = FilmCamera(camera.robot, drawn.picture)
    gone.ended, gone.error = True, "No such device"
    with pytest.raises(DeviceError, match="/dev/video0 was unplugged or closed: No such device"):
        TrackingCamera(gone, tracker, 0.0).capture(0.0)
    hangs = Hanging(camera.robot, drawn.picture)
    with pytest.raises(DeviceError, match=f"gave no picture for {FROZEN_S:g} s"):
        TrackingCamera(hangs, tracker, 0.0).capture(0.0)


class Hanging(FilmCamera):
    """A camera that gives no picture any more."""

    def after(self, t: float, timeout_s: float) -> Picture | None:  # noqa: ARG002
        return None


class Webcam(FilmCamera):
    """The bench's camera where ``mien.robot.media.webcam.Pictures`` would be: its cable falls
    out after so many."""

    name, left = "Bench camera", LASTS

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def after(self, t: float, timeout_s: float) -> Picture | None:
        self.left -= 1
        self.ended = self.left < 0
        return super().after(t, timeout_s)


def test_the_command_collects_from_a_serial_port_and_a_webcam(
    scene: tuple[FilmCamera, FaceTracker, RenderedCamera],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    camera, _, drawn = scene
    robot = camera.robot.on_its_clock(monkeypatch)
    monkeypatch.setattr(webcam, "Pictures", lambda _source: Webcam(robot, drawn.picture))
    where = ["--face", "hobby9", "--out", str(tmp_path)]
    bench = ["--port", robot.path, "--camera", "0"]
    runner = CliRunner()
    assert runner.invoke(cli.app, ["plan", *where, "--poses", "150"]).exit_code == 0
    kept = 0
    for _ in range(2):
        with pytest.raises(DeviceError, match=r"unplugged or closed; \d+ poses are kept") as e:
            runner.invoke(cli.app, ["collect", *where, *bench], catch_exceptions=False)
        assert f"mien calibrate collect {' '.join([*where, *bench])}" in e.value.hint
        robot.assert_at_rest()
        data = dataset.load(tmp_path, robot.face)
        assert int(data.observed.sum()) > kept  # the second goes on, with the same face at rest
        kept = int(data.observed.sum())
    assert (data.setup.mechanism, data.setup.build) == ("hardware", -1)
    assert data.setup.camera == "Bench camera"
    assert sorted(data.pose[data.pose >= 0]) == list(range(kept))
