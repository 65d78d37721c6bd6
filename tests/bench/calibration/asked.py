"""What a calibrated face makes of takes, against the best that its mechanism can."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.plan.excitation import mixtures
from mien.calibration.verify.asked_check import cross_talk, shown
from mien.calibration.verify.asked_takes import range_of_motion
from mien.calibration.verify.hysteresis_check import ZONE
from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.regions import mouth_width
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.inverse import Inverse
from mien.models.self_model.model import SelfModel
from mien.robot.face.calibrated import FittedFace
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.retarget import limits_of
from mien.robot.face.solver import FaceSolver

ASKED = ("takes_pct", "takes_beyond_reach_pct", "cross_talk", "memory_gain_inverse")
"""Metrics of ``asked``."""
CORPORA = ("grid_s1", "facegood")
CLIPS = 5
"""Clips of each corpus, the first ones in the order of their names."""
SEARCHED_FRAMES = 15
"""Frames of all takes for which the best commands are searched on the rig."""
ROUNDS = 6
"""Steps of a search from each of its starts."""
MEMORY_POSES = 24
_MAX_CLIP_S = 10.0
_HOME = Path(__file__).parents[3] / "shared" / "data"


def clips(corpus: str) -> list[Floats]:
    """Weights (T, 52) of the first clips of a corpus, in the order of their names.

    Of a long take, the first ``_MAX_CLIP_S`` seconds.
    """
    path = Path(os.environ.get("MIEN_DATA", _HOME)) / corpus / "face.npz"
    with np.load(path) as z:
        order = np.argsort(z["clip"])[:CLIPS]
        names = [str(n) for n in z["blendshape_names"]]
        known = [k for k, n in enumerate(names) if n in INDEX]
        most = round(_MAX_CLIP_S * float(z["fps"]))
        out = []
        for k in order:
            rows = np.asarray(z["blendshapes"][z["start"][k] : z["start"][k + 1]][:most], float)
            weights = np.zeros((len(rows), len(ARKIT)))
            weights[:, [INDEX[names[j]] for j in known]] = rows[:, known]
            out.append(np.clip(np.nan_to_num(weights), 0.0, 1.0))
    return out


def asked(face: FaceConfig, model: SelfModel, rig: CaptureRig) -> dict[str, float]:
    """Metrics of a fitted face on a started rig that knows the truth.

    Returns:
        ``takes_pct``: mean true error of frames of the takes, % of the mouth width;
        ``takes_beyond_reach_pct``: the same minus that of the best commands that were found on the
            rig itself for the same frames;
        ``cross_talk``: see ``asked_check.cross_talk``, over five sentences;
        ``memory_gain_inverse``: true error of reproduced mixtures where tendons pull, with the
            tendons' memory over without.
    """
    solver = FaceSolver(FittedFace(face, model))
    spoken = [take for corpus in CORPORA for take in clips(corpus)]
    takes = [*spoken, *range_of_motion().values()]
    out = _reached(face, model, solver, rig, np.concatenate(takes))
    out["cross_talk"] = cross_talk(face, model, solver, clips(CORPORA[0]))
    if len(model.tendons):
        out["memory_gain_inverse"] = _memory_gain(face, model, rig)
    return out


def _reached(
    face: FaceConfig, model: SelfModel, solver: FaceSolver, rig: CaptureRig, weights: Floats
) -> dict[str, float]:
    """``takes_pct`` and ``takes_beyond_reach_pct`` of frames (T, 52)."""
    moving = np.flatnonzero(weights.max(1) > 0.1)
    frames = weights[moving[np.linspace(0, len(moving) - 1, SEARCHED_FRAMES).astype(int)]]
    neutral = solver.targets(np.zeros((1, len(ARKIT))))[0]
    wanted, commands = solver.targets(frames) - neutral, solver.still(frames)
    rest, width = shown_at(rig, face, np.zeros(len(face.names))), mouth_width(neutral)
    found = [
        search(face, model, rig, target, rest, start)
        for target, start in zip(wanted, commands, strict=True)
    ]
    own, best = np.array(found).T / width * 100.0
    return {"takes_pct": float(own.mean()), "takes_beyond_reach_pct": float((own - best).mean())}


def search(
    face: FaceConfig,
    model: SelfModel,
    rig: CaptureRig,
    wanted: Floats,
    rest: Floats,
    start: Floats,
) -> tuple[float, float]:
    """True errors (mm, mean over the landmarks) of commands, and of the best that a search finds.

    The search asks the model's derivatives for the way, and the rig for the error. It begins at
    ``start`` and at neutral. Each round is a damped least-squares step for the true residual, with
    weights that make it a step for the mean distance; a step that does not help is shortened.

    Args:
        face: the face.
        model: of its calibration.
        rig: started.
        wanted: (478, 3) mm, displacement from rest.
        rest: (478, 3) mm, true landmarks at rest.
        start: (n,) commands.
    """
    low, high = face.limits.T

    def residual_at(commands: Floats) -> Floats:
        return np.asarray((shown_at(rig, face, commands) - rest) - wanted)

    def distance(residual: Floats) -> float:
        return float(np.linalg.norm(residual, axis=-1).mean())

    ends = []
    for begin in (start, np.zeros_like(start)):
        at, size, residual = begin.copy(), 1.0, residual_at(begin)
        ends.append(distance(residual))
        for _ in range(ROUNDS):
            goal = np.clip(at + size * _step(model, at, residual), low, high)
            later = residual_at(goal)
            if distance(later) < distance(residual):
                at, residual, size = goal, later, min(1.0, 1.5 * size)
            else:
                size *= 0.4
        ends.append(distance(residual))
    return ends[0], min(ends)


def _step(model: SelfModel, commands: Floats, residual: Floats) -> Floats:
    """Change (n,) of the commands that lessens the mean distance: reweighted least squares."""
    x = model.network_inputs(commands)
    slope = (model.latent_jacobian(x) @ model.decoder).reshape(len(x), *residual.shape)
    weight = 1.0 / np.maximum(np.linalg.norm(residual, axis=-1), 0.3)
    gram = np.einsum("ilk,jlk,l->ij", slope, slope, weight, optimize=True)
    right = -np.einsum("ilk,lk,l->i", slope, residual, weight, optimize=True)
    damping = 0.02 * np.diag(gram) + 1e-3 * np.trace(gram) / len(gram)
    out = np.zeros_like(commands)
    out[model.inputs] = np.clip(np.linalg.solve(gram + np.diag(damping), right), -0.5, 0.5)
    return out


def shown_at(rig: CaptureRig, face: FaceConfig, commands: Floats) -> Floats:
    """True landmarks (478, 3) mm at commands that are reached from the safe pose."""
    rig.move_to(face.safe)
    rig.move_to(commands)
    return _true(rig)


def _true(rig: CaptureRig) -> Floats:
    known = rig.true_landmarks()
    return shown(rig) if known is None else known.copy()


def _memory_gain(face: FaceConfig, model: SelfModel, rig: CaptureRig) -> float:
    """Error of reproduced mixtures in the tendons' zone, with play operators over without."""
    none = PlayOperator(np.zeros(len(model.tendons)), np.zeros(len(model.tendons)))
    goals = mixtures(face, MEMORY_POSES, 991)
    rig.move_to(face.safe)
    targets = []
    for goal in goals:
        rig.move_to(goal)
        targets.append(_true(rig))
    constant = np.mean(np.array(targets) - model.sequence(goals), axis=0)
    errors = []
    for of in (model, replace(model, play=none)):
        inverse = Inverse(of, limits_of(face), steps=15)
        rig.move_to(face.safe)
        off = []
        for target in targets:
            rig.move_to(inverse.solve(target - constant).commands)
            off.append(np.linalg.norm((_true(rig) - target)[ZONE], axis=-1).mean())
        errors.append(float(np.mean(off)))
    return errors[0] / errors[1]
