"""Learns the face tracker's bias (mien.models.vision.tracker_bias), and the errors of dots.

The bias is a ridge from what is seen to its error, over simulated robots, lights, lenses, places
and skins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT, REGIONS
from mien.models.self_model.model import Floats
from mien.models.train.self_model.observed_errors import (
    DOTS_WHITE_MM,
    TRACKED_WHITE_MM,
    encoder,
)
from mien.models.vision.tracker_bias import TrackerBias

MODES = 300
_PICTURES_PER_MODE = 10
_RIDGE = 0.01  # of the codes' variance
_RESIDUALS = 80  # directions of the residual's covariance
_DOT_DIRECTIONS = 40
_LIMIT_QUANTILE = 0.99
_ROWS = 2000  # of which the modes are found
_MIN_ROBOTS = 3
_RESPONSE_RIDGE = 0.1  # of the latents' variance


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
    x, e, robot = _rows(seen, true)
    codes, ridge = _codes(x)
    z = x @ codes
    gram, cross = z.T @ z, z.T @ e
    residual = _left(z, e, robot, ridge)
    per_point = np.square(residual).reshape(len(residual), -1, 3).sum(-1)
    raw = np.square(e).reshape(len(e), -1, 3).sum(-1)
    return TrackerBias(
        codes=codes,
        errors=np.asarray(np.linalg.solve(gram + ridge, cross)),
        residual=_factor(residual, _RESIDUALS),
        limit=float(np.quantile(np.square(z).mean(1), _LIMIT_QUANTILE)),
        meta={
            "robots": len(seen),
            "pictures": len(x),
            "raw_mm": round(float(np.sqrt(raw.mean())), 3),
            "left_mm": round(float(np.sqrt(per_point.mean())), 3),
        },
    )


def tracker_response(
    decoder: Floats, residual: Floats, seen: Sequence[Floats], true: Sequence[Floats]
) -> Floats:
    """Latents that are seen on average, as a matrix (K, K) from the true ones.

    The correction of the bias is a regression, which shrinks what is hard to see: of a lower lid it
    returns half of the motion. The robots that are corrected are not among those learned from.

    Args:
        decoder: (K, 1434) mm, of the prior.
        residual: (Q, 1434) mm, of the bias.
        seen, true: as for ``fit_tracker_bias``.
    """
    x, e, robot = _rows(seen, true)
    codes, ridge = _codes(x)
    left = _left(x @ codes, e, robot, ridge)
    to_latents = encoder(decoder, residual, TRACKED_WHITE_MM)
    return _response((x - e) @ to_latents, left @ to_latents, robot)


def dot_errors(
    decoder: Floats, seen: Sequence[Floats], true: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Errors of landmarks that are found from dots on the skin, as a prior keeps them.

    Most of such an error is what happens between two dots; no regression on what is seen removes a
    tenth of it (77 robots), so it is kept as it is. Lids have no dots. What is seen of them is a
    guess from the skin around, no share of their motion: corrected as such, eyes did not shut.

    Args:
        decoder: (K, 1434) mm, of the prior.
        seen, true: as for ``fit_tracker_bias``, of dots.

    Returns:
        (D, 1434) mm, a factor of their covariance, and latents -> mean latents that are seen, as a
        matrix (K, K).

    Raises:
        ModelError: there are fewer than three robots.
    """
    if len(seen) < _MIN_ROBOTS:
        raise ModelError(f"the errors of dots need {_MIN_ROBOTS} robots, got {len(seen)}")
    x, e, robot = _rows(seen, true)
    factor = _factor(e, _DOT_DIRECTIONS)
    to_latents = encoder(decoder, factor, DOTS_WHITE_MM)
    off = np.where(np.isin(np.arange(COUNT), REGIONS["lids"]).repeat(3), 0.0, e)
    return factor, _response((x - e) @ to_latents, off @ to_latents, robot)


def _factor(errors: Floats, count: int) -> Floats:
    """Factor (count, 1434) of the covariance of errors (N, 1434)."""
    some = errors[:: -(-len(errors) // _ROWS)]
    size, directions = np.linalg.svd(some, full_matrices=False)[1:]
    return np.asarray(directions[:count] * (size[:count, None] / np.sqrt(len(some))))


def _response(z: Floats, off: Floats, robot: NDArray[np.intp]) -> Floats:
    """Latents that are seen on average, as a matrix (K, K), from true ones and errors (N, K)."""
    off = off - np.array([off[robot == k].mean(0) for k in robot])
    penalty = _RESPONSE_RIDGE * np.diag(np.square(z).sum(0))
    return np.asarray(np.eye(z.shape[1]) + np.linalg.solve(z.T @ z + penalty, z.T @ off))


def _rows(
    seen: Sequence[Floats], true: Sequence[Floats]
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Displacements seen (N, 1434), their errors (N, 1434) and the robots (N,) they are of."""
    rows, errors, of = [], [], []
    for k, (s, t) in enumerate(zip(seen, true, strict=True)):
        found = np.isfinite(s).all((1, 2))
        rows.append(s[found].reshape(int(found.sum()), -1))
        errors.append((s - t)[found].reshape(int(found.sum()), -1))
        of += [k] * int(found.sum())
    return np.concatenate(rows), np.concatenate(errors), np.array(of, np.intp)


def _codes(x: Floats) -> tuple[Floats, Floats]:
    """Codes (1434, R) of unit variance over displacements (N, 1434), and their ridge (R, R)."""
    some, count = x[:: -(-len(x) // _ROWS)], min(MODES, len(x) // _PICTURES_PER_MODE)
    modes = np.linalg.svd(some, full_matrices=False)[2][:count].T
    return modes / (x @ modes).std(0), _RIDGE * len(x) * np.eye(modes.shape[1])


def _left(z: Floats, e: Floats, robot: NDArray[np.intp], ridge: Floats) -> Floats:
    """Errors (N, 1434) that are left of each robot by a fit to the others."""
    gram, cross = z.T @ z, z.T @ e
    residual = np.empty_like(e)
    for k in np.unique(robot):
        mine = robot == k
        without = np.linalg.solve(gram - z[mine].T @ z[mine] + ridge, cross - z[mine].T @ e[mine])
        residual[mine] = e[mine] - z[mine] @ without
    return residual
