"""Servos and their horns, rods, rockers and tendons, as MuJoCo parts."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from mien.robot.sim.builds import (
    BRAID_SHARE,
    PIVOT_MM,
    SEAT_SHARE,
    SERVO_SHARE,
    SHEATH_SHARE,
    SLACK_MM,
    WEAR_SHARE,
    Build,
)
from mien.robot.sim.description import Horn, Linkage, Tendon
from mien.robot.sim.draft import METRE, RIGID, STIFF, Draft
from mien.robot.sim.layout import Arm, chain, unit

F64 = NDArray[np.float64]

ARM_G, ARM_GYRATION_MM, ARM_DAMPING = 1.0, 10.0, 1e-4
SEAT_DAMPING = 0.3  # N s/m of a rod's seat in the silicone
TENDON_SKEW_DEG = -20.0  # a tendon's horn starts behind square and ends as far beyond it
RUNNER_DAMPING, RUNNER_CENTRING = 0.8, 4.0  # N s/m, N/m


def add_linkage(draft: Draft, name: str, linkage: Linkage) -> None:
    """Add rods and rockers from the horn to a node or the body of a joint."""
    if linkage.node is not None:
        assert linkage.pull is not None
        point, frame = draft.anchor(linkage.node)
        direction, toward = unit(linkage.pull), frame[:, 2]
        site = f"skin:{linkage.node}"
    else:
        assert linkage.joint is not None and linkage.lever is not None
        point, direction, toward, site = _lever(draft, name, linkage)
    arms = chain(point, direction, toward, linkage.rockers, linkage.horn)
    for k, arm in enumerate(arms):
        horn = arm.input is None
        label = f"{name}.{k}"
        tip, tip_mm, inner, inner_mm = _arm(draft, linkage, label, arm, horn)
        soft = linkage.anchor_stiffness if k == 0 else 0.0
        length = arm.rod + (np.sign(_signed(linkage)) * linkage.preload if k == 0 else 0.0)
        _rod(draft, f"rod:{label}", (tip, tip_mm), (site, point), length, soft)
        site, point = inner, inner_mm
    if linkage.horn is None:
        tip, tip_mm = draft.horns[linkage.actuator]
        length = float(np.linalg.norm(tip_mm - point))
        soft = 0.0 if arms else linkage.anchor_stiffness
        _rod(draft, f"rod:{name}.{len(arms)}", (tip, tip_mm), (site, point), length, soft)


def _signed(linkage: Linkage) -> float:
    """The length of the rod at the face: positive if it pushes for a positive command."""
    last = linkage.rockers[0] if linkage.rockers else linkage.horn
    return last.rod if last is not None else 1.0


def _lever(draft: Draft, name: str, linkage: Linkage) -> tuple[F64, F64, F64, str]:
    """Rod end on a joint's body: place, direction of motion, where arms point, site."""
    body = next(b for b, part in draft.plan.bodies.items() if linkage.joint in part.joints)
    kind, axis, center = draft.chains[body][str(linkage.joint)]
    lever = np.asarray(linkage.lever)
    point = center + lever
    moves = np.cross(axis, lever) if kind == "hinge" else axis
    direction = linkage.sense * unit(moves)
    toward = lever if kind == "hinge" else np.array([0.0, 1.0, 0.0])
    site = f"lever:{name}"
    draft.spec.body(body).add_site(name=site, pos=(point - draft.origins[body]) * METRE)
    return point, direction, toward, site


def _arm(
    draft: Draft, linkage: Linkage, label: str, arm: Arm, horn: bool
) -> tuple[str, F64, str, F64]:
    """One turning part, as built; its output and input sites and where they are (mm)."""
    build, spec = draft.build, draft.spec
    pivot = arm.pivot + build.offset(f"pivot:{label}", PIVOT_MM)
    if horn:
        body = add_servo(draft, linkage.actuator, linkage.mount, pivot, arm.axis)
    else:
        body = spec.body(linkage.mount).add_body(
            name=f"rocker:{label}", pos=(pivot - draft.origins[linkage.mount]) * METRE
        )
        _light(body)
        body.add_joint(name=f"rocker:{label}", axis=arm.axis, damping=[ARM_DAMPING, 0.0, 0.0])
    output = _made(draft, f"arm:{label}", arm.output - arm.pivot)
    tip = f"tip:{label}"
    body.add_site(name=tip, pos=output * METRE)
    if arm.input is None:
        draft.horns[linkage.actuator] = (tip, pivot + output)
        return tip, pivot + output, "", pivot
    lever = _made(draft, f"lever:{label}", arm.input - arm.pivot)
    inner = f"input:{label}"
    body.add_site(name=inner, pos=lever * METRE)
    return tip, pivot + output, inner, pivot + lever


def _made(draft: Draft, name: str, vector: F64) -> F64:
    length = float(np.linalg.norm(vector))
    return vector * (draft.build.length(name, length) / length)


def _light(body: Any) -> None:
    body.explicitinertial = True
    body.mass = ARM_G * 1e-3
    body.inertia = np.full(3, body.mass * (ARM_GYRATION_MM * METRE) ** 2)
    body.gravcomp = 1.0  # a lever of one gram: its weight is far below its friction


def _rod(
    draft: Draft,
    name: str,
    end: tuple[str, F64],
    other: tuple[str, F64],
    length: float,
    seat: float,
) -> None:
    """A rod with ball ends, with a force along its line only. ``seat`` is its elasticity in N/m."""
    made = draft.build.length(name, length)
    half_tendon = draft.spec.add_tendon(name=name)
    half_tendon.wrap_site(end[0])
    half_tendon.wrap_site(other[0])
    if seat:
        k = draft.build.scaled(f"seat:{name}", seat, SEAT_SHARE)
        half_tendon.stiffness, half_tendon.damping = [k, 0.0, 0.0], [SEAT_DAMPING, 0.0, 0.0]
        half_tendon.springlength = [made * METRE, made * METRE]
        return
    equality = draft.spec.add_equality(
        name=name, type=mujoco.mjtEq.mjEQ_TENDON, objtype=mujoco.mjtObj.mjOBJ_TENDON
    )
    equality.name1 = name
    drawn = float(np.linalg.norm(end[1] - other[1]))
    data = np.zeros(12)
    data[0] = (made - drawn) * METRE  # held that much longer than the drawing has it
    equality.data, equality.solref, equality.solimp = data, STIFF, RIGID


def add_servo(draft: Draft, actuator: str, mount: str, pivot: F64, axis: F64) -> Any:
    """The horn of a servo on ``mount``, with its gear train's inertia; returns its body."""
    kind, build = draft.plan.servos[draft.face.actuators[actuator].servo], draft.build
    horn = draft.spec.body(mount).add_body(
        name=f"horn:{actuator}", pos=(pivot - draft.origins[mount]) * METRE
    )
    _light(horn)
    travel = np.deg2rad(kind.travel)
    horn.add_joint(
        name=f"horn:{actuator}",
        axis=axis,
        armature=kind.armature,
        frictionloss=build.scaled(f"gear:{actuator}", kind.friction, WEAR_SHARE),  # see Rig
        solref_friction=STIFF,
        solimp_friction=RIGID,
        limited=True,
        range=[-travel, travel],
    )
    return horn


def add_servo_limits(draft: Draft) -> None:
    """The motors: torque falls linearly with speed, as a direct-current motor's does.

    ``ctrl`` is the voltage in [-1, 1]. Torque = stall * voltage - stall / no_load_speed * speed.
    """
    for name, actuator in draft.face.actuators.items():
        kind = draft.plan.servos[actuator.servo]
        stall = draft.build.scaled(f"torque:{name}", kind.stall_torque, SERVO_SHARE)
        speed = draft.build.scaled(f"speed:{name}", kind.no_load_speed, SERVO_SHARE)
        motor = draft.spec.add_actuator(name=name, target=f"horn:{name}")
        motor.trntype = mujoco.mjtTrn.mjTRN_JOINT
        motor.gainprm[0] = stall
        motor.biastype = mujoco.mjtBias.mjBIAS_AFFINE
        motor.biasprm[2] = -stall / np.deg2rad(speed)
        motor.ctrllimited, motor.ctrlrange = True, [-1.0, 1.0]
        motor.forcelimited, motor.forcerange = True, [-stall, stall]


def add_tendon(draft: Draft, name: str, tendon: Tendon) -> None:
    """A tendon from horn over runner and guide to a skin node. Both halves only pull."""
    spec, build = draft.spec, draft.build
    anchor, frame = draft.anchor(tendon.node)
    guide = anchor + unit(tendon.pull) * tendon.span + build.offset(f"guide:{name}", PIVOT_MM)
    along = unit(tendon.sheath)
    reach = float(np.linalg.norm(tendon.sheath))
    mount, origin = spec.body(tendon.mount), draft.origins[tendon.mount]
    mount.add_site(name=f"guide:{name}", pos=(guide - origin) * METRE)
    runner = mount.add_body(
        name=f"runner:{name}", pos=(guide + along * 0.5 * reach - origin) * METRE
    )
    runner.explicitinertial, runner.gravcomp = True, 1.0
    runner.mass, runner.inertia = tendon.runner * 1e-3, np.full(3, 1e-8)
    runner.add_joint(
        name=f"runner:{name}",
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=along,
        damping=[RUNNER_DAMPING, 0.0, 0.0],
        stiffness=[RUNNER_CENTRING, 0.0, 0.0],
        frictionloss=tendon.rub,
        solref_friction=STIFF,
        solimp_friction=RIGID,
    )
    runner.add_site(name=f"runner:{name}")
    hub = Horn(rod=0.0, radius=tendon.horn, skew=TENDON_SKEW_DEG)
    arm = chain(guide + along * reach, along, frame[:, 2], [], hub)[0]
    pivot = arm.pivot + build.offset(f"pivot:{name}", PIVOT_MM)
    horn = add_servo(draft, tendon.actuator, tendon.mount, pivot, arm.axis)
    horn.add_site(
        name=f"tip:{name}", pos=_made(draft, f"arm:{name}", arm.output - arm.pivot) * METRE
    )
    slack = max(0.0, build.shifted(f"slack:{name}", tendon.slack, SLACK_MM))
    k = build.scaled(f"braid:{name}", tendon.stiffness, BRAID_SHARE)
    halves = {
        f"drive:{name}": ([f"tip:{name}", f"runner:{name}"], 0.5 * reach + slack),
        f"skin:{name}": ([f"runner:{name}", f"guide:{name}", f"skin:{tendon.node}"],
                         0.5 * reach + tendon.span),
    }  # fmt: skip
    for half, (sites, length) in halves.items():
        half_tendon = spec.add_tendon(name=half, stiffness=[k, 0.0, 0.0])
        half_tendon.springlength = [
            0.0,
            length * METRE,
        ]  # no force below it: it cannot push
        for site in sites:
            half_tendon.wrap_site(site)
    draft.tendons[tendon.actuator] = (f"drive:{name}", f"skin:{name}", f"runner:{name}")


def sheath_friction(build: Build, name: str, share: float) -> float:
    """A build's friction share of a tendon's sheath; below 1, or the tendon would lock."""
    return min(0.9, build.scaled(f"sheath:{name}", share, SHEATH_SHARE))
