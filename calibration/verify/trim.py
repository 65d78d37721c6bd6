"""Is a calibration still true? A few poses decide: keep it, shift the commands a little, or redo
it.

Horns slip and strings stretch: mostly the same face with other zero points. A shift d of the
commands changes the model exactly, y(x + d), without a new fit: powers of x + d are sums of powers
of x. The camera's noise is larger than a slipped horn's motion at most landmarks, so the error of
the face says little; the shift that explains all poses best, and how far it changes when any one
pose is left out (jackknife), says for each actuator whether it has moved.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import comb
from typing import Literal

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.rig import Stage
from mien.models.self_model.model import POWERS, Floats, SelfModel
from mien.robot.face.config import FaceConfig

CHECK_POSES, TRIM_POSES = 20, 60
KEEP = 1.25
"""What no shift explains makes a face another one when the error that is left is more than this
times what verification found."""
SHIFTED, SURE = 0.05, 4.5
"""Of a command (strings: beyond their play), and in standard errors: what has moved by more of both
is trimmed."""
DEAD_SHARE, DEAD_SURE = 0.5, 3.0
"""Of its usual motion, and in standard errors: one that surely shows less is broken."""
_RIDGE = 2.0  # poses' worth of belief that nothing has changed
_STEPS = 6
_FARTHEST = 0.5  # of a command: more is no drift but another robot


@dataclass(frozen=True, eq=False)
class Drift:
    """What some poses say of a stored calibration.

    Attributes:
        verdict: what to do.
        rmse_mm: error of the stored model now.
        trimmed_rmse_mm: the same after the best shift.
        expected_mm: what verification had found.
        shift, error: (n,) the best shift of the commands and its standard error; shifts are pulled
            to none by what is not known of them.
        moved: actuators that have surely moved.
        broken: those that hardly answer any more.
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
    """The model of a face whose inputs (m,) are all ``shift`` further than they say."""
    m, d = len(model.inputs), shift
    features = model.out.shape[0]
    # phi(x + d) = turn phi'(x), phi' being the features with the hidden layer's shift in its bias.
    turn = np.eye(features)
    at = np.arange(m)
    for power in range(1, POWERS + 1):  # (x + d)^power, the binomial theorem
        row = (power - 1) * m + at
        turn[row, -1] = d**power
        for lower in range(1, power):
            turn[row, (lower - 1) * m + at] = comb(power, lower) * d ** (power - lower)
    assert features > POWERS * m
    return replace(
        model, b1=model.b1 + model.w1 @ d, out=turn.T @ model.out, doubt=model.doubt @ turn
    )


def watch(stage: Stage, goals: Floats) -> tuple[Floats, Floats]:
    """(sent (P, n), landmarks (P, 478, 3)) of poses; the stage must be started."""
    sent, seen = [], []
    for goal in goals:
        sent.append(stage.go(goal))
        seen.append(stage.look().landmarks)
    return np.array(sent), np.array(seen)


def standing(model: SelfModel, data: Dataset) -> Floats:
    """(m,) shifts that the model's own error makes of the held-out poses of its data.

    What stood there from the start has not moved since.
    """
    held = np.flatnonzero(data.held)[:TRIM_POSES]
    if len(held) < CHECK_POSES:
        return np.zeros(len(model.inputs))
    return _change(model, _inputs(model, data.commands)[held], data.landmarks[held], gains=False)[0]


def judge(
    face: FaceConfig,
    model: SelfModel,
    sent: Floats,
    seen: Floats,
    expected_mm: float,
    stood: Floats | None = None,
) -> Drift:
    """Compare poses that followed one another from rest with what the model says of them.

    Args:
        sent: (P, n) commands, and seen (P, 478, 3) what the camera saw.
        expected_mm: the error that verification found.
        stood: see ``standing``; without, the model is believed to have no error of its own.
    """
    good = np.isfinite(seen).all((1, 2))
    x, seen = _inputs(model, sent)[good], seen[good]
    now = _rmse(model, x, seen)
    found, error = _change(model, x, seen, gains=False)
    # As far as a shift is not known, none is the better guess.
    shift = found * np.clip(1.0 - np.square(error) / np.maximum(found**2, 1e-12), 0.0, 1.0)
    trimmed = _rmse(shifted(model, shift), x, seen)
    m = len(model.inputs)
    change, doubt = _change(model, x, seen, gains=True)
    share, unsure = 1.0 + change[m:], doubt[m:]
    names = [face.names[i] for i in model.inputs]
    since = np.minimum(np.abs(found), np.abs(found - (0.0 if stood is None else stood)))
    least = np.full(m, SHIFTED)
    least[model.tendons] += model.play.half_width + model.play.growth  # pulls are known no better
    moved = since > np.maximum(least, SURE * error)
    broken = share + DEAD_SURE * unsure < DEAD_SHARE
    far = bool((np.abs(found) >= _FARTHEST)[moved].any())
    verdict: Literal["keep", "trim", "redo"] = "keep"
    if broken.any() or far or trimmed > KEEP * expected_mm:
        verdict = "redo"
    elif moved.any():
        verdict = "trim"
    by_name, sure = np.zeros(len(face.names)), np.zeros(len(face.names))
    by_name[model.inputs], sure[model.inputs] = shift, error
    return Drift(
        verdict,
        now,
        trimmed,
        expected_mm,
        by_name,
        sure,
        [n for n, yes in zip(names, moved, strict=True) if yes],
        [n for n, yes in zip(names, broken, strict=True) if yes],
    )


def _inputs(model: SelfModel, sent: Floats) -> Floats:
    x = np.array(sent[:, model.inputs])
    if len(model.tendons):
        x[:, model.tendons] = model.play.scan(x[:, model.tendons])
    return x


def _off(model: SelfModel, x: Floats, seen: Floats) -> Floats:
    """(P, 478, 3) without the whole face's shift from pose to pose, which is the camera's."""
    off = seen - model.decode(model.latents(x))
    return np.asarray(off - off.mean(1, keepdims=True))


def _rmse(model: SelfModel, x: Floats, seen: Floats) -> float:
    return float(np.sqrt(np.square(_off(model, x, seen)).sum(-1).mean()))


def _change(model: SelfModel, x: Floats, seen: Floats, gains: bool) -> tuple[Floats, Floats]:
    """Shifts (m,), or shifts and gains (2m,), common to all poses, and their standard errors.

    Gauss-Newton, pulled to none, each coordinate weighed by how little it scatters.
    """
    poses, m = x.shape
    off = _off(model, x, seen)
    scatter = off.var(0)
    weight = (1.0 / (0.5 * (scatter + scatter.mean(0)) + 1e-12)).reshape(-1)
    found = np.zeros(2 * m if gains else m)
    for _ in range(_STEPS):
        now = x + found[:m] + (x * found[m:] if gains else 0.0)
        off = _off(model, now, seen)
        hs, gs = [], []
        for k in range(poses):
            by_input = (model.latent_jacobian(now[k]) @ model.decoder).reshape(m, -1, 3)
            j = (by_input - by_input.mean(1, keepdims=True)).reshape(m, -1)
            if gains:
                j = np.concatenate([j, x[k][:, None] * j])
            hs.append((j * weight) @ j.T)
            gs.append((j * weight) @ off[k].reshape(-1))
        h, g = np.array(hs), np.array(gs)
        pull = _RIDGE * np.diag(np.diag(h.mean(0)) + 1e-9)
        whole = h.sum(0) + pull
        step = np.linalg.solve(whole, g.sum(0) - pull @ found)
        found = np.clip(found + step, -1.5, 1.5)
    without = np.linalg.solve(whole - h, (g.sum(0) - g - found @ pull)[..., None])[..., 0]
    spread = without - without.mean(0)
    return found, np.sqrt((poses - 1) / poses * np.square(spread).sum(0))
