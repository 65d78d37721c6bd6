"""From a description to a MuJoCo model: bodies, skin, linkages, tendons, contacts.

Nothing here knows an actuator by name. MuJoCo's world is the head frame in metres, with the
gravity of a head that stands upright; body frames are parallel to it at neutral.
"""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from mien.models.reading.strict import listed
from mien.robot.errors import ConfigError
from mien.robot.face.config import FaceConfig
from mien.robot.names import printable
from mien.robot.sim.builds import ANCHOR_MM, Build
from mien.robot.sim.description import Mechanism
from mien.robot.sim.draft import BRACED, METRE, STIFF, TIME_STEP, UNYIELDING, Draft
from mien.robot.sim.drives import add_linkage, add_servo_limits, add_tendon
from mien.robot.sim.fitting import misfits
from mien.robot.sim.head import Head
from mien.robot.sim.layout import unit
from mien.robot.sim.silicone import Net, net
from mien.robot.sim.tissue import add_contacts, add_edges, add_nodes

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_HEAVY, _FREE_S = 4.0, 0.02  # of a horn against its part, both at the rod; decay of a swing
FAR = 1e3  # degrees or mm that no part gets to


@dataclass(frozen=True)
class CompiledMechanism:
    """A compiled mechanism and where its parts are in MuJoCo's arrays.

    Shapes: K nodes, n actuators in the order of the face, S tendons.
    """

    plan: Mechanism
    model: Any
    net: Net
    node_bodies: I64  # (K,)
    horn_q: I64  # (n,) qpos addresses of the servos' horns; horn_v: their dofs
    horn_v: I64
    head: int  # bodies
    jaw: int
    tongue: int  # -1 without
    lids: I64  # (4,) qpos addresses
    eyes: I64  # (2,) bodies: left, right
    tendons: tuple[str, ...]  # their actuators
    drive_tendons: I64  # (S,) servo-side half; skin_tendons: skin-side half
    skin_tendons: I64
    runner_v: I64  # (S,) dof of the runner
    rods: I64  # tendons held at a fixed length
    rod_actuators: I64  # (rods,) the actuator that moves each, in the order of the face


def assemble(face: FaceConfig, plan: Mechanism, head: Head, build: Build) -> CompiledMechanism:
    """Build one robot.

    Raises:
        ConfigError: the mechanism does not drive exactly the actuators of the face, or its parts
            cannot be put together.
    """
    if found := misfits(face, plan):
        raise ConfigError(
            f"mechanism {plan.name} does not fit face {face.name}:\n{listed(found)}",
            check_hint(face),
        )
    try:
        return _assembled(face, plan, head, build)
    except (ValueError, mujoco.FatalError) as e:  # a rod without length, an axis of zeros
        why = printable(" ".join(str(e).split()))
        raise ConfigError(
            f"mechanism {plan.name} of face {face.name} cannot be built: {why}", check_hint(face)
        ) from e


def check_hint(face: FaceConfig) -> str:
    """The command that lists what is wrong in a face and its mechanism."""
    return f"mien face check {quote(face.given)}"


def _assembled(face: FaceConfig, plan: Mechanism, head: Head, build: Build) -> CompiledMechanism:
    offsets = {n: build.offset(f"anchor:{n}", ANCHOR_MM) for n in plan.nodes}
    spec = mujoco.MjSpec()
    _options(spec)
    draft = Draft(face, plan, head, build, net(head, plan.nodes, plan.skin, offsets), spec)
    _bodies(draft)
    add_nodes(draft)
    add_edges(draft)
    for name, linkage in plan.linkages.items():
        add_linkage(draft, name, linkage)
    for name, tendon in plan.tendons.items():
        add_tendon(draft, name, tendon)
    add_contacts(draft)
    _stops(draft)
    add_servo_limits(draft)
    model = spec.compile()
    for rod in heavy_rods(draft, model):
        model.eq_solref[rod] = BRACED
    return _machine(draft, model)


def heavy_rods(draft: Draft, model: Any) -> list[int]:
    """Rods, as equality constraints, between a heavy horn and a light part that swings freely.

    Such a horn gives way as little as one that is jammed (``BRACED``). A large servo on the jaw of
    a small face is one.
    """
    radius = {k.actuator: k.horn.radius for k in draft.plan.linkages.values() if k.horn}
    out = []
    for rod, tendon in enumerate(model.eq_obj1id):
        name = str(model.tendon(int(tendon)).name).removeprefix("rod:").rpartition(".")[0]
        linkage = draft.plan.linkages[name]
        if linkage.joint is None or linkage.lever is None or linkage.rockers:
            continue
        horn = int(model.joint(f"horn:{linkage.actuator}").dofadr[0])
        part = int(model.joint(linkage.joint).dofadr[0])
        swings_s = model.dof_M0[part] / max(float(np.ravel(model.dof_damping[part])[0]), 1e-12)
        hinge = model.jnt_type[model.dof_jntid[part]] == mujoco.mjtJoint.mjJNT_HINGE
        arm = np.linalg.norm(linkage.lever) * METRE if hinge else 1.0
        weight = model.dof_M0[part] / arm**2
        if swings_s > _FREE_S and (
            model.dof_M0[horn] / (radius[linkage.actuator] * METRE) ** 2 > _HEAVY * weight
        ):
            out.append(rod)
    return out


def _options(spec: Any) -> None:
    spec.compiler.degree = False
    option = spec.option
    option.timestep = TIME_STEP
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.solver = mujoco.mjtSolver.mjSOL_NEWTON
    option.jacobian = mujoco.mjtJacobian.mjJAC_SPARSE
    option.iterations, option.tolerance = 12, 1e-8
    # The skin joins everything into one island. A rig that diverges must not go on from its start.
    off = mujoco.mjtDisableBit
    option.disableflags |= off.mjDSBL_ISLAND | off.mjDSBL_AUTORESET
    option.gravity = (0.0, -9.81, 0.0)


def _bodies(draft: Draft) -> None:
    points = {
        "origin": np.zeros(3),
        "jaw_pivot": draft.head.jaw_pivot,
        "eye_left": draft.head.eye_center["left"],
        "eye_right": draft.head.eye_center["right"],
    }
    draft.origins["world"], draft.chains["world"] = np.zeros(3), {}
    for name, body in draft.plan.bodies.items():
        if body.at not in points:
            raise ConfigError(
                f"mechanism {draft.plan.name}: bodies.{name}.at is {body.at!r}; "
                f"it can be {', '.join(points)}"
            )
        origin = points[body.at] + np.asarray(body.offset)
        part = draft.spec.body(body.parent).add_body(
            name=name, pos=(origin - draft.origins[body.parent]) * METRE
        )
        part.explicitinertial = True
        part.mass, part.ipos = body.mass * 1e-3, np.asarray(body.center) * METRE
        part.inertia = np.full(3, body.mass * 1e-3 * (body.radius * METRE) ** 2)
        draft.origins[name] = origin
        draft.chains[name] = dict(draft.chains[body.parent])
        for joint_name, joint in body.joints.items():
            hinge = joint.kind == "hinge"
            made = part.add_joint(
                name=joint_name,
                type=mujoco.mjtJoint.mjJNT_HINGE if hinge else mujoco.mjtJoint.mjJNT_SLIDE,
                axis=joint.axis,
                damping=[joint.damping, 0.0, 0.0],
                stiffness=[joint.stiffness, 0.0, 0.0],
                frictionloss=joint.friction,
                solref_friction=STIFF,
                solimp_friction=UNYIELDING,
            )
            if joint.range is not None:
                made.limited = True
                made.range = np.deg2rad(joint.range) if hinge else np.multiply(joint.range, METRE)
                made.solref_limit = STIFF
            axis = unit(joint.axis)
            draft.chains[name][joint_name] = (joint.kind, axis, origin)


def _stops(draft: Draft) -> None:
    for name, stop in draft.plan.stops.items():
        tendon = draft.spec.add_tendon(name=f"stop:{name}", limited=True)
        tendon.range = (-FAR, stop.max)
        tendon.solref_limit, tendon.solimp_limit = STIFF, UNYIELDING
        for joint, factor in stop.terms.items():
            kind = next(c[joint][0] for c in draft.chains.values() if joint in c)
            tendon.wrap_joint(joint, factor * (np.rad2deg(1.0) if kind == "hinge" else 1.0 / METRE))


def _machine(draft: Draft, model: Any) -> CompiledMechanism:
    def address(joint: str) -> int:
        return int(model.jnt_qposadr[model.joint(joint).id])

    def body(name: str | None) -> int:
        return int(model.body(name).id) if name else -1

    def tendon_ids(part: int) -> I64:
        return np.array([model.tendon(t[part]).id for t in draft.tendons.values()], dtype=np.int64)

    def actuator_of(rod: int) -> int:
        linkage = model.tendon(rod).name.removeprefix("rod:").rpartition(".")[0]
        return names.index(draft.plan.linkages[linkage].actuator)

    names, out = draft.face.names, draft.plan.outputs
    rods = np.array(model.eq_obj1id, dtype=np.int64)
    runners = [model.jnt_dofadr[model.joint(t[2]).id] for t in draft.tendons.values()]
    return CompiledMechanism(
        plan=draft.plan,
        model=model,
        net=draft.net,
        node_bodies=np.array([body(f"skin:{n}") for n in draft.net.names], dtype=np.int64),
        horn_q=np.array([address(f"horn:{a}") for a in names], dtype=np.int64),
        horn_v=np.array([model.jnt_dofadr[model.joint(f"horn:{a}").id] for a in names], np.int64),
        head=body(out.head),
        jaw=body(out.jaw),
        tongue=body(out.tongue),
        lids=np.array([address(j) for j in out.lids], dtype=np.int64),
        eyes=np.array([body(eye) for eye in out.eyes], dtype=np.int64),
        tendons=tuple(draft.tendons),
        drive_tendons=tendon_ids(0),
        skin_tendons=tendon_ids(1),
        runner_v=np.array(runners, dtype=np.int64),
        rods=rods,
        rod_actuators=np.array([actuator_of(rod) for rod in rods], dtype=np.int64),
    )
