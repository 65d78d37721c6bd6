"""The simulated robot: pulses in, a moving face out. ``step`` advances its time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from mien.robot.errors import MienError
from mien.robot.face.config import FaceConfig
from mien.robot.sim.builds import Build
from mien.robot.sim.damage import BLINDING, Damage
from mien.robot.sim.description import load_mechanism
from mien.robot.sim.divergence import MAX_RATE, diverged
from mien.robot.sim.draft import BRACED, TIME_STEP
from mien.robot.sim.drives import sheath_friction
from mien.robot.sim.faults import Fault
from mien.robot.sim.head import load_head
from mien.robot.sim.mechanism import CompiledMechanism, assemble
from mien.robot.sim.servo import ServoBank, ServoState
from mien.robot.sim.skin import Node, Skin, SkinState

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

MILLIMETRES = 1e3
SETTLING_S = 0.6  # at neutral, before time 0: the linkages settle
JAMMED_NM = 50.0  # friction of a stuck gear train: more than any servo here can turn


class Rig:
    """One robot of one face.

    Args:
        face: the face.
        build: its tolerances, or their seed; 0 has none.
        faults: faults of the robot.

    Attributes:
        time: simulated seconds since ``reset``.
        dt: seconds per ``step``.
        machine: the compiled mechanism; ``machine.model`` and ``data`` are MuJoCo's.
    """

    dt = TIME_STEP

    def __init__(
        self, face: FaceConfig, build: int | Build = 0, faults: Sequence[Fault] = ()
    ) -> None:
        self.face, self.faults = face, tuple(faults)
        self.build = build if isinstance(build, Build) else Build(build)
        plan = load_mechanism(face.mechanism_source)
        nominal = load_head()
        self.head = nominal.with_identity(self.build.identity(nominal.identity))
        self.machine: CompiledMechanism = assemble(face, plan, self.head, self.build)
        self.data: Any = mujoco.MjData(self.machine.model)
        kinds = [plan.servos[a.servo] for a in face.actuators.values()]
        self.servos = ServoBank(face, kinds, self.build, self.dt)
        owners = {s.actuator: (name, s) for name, s in plan.tendons.items()}
        pairs = [owners[a] for a in self.machine.tendons]
        self._share = np.array([sheath_friction(self.build, n, s.friction) for n, s in pairs])
        self._rub = np.array([s.rub for _, s in pairs])
        model = self.machine.model
        self._pristine = {
            name: getattr(model, name).copy()
            for name in (
                "dof_frictionloss",
                "tendon_stiffness",
                "tendon_lengthspring",
                "eq_solref",
            )
        }
        self._stall, self._drag = (
            model.actuator_gainprm[:, 0].copy(),
            model.actuator_biasprm[:, 2].copy(),
        )
        self._neutral = face.pulses[:, 1].copy()
        self._rest: tuple[F64, F64, F64, ServoState] = self._settle()
        self.reset()

    def reset(self) -> None:
        """Set time 0: everything at rest at the neutral pulses, and no fault has occurred."""
        self._mend()
        self.data.qpos[:], self.data.qvel[:], self.data.qacc_warmstart[:] = self._rest[:3]
        self.servos.restore(self._rest[3])
        self.data.time = self.time = 0.0
        self._steps = 0
        mujoco.mj_forward(self.machine.model, self.data)
        self.data.qacc_warmstart[:] = self._rest[2]
        self._fresh = True
        self._events = sorted(self.faults, key=lambda f: f.at)

    def step(self, pulses_us: F64, powered: bool | Bools = True) -> None:
        """Advance one ``dt``.

        Args:
            pulses_us: (n,) pulse widths at the servos' inputs, us.
            powered: whether the servos have power and a pulse train, for all or (n,).

        Raises:
            MienError: the rig left physics; part, time and commands are named.
        """
        while self._events and self._events[0].at <= self.time + 1e-9:
            self._damage.add(self._events.pop(0), self.time)
            self._apply_damage()
        machine, data = self.machine, self.data
        on = np.logical_and(powered, ~self._damage.dead)
        if self.time < self._damage.dark_until:
            on = np.zeros_like(on)
        if not np.array_equal(on, self._on):
            self._switch(on)
        data.ctrl[:] = self.servos.drive(
            pulses_us, data.qpos[machine.horn_q], data.qvel[machine.horn_v]
        )
        if len(machine.tendons):
            rub = self._rub + self._share * self._tension(machine.skin_tendons)
            machine.model.dof_frictionloss[machine.runner_v] = rub
        mujoco.mj_step(machine.model, data)
        self._steps += 1
        self.time = self._steps * self.dt
        self._fresh = False
        if not np.abs(data.qvel).max() < MAX_RATE:  # true for NaN, too
            raise self._diverged(pulses_us)

    @property
    def blind(self) -> bool:
        """Whether a fault blinds the cameras now."""
        return any(f.kind in BLINDING and f.at <= self.time < f.at + f.amount for f in self.faults)

    def servo_angles(self) -> F64:
        """(n,) angles of the horns in rad: 0 at nominal neutral, + for a positive command."""
        return np.array(self.data.qpos[self.machine.horn_q])

    def loads(self) -> F64:
        """(n,) torques of the motors at the output shaft in N m; + towards a positive command."""
        return np.array(self.data.actuator_force)

    def tensions(self) -> dict[str, float]:
        """Tension of every tendon at the skin in N, by actuator. Never negative."""
        pulls = self._tension(self.machine.skin_tendons)
        return dict(zip(self.machine.tendons, pulls.tolist(), strict=True))

    def skin_state(self) -> SkinState:
        """State of the skin in mm and rad in the head frame, without the motion of the neck."""
        self._refresh()
        machine, d = self.machine, self.data
        turn, place = d.xmat[machine.head].reshape(3, 3), d.xpos[machine.head]
        nodes = ((d.xpos[machine.node_bodies] - place) @ turn) * MILLIMETRES
        x, y, z = turn.T @ d.xmat[machine.eyes].reshape(-1, 3, 3)[:, :, 2].T  # gaze directions
        tongue = np.zeros(3)
        if machine.tongue >= 0:
            jaw_turn = d.xmat[machine.jaw].reshape(3, 3)
            apart = (d.xpos[machine.tongue] - d.xpos[machine.jaw]) @ jaw_turn
            tongue = apart * MILLIMETRES - self._tongue_rest
            if guide := machine.plan.outputs.tongue_guide:
                tongue[1] += np.interp(tongue[2], *np.transpose(guide))
        return SkinState(
            nodes=nodes - self._node_rest,
            lids=d.qpos[machine.lids].copy(),
            gaze=np.stack([np.arctan2(x, z), np.arcsin(np.clip(y, -1.0, 1.0))], axis=1),
            jaw=self._motion(machine.jaw, machine.head),
            tongue=tongue,
            head=self.head_pose(),
        )

    def landmarks(self) -> F64:
        """True landmarks (478, 3) in mm in the head frame, without the motion of the neck."""
        points: F64 = self.skin.landmarks(self.skin_state())
        return points

    def head_pose(self) -> F64:
        """(4, 4): from the head frame to the frame of the robot's base, mm."""
        self._refresh()
        return self._motion(self.machine.head, 0)

    @cached_property
    def skin(self) -> Skin:
        """The mesh that follows the mechanism."""
        net = self.machine.net
        return Skin(self.head, [Node(n, a) for n, a in zip(net.names, net.anchors, strict=True)])

    def _motion(self, body: int, frame: int) -> F64:
        """Motion (4, 4) of a body since neutral in the frame of another body, mm."""
        d = self.data
        turn = d.xmat[frame].reshape(3, 3)
        out = np.eye(4)
        out[:3, :3] = turn.T @ d.xmat[body].reshape(3, 3)
        now = turn.T @ (d.xpos[body] - d.xpos[frame]) * MILLIMETRES
        # Both frames are parallel to the head frame at neutral, so only their places differ there.
        out[:3, 3] = now - out[:3, :3] @ self._origin[body] + self._origin[frame]
        return out

    def _tension(self, tendons: NDArray[np.int64]) -> F64:
        model = self.machine.model
        stretch = self.data.ten_length[tendons] - model.tendon_lengthspring[tendons, 1]
        pull: F64 = model.tendon_stiffness[tendons] * np.maximum(stretch, 0.0)
        return pull

    def _refresh(self) -> None:
        if not self._fresh:  # mj_step leaves the places of before its last integration
            mujoco.mj_kinematics(self.machine.model, self.data)
            self._fresh = True

    def _diverged(self, pulses_us: F64) -> MienError:
        given = "".join(f" --fault {fault}" for fault in self.faults)
        about = f"build {self.build.seed}{given}, cannot be computed: at {self.time:.3f} s"
        return diverged(self.face, self.machine, self.data.qvel, pulses_us, about)

    def _settle(self) -> tuple[F64, F64, F64, ServoState]:
        model, data = self.machine.model, self.data
        mujoco.mj_resetData(model, data)
        mujoco.mj_kinematics(model, data)
        self._origin = data.xpos * MILLIMETRES
        self._node_rest = self.machine.net.anchors - self._origin[self.machine.head]
        jaw, tongue = self.machine.jaw, self.machine.tongue
        self._tongue_rest = self._origin[tongue] - self._origin[jaw]
        self.time, self._steps, self._events, self._fresh = 0.0, 0, [], False
        self._mend()
        self.servos.reset()
        for _ in range(round(SETTLING_S / self.dt)):
            self.step(self._neutral)
        q, v, a = (np.array(x) for x in (data.qpos, data.qvel, data.qacc_warmstart))
        return q, v, a, self.servos.snapshot()

    def _mend(self) -> None:
        for name, value in self._pristine.items():
            getattr(self.machine.model, name)[:] = value
        self._damage = Damage(self.face.names, self.machine.tendons)
        self._on = np.ones(len(self.face.names), dtype=bool)
        self._apply_damage()

    def _switch(self, on: Bools) -> None:
        """Switch the motors on or off.

        A motor without power has neither torque nor the drag of its shorted winding. The friction
        of its gears is a constraint only then. Under power the motor overcomes it before it turns
        (``ServoBank``), which costs the solver nothing.
        """
        model, gears = self.machine.model, self.machine.horn_v
        model.dof_frictionloss[gears] = np.where(
            self._damage.jammed, JAMMED_NM, self._pristine["dof_frictionloss"][gears] * ~on
        )
        model.eq_solref[:] = np.where(
            self._damage.jammed[self.machine.rod_actuators, None],
            BRACED,
            self._pristine["eq_solref"],
        )
        model.actuator_gainprm[:, 0] = self._stall * on
        model.actuator_biasprm[:, 2] = self._drag / self._damage.speed * on
        self._on = on.copy()

    def _apply_damage(self) -> None:
        machine, model, damage = self.machine, self.machine.model, self._damage
        self.servos.slip[:] = damage.slip
        stiffness, length = (
            self._pristine["tendon_stiffness"],
            self._pristine["tendon_lengthspring"],
        )
        for half in (machine.drive_tendons, machine.skin_tendons):
            model.tendon_stiffness[half] = stiffness[half] * ~damage.torn
        drive = machine.drive_tendons
        model.tendon_lengthspring[drive, 1] = length[drive, 1] + damage.slack_mm / MILLIMETRES
        self._switch(self._on)
