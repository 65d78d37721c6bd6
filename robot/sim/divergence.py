"""Why a simulated robot leaves physics: springs too stiff for a mass, motors too strong for a horn.

The rig takes steps of a fixed length dt. Its integrator treats damping implicitly and springs
explicitly (semi-implicit Euler). With stiffness K, mass M and damping D it is stable while

    dt^2 K < 4 M + 2 dt D

as quadratic forms; the largest generalised eigenvalue of both sides is the ``load`` of the springs.
The skin hardens when it moves, so that less than 1 is needed at rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import Any, Final

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from mien.robot.errors import MienError
from mien.robot.face.actuators import to_commands
from mien.robot.face.config import FaceConfig
from mien.robot.sim.mechanism import CompiledMechanism

F64 = NDArray[np.float64]

MAX_RATE: Final = 200.0
"""Speed of a joint in rad/s or m/s beyond which the rig has left physics. Ten times what the parts
of the faces that ship reach when all commands jump at once."""
MAX_LOAD: Final = 0.94
"""Load of the springs that the rig bears. The densest face that ships has 0.91; with 0.94 and more
faces diverge at rest."""
_SAFE_LOAD: Final = 0.8
_MAX_NAMED = 6
"""Commands that an error about the rig lists, the largest first."""


@dataclass(frozen=True)
class Cause:
    """Something in a mechanism that cannot be computed.

    Attributes:
        key: its place in the mechanism's file, as far as it is known.
        text: what is out of proportion.
        remedy: what to change.
    """

    key: str
    text: str
    remedy: str


def causes(face: FaceConfig, machine: CompiledMechanism) -> list[Cause]:
    """Everything that is out of proportion; empty where the rig can be computed."""
    return [*_stiff_springs(machine), *_strong_motors(face, machine)]


def diverged(
    face: FaceConfig, machine: CompiledMechanism, rates: F64, pulses_us: F64, about: str
) -> MienError:
    """The error about a rig that left physics: part, pose and, where it is known, why.

    Args:
        face: the face. machine: its mechanism.
        rates: (nv,) speeds of all joints, rad/s or m/s.
        pulses_us: (n,) pulses in us.
        about: when it happened and to whom.
    """
    rates = np.abs(rates)
    fastest = int(np.nan_to_num(rates, nan=np.inf).argmax())
    commands = to_commands(face, np.asarray(pulses_us))
    largest = np.argsort(-np.abs(commands), kind="stable")[:_MAX_NAMED]
    pose = ", ".join(f"{face.names[i]} {commands[i]:+.2f}" for i in largest)
    known = causes(face, machine)
    why = "; ".join(f"{c.text}: {c.remedy}" for c in known[:2])
    what = "" if known else "move those actuators less or more slowly in the face's YAML, or "
    otherwise = f"{what}leave out the fault" if "--fault" in about else what.removesuffix(", or ")
    check = f"mien face check {quote(face.given)}"
    return MienError(
        f"the simulated {face.name}, {about} the part {_joint(machine, fastest)}"
        f"{_in_words(machine, fastest)} moves at {rates[fastest]:.3g} rad/s or m/s, at most "
        f"{MAX_RATE:g} is possible; the pose was {pose}" + (f"; why: {why}" if why else ""),
        check if known else otherwise,
    )


def _stiff_springs(machine: CompiledMechanism) -> list[Cause]:
    model = machine.model
    dt = float(model.opt.timestep)
    springs = _springs(model)
    loads, shapes = eigh(
        dt * dt * springs.stiffness(), 4.0 * springs.mass + 2.0 * dt * springs.damping()
    )
    found: dict[str, Cause] = {}
    for load, shape in zip(loads[::-1], shapes.T[::-1], strict=True):
        if load < MAX_LOAD:
            break
        dof = int((shape * (springs.mass @ shape)).argmax())
        stretched = springs.tendon_k * (springs.slopes @ shape) ** 2
        bent = springs.joint_k * shape**2
        if stretched.max(initial=0.0) > bent.max():
            at = int(stretched.argmax())
            key, unit, k = _tendon_key(str(model.tendon(at).name)), "N/m", springs.tendon_k[at]
        else:
            at = int(bent.argmax())
            hinge = model.jnt_type[model.dof_jntid[at]] == mujoco.mjtJoint.mjJNT_HINGE
            key, unit = f"{_joint_key(machine, at)}.stiffness", "N m/rad" if hinge else "N/m"
            k = springs.joint_k[at]
        found.setdefault(
            key,
            Cause(
                key,
                f"the spring {key} of {k:.3g} {unit} is too stiff for the mass that it moves, that "
                f"of {_joint(machine, dof)}{_in_words(machine, dof)}",
                f"at most {k * _SAFE_LOAD / float(load):.3g} {unit}, or a heavier part",
            ),
        )
    return list(found.values())


def _strong_motors(face: FaceConfig, machine: CompiledMechanism) -> list[Cause]:
    model, dt, out = machine.model, float(machine.model.opt.timestep), []
    for kind in dict.fromkeys(a.servo for a in face.actuators.values()):
        servo = machine.plan.servos[kind]
        members = [k for k, a in enumerate(face.actuators.values()) if a.servo == kind]
        inertia = float(model.dof_M0[machine.horn_v[members]].min())
        rate = servo.stall_torque * dt / inertia
        if rate >= MAX_RATE:
            out.append(
                Cause(
                    f"servos.{kind}",
                    f"the servo {kind} is too strong for the mass of its rotor, "
                    f"{servo.stall_torque:g} N m on {inertia:.3g} kg m^2",
                    f"stall_torque at most {0.5 * MAX_RATE * inertia / dt:.3g} N m, or armature at "
                    f"least {2.0 * servo.stall_torque * dt / MAX_RATE:.3g} kg m^2",
                )
            )
    return out


@dataclass(frozen=True)
class _Springs:
    """Masses, springs and dampers of a rig at neutral.

    Shapes: n degrees of freedom, t tendons. mass (n, n); slopes (t, n) are changes of length with
    each joint; joint_k, joint_d (n,) and tendon_k, tendon_d (t,) are stiffnesses and dampings.
    """

    mass: F64
    slopes: F64
    joint_k: F64
    joint_d: F64
    tendon_k: F64
    tendon_d: F64

    def stiffness(self) -> F64:
        """(n, n)."""
        return np.diag(self.joint_k) + self.slopes.T @ (self.tendon_k[:, None] * self.slopes)

    def damping(self) -> F64:
        """(n, n)."""
        return np.diag(self.joint_d) + self.slopes.T @ (self.tendon_d[:, None] * self.slopes)


def _springs(model: Any) -> _Springs:
    data, n = mujoco.MjData(model), int(model.nv)
    mujoco.mj_forward(model, data)
    mass = np.zeros((n, n))
    mujoco.mj_fullM(model, data, mass)

    def linear(values: Any, rows: int) -> F64:  # MuJoCo keeps polynomials
        return np.asarray(values, dtype=np.float64).reshape(rows, -1)[:, 0]

    return _Springs(
        mass=mass,
        slopes=_tendon_slopes(model, data),
        joint_k=linear(model.jnt_stiffness, model.njnt)[np.asarray(model.dof_jntid)],
        joint_d=linear(model.dof_damping, n),
        tendon_k=linear(model.tendon_stiffness, model.ntendon),
        tendon_d=linear(model.tendon_damping, model.ntendon),
    )


def _tendon_slopes(model: Any, data: Any) -> F64:
    """(ntendon, nv): change of each tendon's length with each joint."""
    out = np.zeros((int(model.ntendon), int(model.nv)))
    for k in range(len(out)):
        first, count = int(model.ten_J_rowadr[k]), int(model.ten_J_rownnz[k])
        columns = np.asarray(model.ten_J_colind).ravel()[first : first + count]
        out[k, columns] = np.asarray(data.ten_J).ravel()[first : first + count]
    return out


def _joint(machine: CompiledMechanism, dof: int) -> str:
    model = machine.model
    return str(model.joint(int(model.dof_jntid[dof])).name)


def _in_words(machine: CompiledMechanism, dof: int) -> str:
    kind, _, rest = _joint(machine, dof).partition(":")
    words = {"horn": "servo of", "rocker": "lever of linkage", "runner": "tendon"}
    if rest:
        return f" ({words.get(kind, kind)} {rest.partition('.')[0]})"
    return " (skin)" if kind.rpartition(".")[0] in machine.plan.nodes else ""


def _tendon_key(name: str) -> str:
    """Place in the mechanism's file of a spring that the rig has as a tendon of MuJoCo."""
    kind, _, rest = name.partition(":")
    sections = {"rod": "linkages", "drive": "tendons", "skin": "tendons", "cord": "cords",
                "bulge": "bulges"}  # fmt: skip
    if kind not in sections:
        return "skin.edge_stiffness"
    if kind == "rod":
        return f"linkages.{rest.rpartition('.')[0]}.anchor_stiffness"
    return f"{sections[kind]}.{rest.partition(':')[0]}.stiffness"


def _joint_key(machine: CompiledMechanism, dof: int) -> str:
    """Place of a joint of a body or of the skin in the mechanism's file."""
    name = _joint(machine, dof)
    if (node := name.rpartition(".")[0]) in machine.plan.nodes:
        return f"nodes.{node}"
    owner = next((b for b, body in machine.plan.bodies.items() if name in body.joints), "")
    return f"bodies.{owner}.joints.{name}"
