"""How well the model knows where the neck puts the head: a few turns that it never saw."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mien.calibration.capture.rig import Stage
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK
from mien.robot.face.config import FaceConfig, Floats

TURNS, SHARE = 12, 0.5
"""How many, and over which share of the neck's range."""


def check_head(face: FaceConfig, model: SelfModel, stage: Stage, seed: int = 0) -> dict[str, float]:
    """Turn a started stage's head at random and compare; empty for a face without a neck.

    Against the rig's own head where it is known, else as the camera sees it. The distance is that
    of the head's origin, the middle of the eyes.
    """
    if not len(model.neck):
        return {}
    at = [face.names.index(n) for n in NECK]
    low, high = SHARE * face.limits[at].T
    goals = np.zeros((TURNS + 1, len(face.names)))
    goals[1:, at] = np.random.default_rng([seed, 31]).uniform(low, high, (TURNS, len(at)))
    sent, heads = [], []
    for goal in goals:
        sent.append(stage.go(goal))
        seen = stage.look().head
        known = stage.true_head()
        heads.append(seen if known is None else known)
    stage.go(goals[0])
    home = np.linalg.inv(heads[0])
    off = [_off(home @ head, model.head(u)) for head, u in zip(heads[1:], sent[1:], strict=True)]
    good = np.array([o for o in off if np.isfinite(o).all()]).reshape(-1, 2)
    if not len(good):
        return {}
    return {"head_error_deg": float(good[:, 0].mean()), "head_error_mm": float(good[:, 1].mean())}


def _off(one: Floats, other: Floats) -> tuple[float, float]:
    """Degrees and mm between two poses (4, 4); NaN where one is not known."""
    if not np.isfinite(one).all():
        return float("nan"), float("nan")
    turn = Rotation.from_matrix(one[:3, :3] @ other[:3, :3].T).magnitude()
    return float(np.degrees(turn)), float(np.linalg.norm(one[:3, 3] - other[:3, 3]))
