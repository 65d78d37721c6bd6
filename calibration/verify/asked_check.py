"""What a face is asked to do, by the inverse that will run: eyes that shut, regions left alone.

Held-out poses of the same robot, seen through the same camera, do not tell whether a face can
blink. A robot whose brow is dead reproduces its own poses, too. So a fitted face is also asked for
shapes, and its model is compared with that of another robot of the design.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.regions import LID_GAPS, REGIONS, gaps
from mien.models.self_model.inputs import least_openings, strokes
from mien.models.self_model.model import SelfModel
from mien.robot.face.areas import AREAS
from mien.robot.face.calibrated import FittedFace
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.solver import FaceSolver

CROSS_TALK: Final = 0.15
"""Largest command of an actuator whose region the target does not move."""
STILL_MM: Final = 0.2
"""A target moves a region where its landmarks move further than this (RMS, mm)."""
NO_EFFECT: Final = 0.2
"""Gain of the response of another robot of the design in the fitted one, below which an actuator
counts as without effect. Builds within tolerances have 0.6 to 1.4."""
SHUTTABLE: Final = 0.5
"""Opening of an eye, as a share of that at rest, that a design with lids gets below."""


def check_asked(
    face: FaceConfig, model: SelfModel, rig: CaptureRig, known: SelfModel | None = None
) -> dict[str, Any]:
    """Ask a fitted face for a blink and for each shape alone.

    Args:
        face: the face.
        model: fitted to it.
        rig: started. Its true landmarks are used where it knows them, else what the camera sees.
        known: self-model of another robot of the design; None: there is none.

    Returns:
        ``blink_gap``: opening of the worse eye at a blink, as a share of that at rest; left out for
            a design without lids that shut;
        ``shape_cross_talk``: largest command, over all shapes, of an actuator whose region the
            shape does not move, and ``shape_cross_talk_by``, its name and the shape;
        ``without_effect``: number of actuators that hardly move the skin although the same ones of
            the design do, and ``without_effect_names``.
    """
    fitted = FittedFace(face, model)
    solver = FaceSolver(fitted)
    out: dict[str, Any] = {}
    if _has_lids(known or model):
        out["blink_gap"] = _blink(face, solver, rig)
    shapes = np.eye(len(ARKIT))
    commands = solver.still(shapes)
    stray = strays(face, model, solver.targets(shapes), commands)
    shape, actuator = np.unravel_index(int(stray.argmax()), stray.shape)
    out["shape_cross_talk"] = float(stray.max())
    out["shape_cross_talk_by"] = f"{face.names[actuator]} at {ARKIT[shape]}" if stray.any() else ""
    if known is not None:
        absent = {name for name, a in face.actuators.items() if a.absent}
        names = [name for name in without_effect(model, known) if name not in absent]
        out |= {"without_effect": len(names), "without_effect_names": ", ".join(names)}
    return out


def strays(face: FaceConfig, model: SelfModel, targets: Floats, commands: Floats) -> Floats:
    """Sizes (T, n) of the commands of actuators whose region the targets do not move; 0 elsewhere.

    Args:
        face: the face.
        model: fitted to it.
        targets: (T, 478, 3) mm.
        commands: (T, n) that were found for them.

    The neck is left out: it moves no skin. So is the tongue, which follows its own shape.
    """
    moved = targets - model.landmarks(np.zeros(model.n))
    far = {
        name: np.sqrt(np.square(moved[:, list(at)]).sum(-1).mean(1)) > STILL_MM
        for name, at in REGIONS.items()
    }
    own = {face.roles[role] for role in face.roles}
    out = np.zeros_like(commands)
    for i, (name, actuator) in enumerate(face.actuators.items()):
        if name in own:
            continue
        still = ~np.any([far[region] for region in AREAS[actuator.region]], axis=0)
        out[still, i] = np.abs(commands[still, i])
    return out


def without_effect(model: SelfModel, known: SelfModel) -> list[str]:
    """Names of the actuators that move the skin of a known robot of the design, and not this one.

    Args:
        model: of this robot.
        known: of the other; its actuators have the same names.
    """
    ours = {model.names[at]: s for at, s in zip(model.inputs, _largest(model), strict=True)}
    theirs = {known.names[at]: s for at, s in zip(known.inputs, _largest(known), strict=True)}
    out = []
    for name, stroke in theirs.items():
        mine = ours.get(name, np.zeros_like(stroke))
        if float((mine * stroke).sum()) < NO_EFFECT * float(np.square(stroke).sum()):
            out.append(name)
    return out


def _largest(model: SelfModel) -> Floats:
    """Displacement (m, 478, 3) mm of the skin from one end of each input to the other."""
    low, high = strokes(model)
    return np.asarray(high - low)


def _has_lids(model: SelfModel) -> bool:
    """Whether the design's lids shut both eyes at least half."""
    rest = gaps(model.landmarks(np.zeros(model.n)), LID_GAPS)
    return bool((least_openings(model) < SHUTTABLE * rest).all())


def _blink(face: FaceConfig, solver: FaceSolver, rig: CaptureRig) -> float:
    """Opening of the worse eye at a full blink, as a share of that at rest."""
    weights = np.zeros((1, len(ARKIT)))
    openings = []
    for shut in (0.0, 1.0):
        weights[0, [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]] = shut
        rig.move_to(face.safe)
        rig.move_to(solver.still(weights)[0])
        true = rig.true_landmarks()
        seen = rig.noiseless_landmarks() if true is None else true
        openings.append(gaps(seen, LID_GAPS).reshape(2, -1).mean(1))
    return float((openings[1] / openings[0]).max())
