"""Faults act as they say, when they say, on what they say."""

from __future__ import annotations

import numpy as np

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.sim.faults import parse_faults
from mien.robot.sim.rig import Rig
from tests.robot.sim.rigs import commands, hold, node

FACE = load_face("morpheus33")
JAW = FACE.index("jaw_open")


def _rig(*faults: str) -> Rig:
    return Rig(FACE, faults=parse_faults(list(faults), FACE))


def _angle(rig: Rig, name: str) -> float:
    return float(np.rad2deg(rig.servo_angles()[FACE.index(name)]))


def test_stuck_servo_stays_and_the_others_move() -> None:
    rig = _rig("stuck:corner_y_left")
    hold(rig, commands(FACE, corner_y=1.0))
    assert abs(_angle(rig, "corner_y_left")) < 3.0
    assert _angle(rig, "corner_y_right") > 25.0


def test_dead_servo_has_no_torque_but_can_be_moved() -> None:
    rig = _rig("dead:jaw_open@0.8")
    hold(rig, commands(FACE, jaw_open=1.0), 0.8)
    held = _angle(rig, "jaw_open")
    hold(rig, commands(FACE, jaw_open=1.0), 0.6)
    assert rig.loads()[JAW] == 0.0
    assert _angle(rig, "jaw_open") < 0.8 * held


def test_slow_servo_is_late() -> None:
    rig = _rig("slow:lid_upper_left:0.2")
    hold(rig, commands(FACE, lid_upper=1.0), 0.14)
    assert _angle(rig, "lid_upper_left") < 0.6 * _angle(rig, "lid_upper_right")
    hold(rig, commands(FACE, lid_upper=1.0), 1.0)
    assert abs(_angle(rig, "lid_upper_left") - _angle(rig, "lid_upper_right")) < 2.0


def test_slipped_horn_is_off_by_what_was_said() -> None:
    rig = _rig("slip:gaze_x:8@0.1")
    hold(rig, np.zeros(len(FACE.names)), 0.08)
    assert abs(_angle(rig, "gaze_x")) < 1.0
    hold(rig, np.zeros(len(FACE.names)), 0.5)
    assert abs(_angle(rig, "gaze_x") - 8.0) < 1.0


def test_torn_string_lets_the_cheek_go() -> None:
    rig = _rig("torn:cheek_left@0.8")
    hold(rig, commands(FACE, cheek=1.0), 0.8)
    pulled = node(rig, "cheek_left")[1]
    hold(rig, commands(FACE, cheek=1.0), 0.8)
    assert rig.tensions()["cheek_left"] == 0.0
    assert node(rig, "cheek_left")[1] < 0.3 * pulled
    assert node(rig, "cheek_right")[1] > 0.9 * pulled


def test_slack_string_starts_late() -> None:
    rig = _rig("slack:cheek_left:4")
    hold(rig, commands(FACE, cheek=0.35))
    assert node(rig, "cheek_left")[1] < 0.5 * node(rig, "cheek_right")[1]


def test_brownout_takes_power_from_all_and_gives_it_back() -> None:
    rig = _rig("brownout:0.3@0.6")
    pose = commands(FACE, jaw_open=1.0)
    hold(rig, pose, 0.6)
    held = _angle(rig, "jaw_open")
    pulses = to_pulses(FACE, pose)
    for _ in range(140):
        rig.step(pulses)
        assert not rig.loads().any()
    assert _angle(rig, "jaw_open") < 0.9 * held
    hold(rig, pose, 0.6)
    assert abs(_angle(rig, "jaw_open") - held) < 1.5


def test_reset_mends_and_breaks_again() -> None:
    rig = _rig("stuck:corner_y_left@0.2")
    pose = commands(FACE, corner_y=1.0)

    def run() -> float:
        rig.reset()
        hold(rig, np.zeros(len(FACE.names)), 0.1)
        hold(rig, pose, 0.1)
        at = _angle(rig, "corner_y_left")
        hold(rig, pose, 0.3)
        assert abs(_angle(rig, "corner_y_left") - at) < 4.0
        return _angle(rig, "corner_y_left")

    assert run() == run()
