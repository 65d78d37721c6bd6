"""The skin of a mechanism as MuJoCo parts: nodes on springs, springs between them, contacts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import mujoco
import numpy as np

from mien.robot.sim.builds import BATCH_SHARE, SPOT_SHARE
from mien.robot.sim.description import SkinNode
from mien.robot.sim.draft import DULL, METRE, SOFT, UNYIELDING, YIELDING, Draft
from mien.robot.sim.silicone import stiffness

PAD_MM, ROUND_MM = (40.0, 15.0, 40.0), 5.0  # half sizes of an upper lip's pad; radius of a lower's


def add_nodes(draft: Draft) -> None:
    """Add the skin's nodes: point masses on slides, held to their bone by springs."""
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
                damping=[node.damping or skin.damping, 0.0, 0.0],
                limited=True,
                range=np.multiply((node.limits or skin.limits)[k], METRE),
                solref_limit=SOFT,
                solimp_limit=YIELDING,
            )


def add_edges(draft: Draft) -> None:
    """Add the springs between nodes: the mesh of the skin, the cords and the bulges."""
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


def add_contacts(draft: Draft) -> None:
    """Add the pads on which lips and lids meet."""
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
        pair.condim, pair.solref, pair.solimp = 1, DULL, UNYIELDING
