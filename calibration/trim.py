"""Is a calibration still true? A few poses decide: keep it, shift the commands a little, or redo
it.

Horns slip and strings stretch: mostly the same face with other zero points. A shift d of the
commands changes the model exactly, y(x + d), without a new fit: powers of x + d are sums of powers
of x.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from calibration.studio import Stage
from models.regions import landmark_weights
from models.self_model import POWERS, Floats, SelfModel
from robot.config import FaceConfig

CHECK_POSES, TRIM_POSES = 20, 60
KEEP = 1.25
"""A face drifted when its error is more than this times what verification found."""
_RIDGE = 2.0  # poses' worth of belief that nothing has shifted
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
        shift: (n,) the best shift of the commands.
    """

    verdict: Literal["keep", "trim", "redo"]
    rmse_mm: float
    trimmed_rmse_mm: float
    expected_mm: float
    shift: Floats


def shifted(model: SelfModel, shift: Floats) -> SelfModel:
    """The model of a face whose inputs (m,) are all ``shift`` further than they say."""
    m, d = len(model.inputs), shift
    features = model.out.shape[0]
    # phi(x + d) = turn phi'(x), phi' being the features with the hidden layer's shift in its bias.
    turn = np.eye(features)
    at = np.arange(m)
    turn[at, -1] = d
    turn[m + at, at], turn[m + at, -1] = 2 * d, d**2
    turn[2 * m + at, at] = 3 * d**2
    turn[2 * m + at, m + at] = 3 * d
    turn[2 * m + at, -1] = d**3
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


def judge(
    face: FaceConfig, model: SelfModel, sent: Floats, seen: Floats, expected_mm: float
) -> Drift:
    """Compare poses that followed one another from rest with what the model says of them."""
    good = np.isfinite(seen).all((1, 2))
    pulls = _inputs(model, sent)[good]
    seen = seen[good]
    now = _rmse(model, pulls, seen)
    shift = _best_shift(model, pulls, seen)
    trimmed = _rmse(shifted(model, shift), pulls, seen)
    if now <= KEEP * expected_mm:
        verdict: Literal["keep", "trim", "redo"] = "keep"
    elif trimmed <= KEEP * expected_mm and np.abs(shift).max() < _FARTHEST:
        verdict = "trim"
    else:
        verdict = "redo"
    by_name = np.zeros(len(face.names))
    by_name[model.inputs] = shift
    return Drift(verdict, now, trimmed, expected_mm, by_name)


def _inputs(model: SelfModel, sent: Floats) -> Floats:
    x = np.array(sent[:, model.inputs])
    if len(model.tendons):
        x[:, model.tendons] = model.play.scan(x[:, model.tendons])
    return x


def _rmse(model: SelfModel, x: Floats, seen: Floats) -> float:
    off = _level(seen - model.decode(model.latents(x)))
    return float(np.sqrt(np.square(off).sum(-1).mean()))


def _level(off: Floats) -> Floats:
    """Without the whole face's shift from pose to pose, which is the camera's."""
    return off - np.median(off, axis=1, keepdims=True)


def _best_shift(model: SelfModel, x: Floats, seen: Floats) -> Floats:
    """Gauss-Newton on the shift common to all poses, pulled to none."""
    m = x.shape[1]
    root = np.sqrt(landmark_weights()).repeat(3)
    shift = np.zeros(m)
    for _ in range(_STEPS):
        h, g = np.zeros((m, m)), np.zeros(m)
        for k in range(len(x)):
            at = x[k] + shift
            off = _level((seen[k] - model.decode(model.latents(at)))[None])[0].reshape(-1) * root
            j = (model.latent_jacobian(at) @ model.decoder) * root
            h += j @ j.T
            g += j @ off
        pull = _RIDGE * np.diag(h) / len(x)
        shift = shift + np.linalg.solve(h + np.diag(pull), g - pull * shift)
        shift = np.clip(shift, -_FARTHEST, _FARTHEST)
    return shift
