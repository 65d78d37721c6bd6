"""Reversals lead by the play of a servo, and a small turn of the head is seen."""

import numpy as np
import pytest

from mien.models.face.curves import CURVES
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.face.servo_play import PLAY_US, ServoPlay, led

FACE = load_face("morpheus33")
YAW, CHEEK = FACE.index("neck_yaw"), FACE.index("cheek_left")
LEAD = PLAY_US / 400.0  # of a range of 400 us


def test_a_command_leads_to_the_side_that_it_moves_to() -> None:
    row = np.zeros((7, len(FACE.names)))
    row[:, YAW] = [0.0, 0.1, 0.2, 0.2, 0.199, 0.1, 0.1]
    lead = led(FACE, row)[:, YAW] - row[:, YAW]
    assert lead == pytest.approx([0.0, LEAD, LEAD, LEAD, LEAD, -LEAD, -LEAD])


def test_each_servo_leads_by_its_own_play() -> None:
    tree = FACE.model_dump()
    tree["actuators"]["neck_yaw"]["play_us"] = 10.0
    tree["actuators"]["neck_roll"]["play_us"] = 0.0
    row = np.full((1, len(FACE.names)), 0.1)
    lead = led(FaceConfig.model_validate(tree), row)[0] - row[0]
    for name, us in (("neck_yaw", 10.0), ("neck_roll", 0.0), ("neck_pitch", PLAY_US)):
        assert lead[FACE.index(name)] == pytest.approx(us / 400.0)


def test_noise_is_no_reversal() -> None:
    rows = np.zeros((50, len(FACE.names)))
    rows[:, YAW] = 0.3 + 0.1 * LEAD * np.resize([1.0, -1.0], 50)
    lead = led(FACE, rows)[:, YAW] - rows[:, YAW]
    assert np.all(lead > 0.0)


def test_tendons_and_limits_stay() -> None:
    rows = np.ones((2, len(FACE.names)))
    rows[1] = 0.5
    out = led(FACE, rows)
    assert out[1, CHEEK] == rows[1, CHEEK]
    assert np.all(out <= FACE.limits[:, 1])


def test_each_take_starts_from_neutral() -> None:
    first, again = ServoPlay(FACE), ServoPlay(FACE)
    row = np.full(len(FACE.names), 0.2)
    first(row)
    assert np.array_equal(first(row), again(row))


def test_a_small_turn_of_the_head_is_seen_on_the_rig() -> None:
    pytest.importorskip("mujoco")
    from tests.bench.robot.manner_rig import RigReader

    curves = np.zeros((150, len(CURVES)), np.float32)
    asked = np.radians(1.5) * np.sin(2 * np.pi * 0.8 * np.arange(150) / 60)
    curves[:, CURVES.index("HeadYaw")] = asked
    shown = RigReader(Calibrated(FACE)).play(curves).head[:, 0]
    assert np.ptp(shown[40:]) > 0.75 * np.ptp(asked)  # without the lead it is 0.61
