"""What a face is asked to do, by the inverse that will run: eyes that shut, regions left alone.

Held-out poses of the same robot, seen through the same camera, do not tell whether a face can
blink. A robot whose brow is dead reproduces its own poses, too. So a fitted face is also asked for
shapes, and its model is compared with that of another robot of the design.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.verify.asked_takes import TAKE_HZ, emotions, range_of_motion, shapes
from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.regions import LID_GAPS, REGIONS, gaps, mouth_width
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
SLOW_SHARE: Final = 0.85
"""Share of the YAML's speed below which an actuator is slow. All of healthy builds reach it."""
SHUTTABLE: Final = 0.5
"""Opening of an eye, as a share of that at rest, that a design with lids gets below."""


def check_asked(
    face: FaceConfig, model: SelfModel, rig: CaptureRig, known: SelfModel | None = None
) -> dict[str, Any]:
    """Ask a fitted face for a blink, for each shape and emotion, and for range-of-motion takes.

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
        ``cross_talk``: share of the frames of the range-of-motion takes in which such a command
            exceeds ``CROSS_TALK``;
        ``asked_mean_pct``, ``asked_p95_pct``: see ``_asked``, over all shapes and emotions;
        ``without_effect``: number of actuators that hardly move the skin although the same ones of
            the design do, and ``without_effect_names``.
    """
    fitted = FittedFace(face, model)
    solver = FaceSolver(fitted)
    out: dict[str, Any] = {}
    if _has_lids(known or model):
        out["blink_gap"] = _blink(face, solver, rig)
    alone = shapes()
    stray = _strays_of(face, model, solver, alone)
    shape, actuator = np.unravel_index(int(stray.argmax()), stray.shape)
    out["shape_cross_talk"] = float(stray.max())
    out["shape_cross_talk_by"] = f"{face.names[actuator]} at {ARKIT[shape]}" if stray.any() else ""
    out["cross_talk"] = cross_talk(face, model, solver, list(range_of_motion().values()))
    out |= _asked(face, solver, rig, np.concatenate([alone, emotions()]))
    out |= _slow(face, model)
    if known is not None:
        absent = {name for name, a in face.actuators.items() if a.absent}
        names = [name for name in without_effect(face, model, known) if name not in absent]
        out |= {"without_effect": len(names), "without_effect_names": ", ".join(names)}
    return out


def cross_talk(
    face: FaceConfig, model: SelfModel, solver: FaceSolver, takes: list[Floats]
) -> float:
    """Share of the frames of takes (T, 52), played at ``TAKE_HZ``, in which an actuator of a region
    that the target does not move exceeds ``CROSS_TALK``."""
    far = []
    for take in takes:
        solver.reset()
        targets, direct = solver.targets(take), solver.direct(take)
        frames = zip(targets, direct, strict=True)
        sent = np.array([solver.invert(t, d, 1.0 / TAKE_HZ).commands for t, d in frames])
        far.append(strays(face, model, targets, sent).max(1) > CROSS_TALK)
    return float(np.concatenate(far).mean())


def _slow(face: FaceConfig, model: SelfModel) -> dict[str, Any]:
    """``slow_actuators`` and ``slow_actuator_names``: those whose step responses were much slower
    than the YAML allows; empty where none were measured."""
    measured = model.meta.get("pace")
    if not isinstance(measured, dict) or not measured:
        return {}
    names = []
    for name, row in measured.items():
        speed, error = row.get("speed"), row.get("speed_error")
        known = isinstance(speed, int | float) and isinstance(error, int | float)
        if known and name in face.names and not face.absent[face.index(name)]:
            limit = SLOW_SHARE * float(face.speed[face.index(name)])
            names += [name] if speed + 2.0 * error < limit else []
    return {"slow_actuators": len(names), "slow_actuator_names": ", ".join(names)}


def _strays_of(face: FaceConfig, model: SelfModel, solver: FaceSolver, weights: Floats) -> Floats:
    return strays(face, model, solver.targets(weights), solver.still(weights))


def _asked(
    face: FaceConfig, solver: FaceSolver, rig: CaptureRig, weights: Floats
) -> dict[str, float]:
    """Error of what the face shows of weights (P, 52), against its own targets for them.

    The face is compared with itself at rest, so the camera's constant error counts for nothing.

    Returns:
        ``asked_mean_pct`` and ``asked_p95_pct``: mean distance of a landmark from where it was
            asked, mean and 95th percentile of the poses, % of the mouth width.
    """
    rest_target = solver.targets(np.zeros((1, len(ARKIT))))[0]
    targets, commands = solver.targets(weights), solver.still(weights)
    rig.move_to(face.safe)
    rig.move_to(np.zeros(len(face.names)))
    rest, errors = shown(rig), list[float]()
    width = mouth_width(rest_target)
    for target, sent in zip(targets, commands, strict=True):
        rig.move_to(face.safe)
        rig.move_to(sent)
        off = (shown(rig) - rest) - (target - rest_target)
        errors.append(float(np.linalg.norm(off, axis=-1).mean()) / width * 100.0)
    known = np.array(errors)[np.isfinite(errors)]
    if not len(known):
        return {}
    return {
        "asked_mean_pct": float(known.mean()),
        "asked_p95_pct": float(np.percentile(known, 95)),
    }


def shown(rig: CaptureRig) -> Floats:
    """Landmarks (478, 3) mm of the settled face: the truth where it is known, else what the camera
    sees without its noise."""
    rig.observe()
    true = rig.true_landmarks()
    return rig.noiseless_landmarks() if true is None else true


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


def without_effect(face: FaceConfig, model: SelfModel, known: SelfModel) -> list[str]:
    """Names of the actuators that move the skin of a known robot of the design, and not this one.

    Args:
        face: the face. A model knows nothing of commands beyond its limits.
        model: of this robot.
        known: of the other; its actuators have the same names.
    """
    ours = {model.names[at]: s for at, s in zip(model.inputs, _largest(face, model), strict=True)}
    theirs = {known.names[at]: s for at, s in zip(known.inputs, _largest(face, known), strict=True)}
    out = []
    for name, stroke in theirs.items():
        mine = ours.get(name, np.zeros_like(stroke))
        if float((mine * stroke).sum()) < NO_EFFECT * float(np.square(stroke).sum()):
            out.append(name)
    return out


def _largest(face: FaceConfig, model: SelfModel) -> Floats:
    """Displacement (m, 478, 3) mm of the skin from one end of each input to the other."""
    low, high = strokes(model, face.limits[model.inputs, 0])
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
        openings.append(gaps(shown(rig), LID_GAPS).reshape(2, -1).mean(1))
    return float((openings[1] / openings[0]).max())
