"""The last layer of a self-model: ridge regression by generalised cross-validation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.models.self_model.model import Floats, SelfModel

_RIDGES = tuple(10.0**k for k in np.arange(-6, 2.1, 0.5))
_NONLINEAR_SCALES = (1.0, 0.3, 0.1, 0.03)  # prior scale of nonlinear features against linear ones


def fit_last_layer(model: SelfModel, phi: Floats, latents: Floats) -> SelfModel:
    """Ridge regression of the latents (N, K) on phi (N, F), by generalised cross-validation.

    Each latent has a ridge of its own, so that latents of mostly noise stay flat. One further
    number for all latents is the prior scale of nonlinear features (powers, hidden units).
    """
    count, slopes = len(phi), len(model.inputs)
    total = np.square(latents).sum(0)
    ridges = np.array(_RIDGES) * count
    best = np.inf
    for nonlinear in _NONLINEAR_SCALES:
        scale = np.full(phi.shape[1], nonlinear)
        scale[:slopes] = scale[-1] = 1.0
        scaled = phi * scale
        values, basis = np.linalg.eigh(scaled.T @ scaled)
        values = np.maximum(values, 0.0)
        rotated = basis.T @ (scaled.T @ latents)
        shrink = 1.0 / (values[None, :] + ridges[:, None])  # (ridges, F)
        freedom = (values * shrink).sum(1)
        fitted = 2 * shrink @ rotated**2 - (shrink**2 * values) @ rotated**2
        squares = np.maximum(total - fitted, 0.0)  # (ridges, K) of the residuals
        score = squares / np.square(1 - np.minimum(freedom / count, 0.99))[:, None]
        pick = score.argmin(0)
        at = np.arange(len(pick))
        if score[pick, at].sum() < best:
            best = float(score[pick, at].sum())
            out = scale[:, None] * (basis @ (rotated * shrink[pick].T))
            noise = np.sqrt(squares[pick, at] / np.maximum(1.0, count - freedom[pick]))
            # One covariance for all latents: the ridges are weighed by the latents' motion.
            precision = np.sqrt(values + np.average(ridges[pick], weights=total))
            factor = (basis / precision).T * scale  # eigh sorts upwards: largest variance first
    return replace(model, out=out, covariance_factor=factor, noise=noise)
