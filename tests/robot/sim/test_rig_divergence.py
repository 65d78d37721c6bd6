"""A rig that leaves physics says so, with part and pose; a jammed servo does not make it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.robot.errors import MienError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FACES, FaceConfig, load_face
from mien.robot.sim.builds import Build
from mien.robot.sim.description import load_mechanism
from mien.robot.sim.divergence import MAX_LOAD, MAX_RATE, causes
from mien.robot.sim.faults import parse_fault
from mien.robot.sim.head import load_head
from mien.robot.sim.mechanism import assemble
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


def own_face(folder: Path, old: str, new: str) -> FaceConfig:
    """The middle example with another text in its mechanism."""
    for name in ("maker14.yaml", "maker14_mechanism.yaml"):
        text = (FACES / "examples" / name).read_text()
        if "mechanism" in name:
            assert old in text
            text = text.replace(old, new)
        (folder / name).write_text(text)
    return load_face(folder / "maker14.yaml")


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("anchor_stiffness: 1200", "anchor_stiffness: 12000", "linkages.", "anchor_stiffness of"),
        ("stiffness: 900,", "stiffness: 9000,", "tendons.cheek", "N/m is too stiff"),
        ("jaw_hinge: {kind: hinge, axis: [1, 0, 0], stiffness: 0.1",
         "jaw_hinge: {kind: hinge, axis: [1, 0, 0], stiffness: 10000",
         "bodies.jaw.joints.jaw_hinge", "N m/rad is too stiff"),
        ("stall_torque: 0.2", "stall_torque: 40", "servos.micro", "too strong"),
    ],
)  # fmt: skip
def test_a_rig_that_diverges_says_why_and_what_would_do(
    tmp_path: Path, old: str, new: str, key: str, said: str
) -> None:
    face = own_face(tmp_path, old, new)
    rng = np.random.default_rng(0)
    with pytest.raises(MienError) as e:
        rig = Rig(face)
        for _ in range(10):
            pulses = to_pulses(face, rng.uniform(face.limits[:, 0], face.limits[:, 1]))
            for _ in range(80):
                rig.step(pulses)
    assert "the part " in e.value.message
    assert "the pose was " in e.value.message
    assert said in e.value.message
    assert "at most" in e.value.message.split("why:")[1]
    assert e.value.hint == f"mien face check {tmp_path / 'maker14.yaml'}"
    machine = assemble(face, load_mechanism(face.mechanism_source), load_head(), Build())
    assert any(cause.key.startswith(key) for cause in causes(face, machine))


@pytest.mark.parametrize("name", ["hobby9", "morpheus33"])
def test_nothing_is_out_of_proportion_in_the_faces_that_ship(name: str) -> None:
    face = load_face(name)
    assert causes(face, Rig(face).machine) == []
    assert MAX_LOAD < 1.0
