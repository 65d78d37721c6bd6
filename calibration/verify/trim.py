"""The drift check: some poses decide whether to keep, trim or redo a calibration.

Servo horns slip and tendons stretch. Both mostly shift the zero point of a command. The model of
the shifted face is y(x + d) with a shift d of the inputs. It needs no new fit, because powers of
x + d are sums of powers of x. At most landmarks the camera's noise is larger than the motion of a
slipped horn, so the prediction error says little. The check estimates the shift of each actuator
that explains all poses best. A jackknife over the poses gives its standard error.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import comb
from typing import Literal

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.dataset import Dataset
from mien.models.self_model.model import POWERS, Floats, SelfModel
from mien.robot.face.config import FaceConfig

CHECK_POSES, TRIM_POSES = 20, 60
MAX_RELATIVE_ERROR = 1.25
"""The calibration must be redone if the error after the best shift exceeds the error of
verification by more than this factor."""
MIN_SHIFT, MIN_SHIFT_SIGMAS = 0.05, 4.5
"""An actuator is trimmed if its shift exceeds both: in commands (for a tendon, beyond its play),
and in standard errors."""
BROKEN_GAIN, BROKEN_SIGMAS = 0.5, 3.0
"""An actuator is broken if its gain is below the first, by so many standard errors."""
_PRIOR_POSES = 2.0  # weight of the prior for no change, in poses
_STEPS = 6
_MAX_SHIFT = 0.5  # in commands; a larger shift is no drift but another robot


@dataclass(frozen=True, eq=False)
class Drift:
    """Result of the drift check.

    Attributes:
        verdict: what to do with the calibration.
        rmse_mm: prediction error of the stored model now, RMS mm.
        trimmed_rmse_mm: the same after the best shift.
        expected_mm: error that verification found, RMS mm.
        shift: (n,) best shift of the commands, shrunk to 0 by its uncertainty.
        error: (n,) standard error of the shift.
        moved: actuators with a significant shift.
        broken: actuators that hardly respond.
    """

    verdict: Literal["keep", "trim", "redo"]
    rmse_mm: float
    trimmed_rmse_mm: float
    expected_mm: float
    shift: Floats
    error: Floats
    moved: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def shifted(model: SelfModel, shift: Floats) -> SelfModel:
    """The model of a face whose inputs are ``shift`` (m,) larger than commanded: y(x + shift)."""
    m, d = len(model.inputs), shift
    features = model.out.shape[0]
    # phi(x + d) = turn @ phi'(x); phi' has the hidden layer's shift in its bias.
    turn = np.eye(features)
    at = np.arange(m)
    for power in range(1, POWERS + 1):  # (x + d)^power, the binomial theorem
        row = (power - 1) * m + at
        turn[row, -1] = d**power
        for lower in range(1, power):
            turn[row, (lower - 1) * m + at] = comb(power, lower) * d ** (power - lower)
    assert features > POWERS * m
    return replace(
        model,
        b1=model.b1 + model.w1 @ d,
        out=turn.T @ model.out,
        covariance_factor=model.covariance_factor @ turn,
    )


def observe_poses(rig: CaptureRig, goals: Floats) -> tuple[Floats, Floats]:
    """Observe poses (P, n) on a started rig: commands sent (P, n), landmarks (P, 478, 3) mm."""
    sent, seen = [], []
    for goal in goals:
        sent.append(rig.move_to(goal))
        seen.append(rig.observe().landmarks)
    return np.array(sent), np.array(seen)


def baseline_shift(model: SelfModel, data: Dataset) -> Floats:
    """Shifts (m,) that the check finds in the held-out poses of the model's own data.

    They are errors of the model from the start, and no drift.
    """
    held = np.flatnonzero(data.held_out)[:TRIM_POSES]
    if len(held) < CHECK_POSES:
        return np.zeros(len(model.inputs))
    return _change(model, _inputs(model, data.commands)[held], data.landmarks[held], gains=False)[0]


def assess_drift(
    face: FaceConfig,
    model: SelfModel,
    sent: Floats,
    seen: Floats,
    expected_mm: float,
    baseline: Floats | None = None,
) -> Drift:
    """Compare observed poses with the predictions of the model.

    Args:
        face: the face.
        model: of the stored calibration.
        sent: (P, n) commands, one after the other from rest.
        seen: (P, 478, 3) mm, observations; NaN where there is none.
        expected_mm: error that verification found, RMS mm.
        baseline: (m,) see ``baseline_shift``; None: the model has no error of its own.
    """
    good = np.isfinite(seen).all((1, 2))
    x, seen = _inputs(model, sent)[good], seen[good]
    now = _rmse(model, x, seen)
    found, error = _change(model, x, seen, gains=False)
    # Shrinkage: where a shift is uncertain, 0 is the better estimate.
    shift = found * np.clip(1.0 - np.square(error) / np.maximum(found**2, 1e-12), 0.0, 1.0)
    trimmed = _rmse(shifted(model, shift), x, seen)
    m = len(model.inputs)
    change, change_error = _change(model, x, seen, gains=True)
    gain, gain_error = 1.0 + change[m:], change_error[m:]
    names = [face.names[i] for i in model.inputs]
    since = np.minimum(np.abs(found), np.abs(found - (0.0 if baseline is None else baseline)))
    threshold = np.full(m, MIN_SHIFT)
    # A pull is known no better than the width of the play.
    threshold[model.tendons] += model.play.half_width + model.play.growth
    moved = since > np.maximum(threshold, MIN_SHIFT_SIGMAS * error)
    broken = gain + BROKEN_SIGMAS * gain_error < BROKEN_GAIN
    far = bool((np.abs(found) >= _MAX_SHIFT)[moved].any())
    verdict: Literal["keep", "trim", "redo"] = "keep"
    if broken.any() or far or trimmed > MAX_RELATIVE_ERROR * expected_mm:
        verdict = "redo"
    elif moved.any():
        verdict = "trim"
    by_name, error_by_name = np.zeros(len(face.names)), np.zeros(len(face.names))
    by_name[model.inputs], error_by_name[model.inputs] = shift, error
    return Drift(
        verdict,
        now,
        trimmed,
        expected_mm,
        by_name,
        error_by_name,
        [n for n, yes in zip(names, moved, strict=True) if yes],
        [n for n, yes in zip(names, broken, strict=True) if yes],
    )


def _inputs(model: SelfModel, sent: Floats) -> Floats:
    x = np.array(sent[:, model.inputs])
    if len(model.tendons):
        x[:, model.tendons] = model.play.scan(x[:, model.tendons])
    return x


def _residuals(model: SelfModel, x: Floats, seen: Floats) -> Floats:
    """Residuals (P, 478, 3) mm without the common motion of all landmarks, the camera's drift."""
    residuals = seen - model.decode(model.latents(x))
    return np.asarray(residuals - residuals.mean(1, keepdims=True))


def _rmse(model: SelfModel, x: Floats, seen: Floats) -> float:
    return float(np.sqrt(np.square(_residuals(model, x, seen)).sum(-1).mean()))


def _change(model: SelfModel, x: Floats, seen: Floats, gains: bool) -> tuple[Floats, Floats]:
    """Shifts (m,), or shifts and gains (2m,), of all poses, and their standard errors.

    The method is Gauss-Newton with a prior for no change. The weight of each coordinate is the
    inverse of its residual variance.
    """
    poses, m = x.shape
    residuals = _residuals(model, x, seen)
    scatter = residuals.var(0)
    weight = (1.0 / (0.5 * (scatter + scatter.mean(0)) + 1e-12)).reshape(-1)
    found = np.zeros(2 * m if gains else m)
    for _ in range(_STEPS):
        now = x + found[:m] + (x * found[m:] if gains else 0.0)
        residuals = _residuals(model, now, seen)
        hs, gs = [], []
        for k in range(poses):
            by_input = (model.latent_jacobian(now[k]) @ model.decoder).reshape(m, -1, 3)
            j = (by_input - by_input.mean(1, keepdims=True)).reshape(m, -1)
            if gains:
                j = np.concatenate([j, x[k][:, None] * j])
            hs.append((j * weight) @ j.T)
            gs.append((j * weight) @ residuals[k].reshape(-1))
        h, g = np.array(hs), np.array(gs)
        prior = _PRIOR_POSES * np.diag(np.diag(h.mean(0)) + 1e-9)
        whole = h.sum(0) + prior
        step = np.linalg.solve(whole, g.sum(0) - prior @ found)
        found = np.clip(found + step, -1.5, 1.5)
    without = np.linalg.solve(whole - h, (g.sum(0) - g - found @ prior)[..., None])[..., 0]
    spread = without - without.mean(0)
    return found, np.sqrt((poses - 1) / poses * np.square(spread).sum(0))
