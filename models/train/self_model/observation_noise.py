"""Observation noise: a heteroscedastic AR(1) process over the observations of a session.

Errors of a tracker are autocorrelated while poses pass. With the autocorrelation r of successive
errors, e[t] - r e[t-1] is independent from observation to observation. Least squares on rows
whitened in this way is generalised least squares. It reads the change between successive poses
better than the difference of two poses far apart (Aitken, "On least squares and linear combination
of observations", Proc. R. Soc. Edinburgh 55 (1936)).

The size of the errors depends on the pose. A face tracker reads a face near rest within 0.1 mm and
a strongly distorted face within 1 mm. Each observation is therefore divided by its own noise
scale. The scale is estimated from the residual of a fit over all landmarks (iteratively reweighted
least squares: Holland and Welsch, "Robust regression using iteratively reweighted least-squares",
Communications in Statistics 6 (1977)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MAX_AUTOCORRELATION = 0.9  # errors that change more slowly are a drift of the camera
_REWEIGHTINGS = 2
_MIN_RELATIVE_SCALE = 0.6  # of the median; few landmarks with small errors by chance prove no more
# A pose with a leverage near 1 has a residual near 0, whatever its error.
_MIN_RESIDUAL_SHARE = 0.05


@dataclass(frozen=True)
class ObservationNoise:
    """Noise of N observations, in the order they were taken.

    Attributes:
        autocorrelation: of the errors of successive observations, in [0, 0.9].
        scale: (N,) relative noise scale of each observation; None: all are equal.
    """

    autocorrelation: float
    scale: Floats | None = None

    @classmethod
    def from_residuals(cls, residuals: Floats, scale: Floats | None = None) -> ObservationNoise:
        """Estimate from residuals (N, D) that are already divided by ``scale`` (N,)."""
        lagged = float((residuals[1:] * residuals[:-1]).sum())
        correlation = lagged / max(float(np.square(residuals).sum()), 1e-12)
        return cls(float(np.clip(correlation, 0.0, _MAX_AUTOCORRELATION)), scale)

    @classmethod
    def estimate(cls, phi: Floats, landmarks: Floats) -> ObservationNoise:
        """Estimate from what features phi (N, F) leave unexplained of landmarks (N, 478, 3) mm."""
        scale = noise_scales(phi, landmarks)
        residuals = cls(0.0, scale).projector(phi)(landmarks.reshape(len(phi), -1))
        return cls.from_residuals(residuals, scale)

    def whiten(self, rows: Floats) -> Floats:
        """Rows (N, D) of observations, or of their regressors, with white noise of equal size."""
        scaled = rows if self.scale is None else rows / self.scale[:, None]
        out = scaled.copy()
        innovation = scaled[1:] - self.autocorrelation * scaled[:-1]
        out[1:] = innovation / np.sqrt(1.0 - self.autocorrelation**2)
        return out

    def projector(self, regressors: Floats) -> Callable[[Floats], Floats]:
        """Function that whitens rows (N, D) and projects the regressors (N, F) out of them."""
        basis = np.linalg.qr(self.whiten(regressors))[0]

        def project_out(rows: Floats) -> Floats:
            whitened = self.whiten(rows)
            return np.asarray(whitened - basis @ (basis.T @ whitened))

        return project_out


EstimateNoise: TypeAlias = Callable[[Floats, Floats], ObservationNoise]
"""Features phi (N, F) and landmarks (N, 478, 3) mm -> noise of the observations."""


def noise_scales(phi: Floats, landmarks: Floats) -> Floats:
    """Relative noise scales (N,) of observations.

    Args:
        phi: (N, F) features of the poses.
        landmarks: (N, 478, 3) mm.
    """
    flat, scale = landmarks.reshape(len(phi), -1), np.ones(len(phi))
    for _ in range(_REWEIGHTINGS):
        basis = np.linalg.qr(phi / scale[:, None])[0]
        scaled = flat / scale[:, None]
        residuals = (scaled - basis @ (basis.T @ scaled)) * scale[:, None]
        residual_share = np.maximum(1.0 - np.square(basis).sum(1), _MIN_RESIDUAL_SHARE)
        # Each coordinate is divided by its median error; otherwise the lips would dominate.
        median = np.maximum(np.median(np.square(residuals), axis=0), 1e-12)
        energy = (np.square(residuals) / median).mean(1) / residual_share
        relative = energy / max(float(np.median(energy)), 1e-12)
        scale = np.sqrt(relative + _MIN_RELATIVE_SCALE**2)
    return scale
