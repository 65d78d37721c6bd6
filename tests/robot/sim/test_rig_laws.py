"""Laws that the rig's mechanics must keep, whatever it is told."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face, shipped
from mien.robot.sim.rig import Rig
from tests.robot.sim.rigs import F64, commands, hold, node

FACE = load_face("morpheus33")


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig(FACE)


def _random_pose(seed: int) -> F64:
    low, high = FACE.limits.T
    return np.asarray(np.random.default_rng(seed).uniform(low, high))


@pytest.mark.parametrize("name", ["morpheus33", "hobby9"])
def test_rests_near_the_drawing_and_does_not_creep(name: str) -> None:
    rig = Rig(load_face(name))
    assert np.abs(rig.landmarks() - rig.head.neutral_landmarks).max() < 1.0
    before = rig.landmarks()
    hold(rig, np.zeros(len(rig.face.names)), 0.5)
    assert np.abs(rig.landmarks() - before).max() < 0.1


def test_rods_keep_their_length(rig: Rig) -> None:
    rig.reset()
    machine = rig.machine
    for seed in range(6):
        pulses = to_pulses(FACE, _random_pose(seed))
        off = []
        for _ in range(200):
            rig.step(pulses)
            now = rig.data.ten_length[machine.rods]
            off.append(float(np.abs(now - machine.model.tendon_length0[machine.rods]).max()))
        assert max(off) < 0.5e-3  # m, in the worst jerk; rods are 20 to 45 mm long
        assert off[-1] < 0.1e-3


def test_tendons_never_push(rig: Rig) -> None:
    rig.reset()
    model, data, machine = rig.machine.model, rig.data, rig.machine
    for seed in range(8):
        pulses = to_pulses(FACE, _random_pose(seed + 30))
        for _ in range(60):
            rig.step(pulses)
            for tendons in (machine.drive_tendons, machine.skin_tendons):
                stretch = data.ten_length[tendons] - model.tendon_lengthspring[tendons, 1]
                assert np.all(model.tendon_lengthspring[tendons, 0] == 0.0)
                assert np.all(model.tendon_stiffness[tendons] * np.maximum(stretch, 0.0) >= 0.0)
            assert min(rig.tensions().values()) >= 0.0


def test_a_string_paid_out_leaves_the_skin_where_it_is(rig: Rig) -> None:
    """Below neutral a string is slack: the servo turns away from the skin and nothing moves."""
    rig.reset()
    rest = node(rig, "cheek_left")
    pulses = FACE.pulses[:, 1].copy()
    pulses[FACE.index("cheek_left")] = FACE.pulses[FACE.index("cheek_left"), 0]
    for _ in range(300):
        rig.step(pulses)
    assert np.rad2deg(rig.servo_angles()[FACE.index("cheek_left")]) < -30.0
    assert np.abs(node(rig, "cheek_left") - rest).max() < 0.2
    assert rig.tensions()["cheek_left"] < 0.05  # N; what the runner's own friction holds


@pytest.mark.parametrize("name", ["cheek_left", "nose_right"])
def test_a_string_remembers_the_way_it_came(rig: Rig, name: str) -> None:
    rig.reset()
    place = {"cheek_left": "cheek_left", "nose_right": "nose_wing_right"}[name]
    hold(rig, commands(FACE, **{name: 0.0}))
    low = node(rig, place)
    hold(rig, commands(FACE, **{name: 0.5}), 1.0)
    up = node(rig, place)
    hold(rig, commands(FACE, **{name: 1.0}), 1.0)
    high = node(rig, place)
    hold(rig, commands(FACE, **{name: 0.5}), 1.0)
    down = node(rig, place)
    travel = np.linalg.norm(high - low)
    along = (high - low) / travel
    assert 0.05 < (down - up) @ along / travel < 0.30  # still pulled further on the way down


def test_lips_press_but_never_cross(rig: Rig) -> None:
    rig.reset()
    rest = _gaps(rig)
    slammed, pressed, touching = 0.0, 0.0, 0
    for seed in range(10):
        pose = _random_pose(seed + 100)
        lips = [k for k, n in enumerate(FACE.names) if n.startswith("lip_")]
        pose[lips] = -np.abs(pose[lips])  # all of them close
        pose[FACE.index("jaw_open")] *= 0.4
        pulses = to_pulses(FACE, pose)
        for step in range(200):
            rig.step(pulses)
            if step % 10 == 0:
                gaps = _gaps(rig) - rest
                slammed, touching = min(slammed, gaps.min()), touching + int(np.sum(gaps < 0.1))
        pressed = min(pressed, gaps.min())
    assert touching > 100  # the test did press them
    assert pressed > -1.2  # mm at rest; silicone gives a little,
    assert slammed > -4.0  # and more for an instant, when the jaw slams shut


def _gaps(rig: Rig) -> F64:
    """(pairs,) heights of the upper lip's contact pads over the lower lip's, mm."""
    model, data = rig.machine.model, rig.data
    mujoco.mj_kinematics(model, data)
    up = data.xmat[rig.machine.head].reshape(3, 3)[:, 1]
    out = []
    for name in rig.machine.plan.contacts:
        upper, lower = model.geom(f"{name}.upper").id, model.geom(f"{name}.lower").id
        out.append((data.geom_xpos[upper] - data.geom_xpos[lower]) @ up * 1e3)
    return np.array(out)


def test_lids_meet_and_do_not_pass(rig: Rig) -> None:
    rig.reset()
    hold(rig, commands(FACE, lid_upper=1.0, lid_lower=1.0))
    lids = np.rad2deg(rig.skin_state().lids)
    meet = rig.machine.plan.stops["lids_left"].max
    assert np.all(lids[:2] + lids[2:] < meet + 1.2)  # two servos at their stall torque
    assert np.all(lids[:2] + lids[2:] > meet - 2.0)


def test_without_power_servos_have_no_torque_and_follow_the_skin(rig: Rig) -> None:
    rig.reset()
    hold(rig, commands(FACE, jaw_open=1.0, corner_y=1.0))
    jaw = FACE.index("jaw_open")
    held = rig.servo_angles()[jaw]
    assert abs(rig.loads()[jaw]) > 0.1
    pulses = to_pulses(FACE, commands(FACE, jaw_open=1.0, corner_y=1.0))
    for _ in range(250):
        rig.step(pulses, False)
        assert not rig.loads().any()
    assert rig.servo_angles()[jaw] < 0.8 * held  # the stretched skin drives it back


def test_horn_to_skin_is_not_a_line(rig: Rig) -> None:
    rig.reset()
    lid = []
    for value in (-1.0, 0.0, 1.0):
        hold(rig, commands(FACE, lid_upper_left=value))
        lid.append(float(np.rad2deg(rig.skin_state().lids[0])))
    assert (lid[2] - lid[1]) > 2.0 * (lid[1] - lid[0]) > 0.0


def test_two_actuators_together_are_not_the_sum_of_each(rig: Rig) -> None:
    def moved(**named: float) -> F64:
        rig.reset()
        rest = rig.landmarks()
        hold(rig, commands(FACE, **named))
        return rig.landmarks() - rest

    together = moved(corner_x=-1.0, corner_y=1.0)
    summed = moved(corner_x=-1.0) + moved(corner_y=1.0)
    assert np.linalg.norm(together - summed) > 0.05 * np.linalg.norm(together)


@pytest.mark.parametrize("name", shipped())
def test_no_linkage_turns_back(name: str) -> None:
    """More command is more motion: no four-bar passes its dead centre, no servo stalls alone."""
    face = load_face(name)
    rig = Rig(face)
    for linkage in rig.machine.plan.linkages.values():
        if linkage.actuator == "tongue_out":
            continue  # stops at the teeth
        k, moved = face.index(linkage.actuator), []
        rig.reset()
        for value in np.linspace(face.limits[k, 0], face.limits[k, 1], 5):
            hold(rig, commands(face, **{linkage.actuator: float(value)}), 0.3)
            if linkage.node is not None:
                moved.append(float(node(rig, linkage.node) @ np.asarray(linkage.pull)))
            else:
                moved.append(linkage.sense * float(rig.data.joint(linkage.joint).qpos[0]))
        assert np.all(np.diff(moved) > 0.0), linkage.actuator


def test_the_tongue_stops_at_the_teeth(rig: Rig) -> None:
    out = []
    for jaw in (0.0, 0.5):
        rig.reset()
        hold(rig, commands(FACE, jaw_open=jaw, tongue_out=1.0), 0.8)
        out.append(float(rig.skin_state().tongue[2]))
    assert out[0] < 7.0 < 15.0 < out[1]  # the incisors' backs are 7 mm before the tip


def test_the_tongue_rises_behind_the_teeth_before_it_comes_out(rig: Rig) -> None:
    rig.reset()
    tips = []
    for command in (0.0, 0.33, 1.0):
        hold(rig, commands(FACE, jaw_open=0.5, tongue_out=command), 0.8)
        tips.append(rig.skin_state().tongue)
    (_, low, _), (_, up, within), (_, out_y, out) = tips
    assert low == pytest.approx(0.0, abs=1.0)
    assert up > 7.0 > out_y
    assert within < 8.0 < 15.0 < out


@pytest.mark.parametrize("seed", [0, 3])
def test_the_same_commands_give_the_same_motion_bit_for_bit(seed: int) -> None:
    def run(rig: Rig) -> F64:
        rig.reset()
        seen = []
        for k in range(4):
            hold(rig, _random_pose(k), 0.1)
            seen.append(rig.landmarks())
        return np.array(seen)

    one = Rig(FACE, build=seed)
    first = run(one)
    assert np.array_equal(first, run(one))
    assert np.array_equal(first, run(Rig(FACE, build=seed)))


def test_random_poses_stay_finite_and_human(rig: Rig) -> None:
    rig.reset()
    rest = rig.landmarks()
    for seed in range(20):
        hold(rig, _random_pose(seed + 50), 0.3)
        moved = np.linalg.norm(rig.landmarks() - rest, axis=1)
        assert np.all(np.isfinite(moved))
        assert moved.max() < 50.0  # mm
        assert np.abs(rig.servo_angles()).max() < np.deg2rad(60.0)


def test_the_neck_moves_the_head_but_not_the_landmarks(rig: Rig) -> None:
    rig.reset()
    rest = rig.landmarks()
    hold(rig, commands(FACE, neck_yaw=1.0, neck_pitch=0.5), 1.0)
    assert np.abs(rig.landmarks() - rest).max() < 0.5
    turn = rig.head_pose()[:3, :3]
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert 25.0 < np.rad2deg(np.arctan2(turn[0, 2], turn[2, 2])) < 45.0
