"""What each feature does to the skin, cleaned: skin is smooth, and most of it does not move.

A least-squares fit gives every feature a displacement field over the landmarks, with the camera's
noise in it: independent from point to point, of known size. A field of skin is smooth and mostly
zero. So each field is estimated in several ways (zero, as it is, smoothed over windows of several
widths and shrunk), and Stein's unbiased estimate says, around each landmark, how wrong each way
is; the mean of the ways, weighted by that, is kept (Stein, "Estimation of the mean of a
multivariate normal distribution", Annals of Statistics 9 (1981); weights after Leung and Barron,
"Information theory and mixing least-squares regressions", IEEE Trans. Inf. Theory 52 (2006)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.face_mesh import distances
from models.train.wandering import Wandering

Floats = NDArray[np.float64]
_WINDOWS_MM = (4.0, 7.0, 12.0, 20.0, 35.0)
_AROUND_MM = 10.0  # over which the estimated error is averaged
_SOFT = 0.5  # of the noise's variance: how much worse a way may be and still count


def clean_fields(
    phi: Floats, landmarks: Floats, wandering: Wandering | None = None
) -> tuple[Floats, Floats]:
    """Coefficients (F, 478, 3) of features phi (N, F) for landmarks (N, 478, 3).

    ``wandering`` says how alike errors of looks are that follow one another; None: not at all.

    The features' order matters a little: each is taken without what those before it explain. The
    constant one must be the last column of phi; its field, the face itself, is left as it is.

    Returns:
        the coefficients, and (N, 478, 3) mm: what they leave.
    """
    count, size = phi.shape
    order = np.r_[size - 1, np.arange(size - 1)]
    flat, rows = landmarks.reshape(count, -1), phi[:, order]
    if wandering is not None:
        flat, rows = wandering.apart(flat), wandering.apart(rows)
    basis, upper = np.linalg.qr(rows)
    raw = basis.T @ flat
    left = np.square(flat).sum(0) - np.square(raw).sum(0)
    sigma = np.sqrt(np.maximum(left / max(1, count - size), 1e-12)).reshape(landmarks.shape[1:])
    fields = raw.reshape(size, *landmarks.shape[1:])
    apart = distances(landmarks.mean(0))
    cleaned = np.concatenate([fields[:1], _mixed(fields[1:] / sigma, apart) * sigma])
    coefficients = np.empty_like(raw)
    coefficients[order] = np.linalg.lstsq(upper, cleaned.reshape(size, -1), rcond=None)[0]
    said = (phi @ coefficients).reshape(landmarks.shape)
    return coefficients.reshape(fields.shape), landmarks - said


def _mixed(fields: Floats, apart: Floats) -> Floats:
    """Fields (F, 478, 3) with noise of variance 1 -> weighted mean of all ways to clean them."""
    points = fields.shape[1]
    flat = fields.transpose(1, 0, 2).reshape(points, -1)
    around = _window(apart, _AROUND_MM)

    def local(values: Floats) -> Floats:
        """Mean over the neighbourhood and the three axes."""
        mean = (around @ values).reshape(points, -1, 3).mean(2)
        return np.asarray(np.repeat(mean, 3, axis=1))

    ways: list[tuple[Floats, Floats]] = [
        (local(np.square(flat) - 1.0), np.zeros_like(flat)),
        (np.ones_like(flat), flat),
    ]
    for width in _WINDOWS_MM:
        window = _window(apart, width)
        smooth = window @ flat
        noise = np.square(window).sum(1)[:, None]
        keep = np.maximum(1.0 - noise / np.maximum(local(np.square(smooth)), 1e-9), 0.0)
        way = keep * smooth
        risk = np.square(way - flat) + 2.0 * np.diag(window)[:, None] * keep - 1.0
        ways.append((local(risk), way))
    risks = np.stack([risk for risk, _ in ways])
    weights = np.exp(-(risks - risks.min(0)) / _SOFT)
    mixed = (weights / weights.sum(0) * np.stack([way for _, way in ways])).sum(0)
    return np.asarray(mixed.reshape(points, -1, 3).transpose(1, 0, 2))


def _window(apart: Floats, width: float) -> Floats:
    """(478, 478) weights of a mean over the neighbourhood, rows of sum 1."""
    near = np.exp(-0.5 * np.square(np.where(np.isfinite(apart), apart, np.inf) / width))
    return np.asarray(near / near.sum(1, keepdims=True))
