"""From a description to a MuJoCo model: bodies, skin, linkages, strings, contacts.

Nothing here knows an actuator by name. MuJoCo's world is the head frame in metres, with the
gravity of a head that stands upright; body frames are parallel to it at neutral.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from robot.config import FaceConfig
from robot.errors import ConfigError
from robot.sim.builds import ANCHOR_MM, BATCH_SHARE, SPOT_SHARE, Build
from robot.sim.description import Mechanism, SkinNode
from robot.sim.drives import add_linkage, add_servo_limits, add_string
from robot.sim.head import Head
from robot.sim.silicone import Net, net, stiffness

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

TIME_STEP = 0.002
METRE = 1e-3
STIFF = (2.0 * TIME_STEP, 1.0)  # solref of what should be rigid: the fastest that is stable
SOFT, YIELDING = (0.012, 1.0), (0.9, 0.99, 0.001, 0.5, 2.0)  # where silicone gives a little
FIRM, UNYIELDING = (0.004, 1.0), (0.99, 0.999, 0.0005, 0.5, 2.0)  # lip on lip
FAR = 1e3  # degrees or mm that no part gets to
PAD_MM, ROUND_MM = (40.0, 15.0, 40.0), 5.0  # half sizes of an upper lip's pad; radius of a lower's


@dataclass
class Draft:
    """A mechanism while it is being put together."""

    face: FaceConfig
    plan: Mechanism
    head: Head
    build: Build
    net: Net
    spec: Any
    origins: dict[str, F64] = field(default_factory=dict)  # body -> mm in the head frame
    chains: dict[str, dict[str, tuple[str, F64, F64]]] = field(default_factory=dict)
    horns: dict[str, tuple[str, F64]] = field(default_factory=dict)  # actuator -> site, mm
    strings: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def anchor(self, node: str) -> tuple[F64, F64]:
        """A node's place (3,) mm and its frame (3, 3)."""
        k = self.net.names.index(node)
        return self.net.anchors[k], self.net.frames[k]


@dataclass(frozen=True)
class Machine:
    """A compiled mechanism and where its parts are in MuJoCo's arrays.

    Shapes: K nodes, n actuators in the order of the face, S strings.
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
    strings: tuple[str, ...]  # actuators with a tendon
    drive_tendons: I64  # (S,) servo-side half; skin_tendons: skin-side half
    skin_tendons: I64
    runner_v: I64  # (S,) dof of the runner
    rods: I64  # tendons held at a fixed length


def assemble(face: FaceConfig, plan: Mechanism, head: Head, build: Build) -> Machine:
    """Build one robot.

    Raises:
        ConfigError: the mechanism does not drive exactly the actuators of the face.
    """
    driven = {k.actuator for k in plan.linkages.values()}
    driven |= {k.actuator for k in plan.strings.values()}
    known = set(face.names)
    if driven != known:
        raise ConfigError(
            f"mechanism {plan.name} does not fit face {face.name}: it has no drive for "
            f"{sorted(known - driven)} and drives unknown {sorted(driven - known)}"
        )
    unknown = {a.servo for a in face.actuators.values()} - set(plan.servos)
    if unknown:
        raise ConfigError(f"mechanism {plan.name} has no servo kind {sorted(unknown)}")
    offsets = {n: build.offset(f"anchor:{n}", ANCHOR_MM) for n in plan.nodes}
    spec = mujoco.MjSpec()
    _options(spec)
    draft = Draft(face, plan, head, build, net(head, plan.nodes, plan.skin, offsets), spec)
    _bodies(draft)
    _nodes(draft)
    _edges(draft)
    for name, linkage in plan.linkages.items():
        add_linkage(draft, name, linkage)
    for name, string in plan.strings.items():
        add_string(draft, name, string)
    _contacts(draft)
    _stops(draft)
    add_servo_limits(draft)
    return _machine(draft, spec.compile())


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
            axis = np.asarray(joint.axis) / np.linalg.norm(joint.axis)
            draft.chains[name][joint_name] = (joint.kind, axis, origin)


def _nodes(draft: Draft) -> None:
    skin, build = draft.plan.skin, draft.build
    batch = build.scaled("silicone", 1.0, BATCH_SHARE)
    for name, node in draft.plan.nodes.items():
        anchor, frame = draft.anchor(name)
        part = draft.spec.body(node.parent).add_body(
            name=f"skin:{name}", pos=(anchor - draft.origins[node.parent]) * METRE
        )
        part.explicitinertial = True
        mass = (node.mass or skin.mass) * 1e-3
        # Silicone is cast on the face: its own weight is already in its rest shape.
        part.mass, part.inertia, part.gravcomp = mass, np.full(3, mass * METRE**2), 1.0
        part.add_site(name=f"skin:{name}")
        spot = batch * build.scaled(f"silicone:{name}", 1.0, SPOT_SHARE)
        for k, axis in enumerate("xyz"):
            ground = spot * (node.stiffness or skin.stiffness)[k]
            part.add_joint(
                name=f"{name}.{axis}",
                type=mujoco.mjtJoint.mjJNT_SLIDE,
                axis=frame[:, k],
                stiffness=[ground, 0.0, ground / (skin.hardening * METRE) ** 2],
                damping=[skin.damping, 0.0, 0.0],
                limited=True,
                range=np.multiply((node.limits or skin.limits)[k], METRE),
                solref_limit=SOFT,
                solimp_limit=YIELDING,
            )


def _edges(draft: Draft) -> None:
    plan, build = draft.plan, draft.build
    batch = build.scaled("silicone", 1.0, BATCH_SHARE)
    names = draft.net.names
    for i, j, length in draft.net.edges:
        _edge(draft, "edge", names[i], names[j], batch * stiffness(plan.skin, length))
    for name, cord in plan.cords.items():
        for one, other in pairwise(cord.nodes):
            _edge(draft, f"cord:{name}", one, other, batch * cord.stiffness)
    for name, bulge in plan.bulges.items():
        made = _spring(draft, f"bulge:{name}", bulge.terms, {}, batch * bulge.stiffness)
        made.springlength = np.full(2, bulge.rest * METRE)


def _edge(draft: Draft, kind: str, one: str, other: str, k: float) -> None:
    nodes = draft.plan.nodes
    for axis in range(3):
        plus = _motion(draft, one, axis, nodes[other])
        minus = _motion(draft, other, axis, nodes[one])
        _spring(draft, f"{kind}:{one}-{other}.{'xyz'[axis]}", plus, minus, k)


def _motion(draft: Draft, name: str, axis: int, other: SkinNode) -> dict[str, float]:
    """How a node moves along one of its axes per unit of its own joint and of those joints that
    carry it but not the other node (linearised at neutral), in metres."""
    node = draft.plan.nodes[name]
    anchor, frame = draft.anchor(name)
    terms = {f"{name}.{'xyz'[axis]}": 1.0}
    for joint, (kind, direction, center) in draft.chains[node.parent].items():
        if joint not in draft.chains[other.parent]:
            hinge = kind == "hinge"
            motion = np.cross(direction, (anchor - center) * METRE) if hinge else direction
            terms[joint] = float(motion @ frame[:, axis])
    return terms


def _spring(
    draft: Draft, name: str, plus: dict[str, float], minus: dict[str, float], k: float
) -> Any:
    tendon = draft.spec.add_tendon(name=name, stiffness=[k, 0.0, 0.0], springlength=[0.0, 0.0])
    terms = dict(plus)
    for joint, factor in minus.items():
        terms[joint] = terms.get(joint, 0.0) - factor
    for joint, factor in terms.items():
        tendon.wrap_joint(joint, factor)
    return tendon


def _contacts(draft: Draft) -> None:
    for name, contact in draft.plan.contacts.items():
        above, below = draft.anchor(contact.upper)[0], draft.anchor(contact.lower)[0]
        meet, up = 0.5 * (above + below), np.array([0.0, 1.0, 0.0])
        pad = draft.spec.body(f"skin:{contact.upper}").add_geom(
            name=f"{name}.upper",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=np.array(PAD_MM) * METRE,
            pos=(meet + up * PAD_MM[1] - above) * METRE,
        )
        ball = draft.spec.body(f"skin:{contact.lower}").add_geom(
            name=f"{name}.lower",
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=np.array([ROUND_MM, 0.0, 0.0]) * METRE,
            pos=(meet - up * (ROUND_MM + contact.gap) - below) * METRE,
        )
        for geom in (pad, ball):
            geom.contype = geom.conaffinity = 0
        pair = draft.spec.add_pair(name=name, geomname1=pad.name, geomname2=ball.name)
        pair.condim, pair.solref, pair.solimp = 1, FIRM, UNYIELDING


def _stops(draft: Draft) -> None:
    for name, stop in draft.plan.stops.items():
        tendon = draft.spec.add_tendon(name=f"stop:{name}", limited=True)
        tendon.range = (-FAR, stop.max)
        tendon.solref_limit, tendon.solimp_limit = STIFF, UNYIELDING
        for joint, factor in stop.terms.items():
            kind = next(c[joint][0] for c in draft.chains.values() if joint in c)
            tendon.wrap_joint(joint, factor * (np.rad2deg(1.0) if kind == "hinge" else 1.0 / METRE))


def _machine(draft: Draft, model: Any) -> Machine:
    def address(joint: str) -> int:
        return int(model.jnt_qposadr[model.joint(joint).id])

    def body(name: str | None) -> int:
        return int(model.body(name).id) if name else -1

    def tendons(part: int) -> I64:
        return np.array([model.tendon(t[part]).id for t in draft.strings.values()], dtype=np.int64)

    names, out = draft.face.names, draft.plan.outputs
    runners = [model.jnt_dofadr[model.joint(t[2]).id] for t in draft.strings.values()]
    return Machine(
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
        strings=tuple(draft.strings),
        drive_tendons=tendons(0),
        skin_tendons=tendons(1),
        runner_v=np.array(runners, dtype=np.int64),
        rods=np.array(model.eq_obj1id, dtype=np.int64),
    )
