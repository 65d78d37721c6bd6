"""A rig that leaves physics says so, with part and pose; a jammed servo does not make it."""

from __future__ import annotations

import numpy as np
import pytest

from mien.robot.errors import MienError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.sim.divergence import MAX_RATE
from mien.robot.sim.faults import parse_fault
from mien.robot.sim.rig import Rig


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1e3])
def test_a_diverged_rig_is_an_error_that_names_part_and_pose(wrong: float) -> None:
    face = load_face("hobby9")
    rig = Rig(face, build=3, faults=[parse_fault("stuck:gaze_x@9", face)])
    pose = np.zeros(len(face.names))
    pose[face.index("jaw_open")], pose[face.index("brow_left")] = 0.5, -0.25
    rig.step(to_pulses(face, pose))
    joint = rig.machine.model.joint("lid_upper_left")
    rig.data.qvel[joint.dofadr[0]] = wrong
    with pytest.raises(MienError) as e:
        rig.step(to_pulses(face, pose))
    assert "hobby9, build 3 --fault stuck:gaze_x@9, cannot be computed" in e.value.message
    assert "jaw_open +0.50, brow_left -0.25" in e.value.message
    assert e.value.hint
    if np.isfinite(wrong):  # one part alone, before it takes the others along
        assert "the part lid_upper_left moves" in e.value.message
    rig.reset()
    rig.step(to_pulses(face, pose))
    rig.skin_state()


def test_a_jammed_jaw_stays_where_it_jams_and_the_rest_goes_on() -> None:
    face = load_face("hobby9")
    rig = Rig(face, faults=[parse_fault("stuck:jaw_open@0.5", face)])
    jaw, brow = face.index("jaw_open"), face.index("brow_left")
    hinge = int(rig.machine.model.joint("jaw_hinge").qposadr[0])
    pose = np.zeros(len(face.names))
    pose[jaw] = 0.6
    held, fastest, brows = [], 0.0, []
    for k in range(1500):  # 3 s of talking: at the old stiffness of its rods it left physics
        now = pose * (1.0 if k < 250 else np.sin(0.05 * k))
        now[brow] = np.sin(0.05 * k)
        rig.step(to_pulses(face, now))
        if k > 300:
            fastest = max(fastest, float(np.abs(rig.data.qvel).max()))
            held.append(float(rig.data.qpos[hinge]))
            brows.append(float(rig.servo_angles()[brow]))
    assert fastest < 0.1 * MAX_RATE
    assert np.ptp(held) < np.deg2rad(0.5)  # the skin pulls at it
    assert np.mean(held) > np.deg2rad(3.0)  # open, where it jammed
    assert np.ptp(brows) > np.deg2rad(20.0)


def test_a_jammed_servo_gets_its_rods_back_when_it_is_mended() -> None:
    face = load_face("hobby9")
    rig = Rig(face, faults=[parse_fault("stuck:gaze_x", face)])
    model, healthy = rig.machine.model, rig.machine.model.eq_solref.copy()
    rig.step(face.pulses[:, 1])
    changed = np.flatnonzero((model.eq_solref != healthy).any(1))
    owners = {face.names[rig.machine.rod_actuators[k]] for k in changed}
    assert owners == {"gaze_x"}
    rig.reset()
    np.testing.assert_array_equal(model.eq_solref, healthy)
