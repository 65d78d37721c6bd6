"""The head-pose check: error of the predicted head pose at random commands of the neck."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mien.calibration.capture.capture_rig import CaptureRig
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK
from mien.robot.face.config import FaceConfig, Floats

POSES, RANGE_SHARE = 12, 0.5
"""Number of poses, and the share of the neck's range that they cover."""


def check_head_pose(
    face: FaceConfig, model: SelfModel, rig: CaptureRig, seed: int = 0
) -> dict[str, float]:
    """Turn the head of a started rig at random and compare with the prediction.

    The reference is the true head pose where it is known, else the camera's estimate.

    Returns:
        ``head_error_deg``, and ``head_error_mm`` of the head's origin (the middle of the eyes);
        empty for a face without a neck.
    """
    if not len(model.neck):
        return {}
    at = [face.names.index(n) for n in NECK]
    low, high = RANGE_SHARE * face.limits[at].T
    goals = np.zeros((POSES + 1, len(face.names)))
    goals[1:, at] = np.random.default_rng([seed, 31]).uniform(low, high, (POSES, len(at)))
    sent, heads = [], []
    for goal in goals:
        sent.append(rig.move_to(goal))
        seen = rig.observe().head
        true = rig.true_head_pose()
        heads.append(seen if true is None else true)
    rig.move_to(goals[0])
    to_rest = np.linalg.inv(heads[0])
    errors = [
        _difference(to_rest @ head, model.head(u))
        for head, u in zip(heads[1:], sent[1:], strict=True)
    ]
    good = np.array([o for o in errors if np.isfinite(o).all()]).reshape(-1, 2)
    if not len(good):
        return {}
    return {"head_error_deg": float(good[:, 0].mean()), "head_error_mm": float(good[:, 1].mean())}


def _difference(one: Floats, other: Floats) -> tuple[float, float]:
    """Rotation angle (degrees) and distance (mm) of two poses (4, 4); NaN if one is unknown."""
    if not np.isfinite(one).all():
        return float("nan"), float("nan")
    turn = Rotation.from_matrix(one[:3, :3] @ other[:3, :3].T).magnitude()
    return float(np.degrees(turn)), float(np.linalg.norm(one[:3, 3] - other[:3, 3]))
