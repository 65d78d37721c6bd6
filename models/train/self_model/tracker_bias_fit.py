"""Learns the face tracker's bias (mien.models.vision.tracker_bias).

It is a ridge from what is seen to its error, over simulated robots, lights, lenses, places and
skins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.models.errors import ModelError
from mien.models.self_model.model import Floats
from mien.models.vision.tracker_bias import TrackerBias

MODES = 80
_RIDGE = 0.01  # of the codes' variance
_RESIDUALS = 80  # directions of the residual's covariance
_LIMIT_QUANTILE = 0.99
_ROWS = 2000  # of which the modes are found
_MIN_ROBOTS = 3


def fit_tracker_bias(seen: Sequence[Floats], true: Sequence[Floats]) -> TrackerBias:
    """Learn the bias.

    Args:
        seen: (P, 478, 3) mm, displacements from rest as tracked, of each robot; NaN without a face.
        true: (P, 478, 3) mm, the true ones.

    Raises:
        ModelError: there are fewer than three robots.
    """
    if len(seen) < _MIN_ROBOTS:
        raise ModelError(f"the bias needs pictures of {_MIN_ROBOTS} robots, got {len(seen)}")
    rows, errors, of = [], [], []
    for k, (s, t) in enumerate(zip(seen, true, strict=True)):
        found = np.isfinite(s).all((1, 2))
        rows.append(s[found].reshape(int(found.sum()), -1))
        errors.append((s - t)[found].reshape(int(found.sum()), -1))
        of += [k] * int(found.sum())
    x, e, robot = np.concatenate(rows), np.concatenate(errors), np.array(of)
    some = x[:: -(-len(x) // _ROWS)]
    modes = np.linalg.svd(some, full_matrices=False)[2][:MODES].T
    z = x @ modes
    spread = z.std(0)
    z /= spread
    gram, cross = z.T @ z, z.T @ e
    ridge = _RIDGE * len(z) * np.eye(z.shape[1])
    # The residual of a robot that was left out: the others' fit.
    residual = np.empty_like(e)
    for k in range(len(seen)):
        mine = robot == k
        without = np.linalg.solve(gram - z[mine].T @ z[mine] + ridge, cross - z[mine].T @ e[mine])
        residual[mine] = e[mine] - z[mine] @ without
    size, directions = np.linalg.svd(residual[:: -(-len(residual) // _ROWS)], full_matrices=False)[
        1:
    ]
    count = len(residual[:: -(-len(residual) // _ROWS)])
    factor = directions[:_RESIDUALS] * (size[:_RESIDUALS, None] / np.sqrt(count))
    per_point = np.square(residual).reshape(len(residual), -1, 3).sum(-1)
    raw = np.square(e).reshape(len(e), -1, 3).sum(-1)
    return TrackerBias(
        codes=modes / spread,
        errors=np.linalg.solve(gram + ridge, cross),
        residual=factor,
        limit=float(np.quantile(np.square(z).mean(1), _LIMIT_QUANTILE)),
        meta={
            "robots": len(seen),
            "pictures": len(x),
            "raw_mm": round(float(np.sqrt(raw.mean())), 3),
            "left_mm": round(float(np.sqrt(per_point.mean())), 3),
        },
    )
