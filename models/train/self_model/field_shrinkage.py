"""Shrinkage of displacement fields: skin is smooth, and a feature moves little of it.

A least-squares fit gives every feature of the self-model a displacement field over the landmarks.
The field holds the camera's noise, which is independent from landmark to landmark and of known
size. A true field is smooth and mostly zero. Each field is therefore estimated in several ways:
zero, unchanged, and smoothed over windows of several widths and shrunk. Stein's unbiased risk
estimate gives the error of each estimate around each landmark, and their mean is taken with weights
by this risk. Sources: Stein, "Estimation of the mean of a multivariate normal distribution", Annals
of Statistics 9 (1981); the weights after Leung and Barron, "Information theory and mixing
least-squares regressions", IEEE Trans. Inf. Theory 52 (2006).

Some features have parents. The field of an actuator's square resembles, around each landmark, a
multiple of the field of the actuator itself. Such a feature has further estimates: the shrunk field
of a parent, times the factor that fits best within a window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.models.face.face_mesh import distances
from mien.models.train.self_model.observation_noise import ObservationNoise

Floats = NDArray[np.float64]
Estimate: TypeAlias = tuple[Floats, Floats]
"""Estimated fields (F, 478, 3), and Stein's estimate of their squared errors (F, 478, 3)."""

_WINDOWS_MM = (4.0, 7.0, 12.0, 20.0, 35.0)
_PARENT_WINDOWS_MM = (15.0, 25.0, 40.0)
_RISK_WINDOW_MM = 10.0  # the estimated errors are averaged over it
_RISK_SOFTNESS = 0.3  # of the noise variance: an estimate worse by this has a weight of 1/e


def shrink_fields(
    phi: Floats,
    landmarks: Floats,
    noise: ObservationNoise | None = None,
    groups: Sequence[Sequence[int]] = (),
    parents: Mapping[int, Sequence[int]] | None = None,
) -> tuple[Floats, Floats]:
    """Coefficients (F, 478, 3) mm of features phi (N, F), fitted to landmarks and shrunk.

    Args:
        phi: (N, F) features. The last column must be constant; its field (the mean face) is not
            shrunk.
        landmarks: (N, 478, 3) mm.
        noise: of the observations; None: independent, and equal for all.
        groups: columns that belong together, as the powers of one actuator. The first column of a
            group is the parent of the others.
        parents: of other columns: column -> its parents.

    Returns:
        the coefficients, and the residuals (N, 478, 3) mm.
    """
    count, size = phi.shape
    flat, rows = landmarks.reshape(count, -1), phi
    if noise is not None:
        flat, rows = noise.whiten(flat), noise.whiten(rows)
    basis, order = _basis(rows, groups)
    inverse = np.linalg.inv(basis.T @ basis)
    raw = inverse @ (basis.T @ flat)
    squares = np.square(flat - basis @ raw).sum(0)
    sigma = np.sqrt(np.maximum(squares / max(1, count - size), 1e-12)).reshape(landmarks.shape[1:])
    standard_error = np.sqrt(np.diag(inverse))[:, None, None] * sigma
    fields = raw.reshape(standard_error.shape)
    all_parents: dict[int, Sequence[int]] = {f: group[:1] for group in groups for f in group[1:]}
    all_parents |= dict(parents or {})
    at = np.argsort(order)
    by_column = {int(at[f]): at[list(others)] for f, others in all_parents.items()}
    shrunk = standard_error * _averaged(
        fields / standard_error, distances(landmarks.mean(0)), by_column
    )
    shrunk[0] = fields[0]
    fitted = basis @ shrunk.reshape(size, -1)
    coefficients = np.linalg.lstsq(rows, fitted, rcond=None)[0]
    residuals = landmarks - (phi @ coefficients).reshape(landmarks.shape)
    return coefficients.reshape(fields.shape), residuals


def least_squares_fields(
    phi: Floats, landmarks: Floats, noise: ObservationNoise | None = None, *_: object
) -> tuple[Floats, Floats]:
    """As ``shrink_fields``, without shrinkage: generalised least squares."""
    flat, rows = landmarks.reshape(len(phi), -1), phi
    if noise is not None:
        flat, rows = noise.whiten(flat), noise.whiten(rows)
    fields: Floats = np.asarray(np.linalg.lstsq(rows, flat, rcond=None)[0])
    residuals = landmarks - (phi @ fields).reshape(landmarks.shape)
    return fields.reshape(-1, *landmarks.shape[1:]), residuals


def _basis(rows: Floats, groups: Sequence[Sequence[int]]) -> tuple[Floats, NDArray[np.intp]]:
    """Columns (N, F) of norm 1 that span the features (N, F), and the feature of each column.

    The constant feature is the first. A feature in a group is orthogonalised only against the
    features before it in its group: commands of different actuators are slightly correlated by
    chance, and a small actuator's field would otherwise hold a share of a large one's. The other
    features are orthogonalised against all.
    """
    last = rows.shape[1] - 1
    members = [f for group in groups for f in group]
    others = [f for f in range(last) if f not in members]
    grouped = [_orthogonalised(rows[:, [last]], rows[:, list(group)]) for group in groups]
    known = np.concatenate([rows[:, [last]] / np.linalg.norm(rows[:, last]), *grouped], axis=1)
    basis = np.concatenate([known, _orthogonalised(known, rows[:, others])], axis=1)
    return basis, np.array([last, *members, *others], dtype=np.intp)


def _orthogonalised(known: Floats, columns: Floats) -> Floats:
    """Columns (N, F), each orthogonal to ``known`` and to those before it, of norm 1."""
    both = np.concatenate([known, columns], axis=1)
    return np.asarray(np.linalg.qr(both)[0][:, known.shape[1] :])


def _averaged(
    fields: Floats, geodesic_mm: Floats, parents: Mapping[int, NDArray[np.intp]]
) -> Floats:
    """Weighted mean of all estimates of fields (F, 478, 3) that have noise of variance 1.

    ``geodesic_mm`` (478, 478) are the distances of the landmarks along the skin.
    """
    risk_window = _window(geodesic_mm, _RISK_WINDOW_MM)
    estimates = [
        (np.zeros_like(fields), np.square(fields) - 1.0),
        (fields, np.ones_like(fields)),
        *(_smoothed(fields, _window(geodesic_mm, width), risk_window) for width in _WINDOWS_MM),
    ]
    mean = _mean(estimates, risk_window)
    if parents:
        children = list(parents)
        estimates = [(estimate[children], risk[children]) for estimate, risk in estimates]
        for which in range(max(map(len, parents.values()))):
            pattern = mean[[of[min(which, len(of) - 1)] for of in parents.values()]]
            estimates += [
                _scaled(pattern, fields[children], _window(geodesic_mm, width))
                for width in _PARENT_WINDOWS_MM
            ]
        mean[children] = _mean(estimates, risk_window)
    return mean


def _smoothed(fields: Floats, window: Floats, risk_window: Floats) -> Estimate:
    """The mean within a window, shrunk by its share of noise."""
    smooth = _average(window, fields)
    noise = np.square(window).sum(1)[:, None]
    size = _average(risk_window, np.square(smooth).mean(2, keepdims=True))
    keep = np.maximum(1.0 - noise / np.maximum(size, 1e-9), 0.0)
    estimate = keep * smooth
    return estimate, np.square(estimate - fields) + 2.0 * np.diag(window)[:, None] * keep - 1.0


def _scaled(patterns: Floats, fields: Floats, window: Floats) -> Estimate:
    """Patterns (F, 478, 3), each times the factor that fits its field best within a window."""
    size = _average(window, np.square(patterns).sum(2, keepdims=True))
    normalised = patterns / np.maximum(size, 1e-9)
    estimate = _average(window, (patterns * fields).sum(2, keepdims=True)) * normalised
    slope = np.diag(window)[:, None] * patterns * normalised
    return estimate, np.square(estimate - fields) + 2.0 * slope - 1.0


def _mean(estimates: list[Estimate], risk_window: Floats) -> Floats:
    """Mean of the estimates, weighted by their risk around each landmark over its three axes."""
    risks = np.stack([_average(risk_window, risk.mean(2, keepdims=True)) for _, risk in estimates])
    weights = np.exp(-(risks - risks.min(0)) / _RISK_SOFTNESS)
    weights /= weights.sum(0)
    return np.asarray(
        sum(weight * field for weight, (field, _) in zip(weights, estimates, strict=True))
    )


def _average(window: Floats, values: Floats) -> Floats:
    """Means of values (F, 478, C) within each landmark's window."""
    return np.asarray(np.einsum("pq,fqc->fpc", window, values, optimize=True))


def _window(geodesic_mm: Floats, width_mm: float) -> Floats:
    """Weights (478, 478) of a mean over the neighbourhood; rows sum to 1."""
    finite = np.where(np.isfinite(geodesic_mm), geodesic_mm, np.inf)
    near = np.exp(-0.5 * np.square(finite / width_mm))
    return np.asarray(near / near.sum(1, keepdims=True))
