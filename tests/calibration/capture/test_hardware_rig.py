"""A real serial port and a camera: the rig stands in for the metal, and no thread is ever late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mien.calibration.capture import dataset
from mien.calibration.capture.capture_rig import SETTLE_S, ConnectedFace
from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import NO_FACE, CapturedFrame
from mien.calibration.capture.hardware_rig import HardwareRig
from mien.calibration.capture.rest_pose import RestPose
from mien.calibration.identify.collect import PLAN, collect
from mien.calibration.identify.latency import excitation_wave
from mien.calibration.plan.excitation import make_plan
from mien.models.face.regions import gaps
from mien.robot.control.connect import opened
from mien.robot.errors import ConfigError, DeviceError
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.wire import State
from tests.calibration.bench_robot import BenchRobot, Films

LIPS = ((13, 14),)


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("hobby9")


@pytest.fixture
def robot(face: FaceConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[BenchRobot]:
    with BenchRobot(face) as robot:
        yield robot.on_its_clock(monkeypatch)


class Session:
    """A rig on a robot; use it once."""

    def __init__(self, robot: BenchRobot, folder: Path | None = None) -> None:
        self.films = Films(robot)
        self._opening = opened(robot.face, robot.path, lead_s=0.06)
        at = self._opening.__enter__()
        setup = Setup(robot.face.name, robot.face.hash, "hardware", -1, "films")
        self.board = at.board
        self.rig = HardwareRig(
            ConnectedFace(robot.face, at.board, at.clock, setup, self._close), self.films, folder
        )

    def _close(self) -> None:
        self._opening.__exit__(None, None, None)


def jaw(face: FaceConfig, command: float) -> np.ndarray:
    goal = np.zeros(len(face.names))
    goal[face.index("jaw_open")] = command
    return goal


def test_a_pose_is_sent_seen_after_it_is_still_and_let_go(
    face: FaceConfig, robot: BenchRobot
) -> None:
    session = Session(robot)
    try:
        session.rig.start()
        rest = session.rig.observe()
        sent = session.rig.move_to(jaw(face, 0.8))
        there, before = robot.clock.now(), len(session.films.observations)
        seen = session.rig.observe()
        true = robot.seen_by(lambda rig: rig.landmarks())
        robot.clock.sleep(0.7)  # busy with something else: three times the board's patience
        assert robot.state == State.ARMED
        assert session.rig.true_landmarks() is None
    finally:
        session.rig.stop()
    np.testing.assert_allclose(sent, jaw(face, 0.8))
    assert gaps(true, LIPS)[0] > 10.0
    # The camera has some mm of noise of its own.
    assert abs(gaps(seen.landmarks, LIPS)[0] - gaps(true, LIPS)[0]) < 8.0
    assert gaps(rest.landmarks, LIPS)[0] < gaps(seen.landmarks, LIPS)[0]
    for since, taken in session.films.observations[before:]:
        assert there + SETTLE_S - 0.01 <= since <= taken
    assert session.films.closed
    robot.assert_at_rest()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_however_it_ends_the_face_is_at_rest_and_the_poses_are_kept(
    face: FaceConfig, robot: BenchRobot, tmp_path: Path, error: type[BaseException]
) -> None:
    make_plan(face, 150).save(tmp_path / PLAN)
    session = Session(robot, tmp_path)

    def progress(done: int, _whole: int, _note: str) -> None:
        if done == 5:
            raise error

    with pytest.raises(error):
        collect(face, session.rig, tmp_path, progress)
    robot.assert_at_rest()
    data = dataset.load(tmp_path, face)
    assert data.pose.tolist() == [-1, 0, 1, 2, 3, 4]
    assert data.observed.sum() == 5
    assert data.setup.build == -1


def test_a_camera_that_is_unplugged_ends_it_with_the_next_command(
    face: FaceConfig, robot: BenchRobot, tmp_path: Path
) -> None:
    make_plan(face, 150).save(tmp_path / PLAN)
    session = Session(robot, tmp_path)

    def progress(done: int, _whole: int, _note: str) -> None:
        session.films.unplugged = done == 4

    with pytest.raises(DeviceError, match=r"unplugged.*4 poses are kept") as e:
        collect(face, session.rig, tmp_path, progress, again="THIS AGAIN")
    assert e.value.hint == "plug it in again, then THIS AGAIN"
    robot.assert_at_rest()
    again = Session(robot, tmp_path)
    assert collect(face, again.rig, tmp_path, stop_after=2).poses == 6
    assert dataset.load(tmp_path, face).observed.sum() == 6


def test_an_estop_ends_it(face: FaceConfig, robot: BenchRobot, tmp_path: Path) -> None:
    make_plan(face, 150).save(tmp_path / PLAN)
    session = Session(robot, tmp_path)

    def progress(done: int, _whole: int, _note: str) -> None:
        if done == 3:  # the button on the board
            robot.press_estop()

    with pytest.raises(DeviceError, match=r"ESTOP.*3 poses are kept") as e:
        collect(face, session.rig, tmp_path, progress)
    assert "mien clear" in e.value.hint
    assert not robot.sim.powered.any()


def test_a_loop_that_is_late_is_waited_for(
    face: FaceConfig, robot: BenchRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(robot)
    send, slow = session.board.send, 0

    def late(t: float, pulses: np.ndarray) -> np.ndarray:
        nonlocal slow
        slow += 1
        robot.clock.sleep(0.15 if slow % 6 == 0 else 0.0)  # the machine is busy
        return send(t, pulses)

    monkeypatch.setattr(session.board, "send", late)
    try:
        session.rig.start()
        for command in (0.8, 0.1, 0.9):
            np.testing.assert_allclose(session.rig.move_to(jaw(face, command)), jaw(face, command))
    finally:
        session.rig.stop()


def test_a_pose_during_which_the_board_was_away_is_done_again(
    face: FaceConfig, robot: BenchRobot
) -> None:
    session = Session(robot)
    try:
        session.rig.start()
        session.rig.move_to(jaw(face, 0.8))

        def cut(frame: CapturedFrame) -> CapturedFrame:
            session.films.spoil = lambda f: f
            robot.mute = True
            robot.clock.sleep(1.0)  # FAILSAFE: the face goes to its safe pose
            robot.mute = False
            return frame

        session.films.spoil = cut
        observation = session.rig.observe()
    finally:
        session.rig.stop()
    assert observation.dropped["link"] >= 1
    assert gaps(observation.landmarks, LIPS)[0] > 8.0
    robot.assert_at_rest()


@pytest.mark.parametrize("later_s", [0.0, 0.01, 0.02, 0.03])
def test_a_move_that_begins_while_the_board_homes_is_made(
    face: FaceConfig, robot: BenchRobot, later_s: float
) -> None:
    session = Session(robot)
    try:
        session.rig.start()
        session.rig.move_to(jaw(face, 0.8))
        robot.mute = True
        robot.clock.sleep(1.0)
        robot.mute = False
        while session.board.counters.reconnects == 0:
            robot.clock.sleep(0.01)
        robot.clock.sleep(later_s)
        assert session.board.pace(robot.clock.now()) == 0.0
        np.testing.assert_allclose(session.rig.move_to(jaw(face, 0.9)), jaw(face, 0.9))
    finally:
        session.rig.stop()


def test_a_wave_is_played_at_its_times_and_seen_at_the_camera_s(
    face: FaceConfig, robot: BenchRobot
) -> None:
    session = Session(robot)
    asked = excitation_wave(face, 60.0)[:150]
    try:
        session.rig.start()
        run = session.rig.run_trajectory(asked, 60.0)
    finally:
        session.rig.stop()
    np.testing.assert_allclose(np.diff(run.sent_at), 1 / 60, atol=1e-6)
    assert np.abs(run.sent - asked).max() < 0.1  # a missed tick is bridged
    assert len(run.seen_at) == len(run.seen) == len(run.head) > 20
    assert (np.diff(run.seen_at) > 0).all()
    robot.assert_at_rest()


def test_another_face_or_another_place_is_refused_later(robot: BenchRobot, tmp_path: Path) -> None:
    first = Session(robot, tmp_path)
    first.rig.start()
    first.rig.stop()
    assert first.films.registered == len(first.films.observations) > 0
    known = RestPose.load(tmp_path, robot.face)
    assert known is not None
    again = Session(robot, tmp_path)
    again.rig.start()  # the same is welcome
    again.rig.stop()
    assert again.films.registered == len(again.films.observations) > 0

    other = Session(robot, tmp_path)
    other.films.spoil = lambda f: replace(f, landmarks=f.landmarks * [1.2, 1.0, 1.0])
    with pytest.raises(
        ConfigError, match=r"\d mm .*allowed are 3.5: it is another face"
    ) as refused:
        other.rig.start()
    assert "mien calibrate all --face hobby9" in refused.value.hint
    assert other.films.registered == 0
    other.rig.stop()

    turned = Session(robot, tmp_path)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("y", 12, degrees=True).as_matrix()
    turned.films.spoil = lambda f: replace(f, head=turn @ f.head)
    with pytest.raises(DeviceError, match="head or camera have moved") as e:
        turned.rig.start()
    assert "put head and camera back" in e.value.hint
    turned.rig.stop()
    robot.assert_at_rest()


def test_nobody_in_view_is_said_before_the_first_pose(robot: BenchRobot) -> None:
    session = Session(robot)
    session.films.spoil = lambda _: NO_FACE
    with pytest.raises(
        DeviceError, match=r"no usable picture of the face at rest in 30 .30 no face"
    ):
        session.rig.start()
    session.rig.stop()
    robot.assert_at_rest()
