"""Identifies the play operators of the tendons: a matched filter over all landmarks and poses.

A play operator shifts a pull by some hundredths of its range, up or down by the direction from
which the command came. On the skin this is 0.1 mm, under a tracker error of more than 1 mm. But
every pose is an observation of it, and its pattern on the skin is known: it is the pattern of the
pull itself.

The landmarks are projected onto one pattern per tendon. (A second pattern holds mostly noise, and
biases the widths towards those it was found with.) The projections are whitened by the covariance
of their errors and by the autocorrelation of the observations. What the other actuators explain is
projected out. The widths are then a small nonlinear least-squares problem. The tendons' polynomials
are solved for at every step (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10
(1973)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from mien.models.self_model.hysteresis import PlayOperator
from mien.models.train.self_model.field_shrinkage import shrink_fields
from mien.models.train.self_model.observation_noise import EstimateNoise, ObservationNoise

Floats = NDArray[np.float64]

_MAX_POWERS = 3
_POSES_PER_REGRESSOR = 1.5
_START = (0.01, 0.03)  # half-width at command 0, and its growth
_UPPER_BOUNDS = (0.3, 0.45)
# Prior: standard deviation of one tendon's parameters from the mean of this robot's tendons.
_BETWEEN_TENDONS_STD = (0.005, 0.02)
_MIN_SIGMAS = 4.0  # of chance: the play operators must explain more


def identify_play(
    pulls: Floats,
    others: Floats,
    observed: NDArray[np.intp],
    landmarks: Floats,
    estimate: EstimateNoise = ObservationNoise.estimate,
) -> tuple[PlayOperator, float]:
    """Play operators of the tendons; all widths are 0 where they do not reduce the error clearly.

    Args:
        pulls: (T, k) commands of the tendons in the order they happened, from rest.
        others: (N, q) inputs of the other actuators at the observations.
        observed: (N,) rows of ``pulls`` that were observed.
        landmarks: (N, 478, 3) mm, the observations.
        estimate: of the observations' noise.

    Returns:
        the operators, and the reduction of the sum of squares in units of the error variance.
    """
    k, count = pulls.shape[1], len(observed)
    none = PlayOperator(np.zeros(k), np.zeros(k))
    powers = _MAX_POWERS
    while count < _POSES_PER_REGRESSOR * (powers * (others.shape[1] + k) + 1):
        powers -= 1
        if not powers:
            return none, 0.0

    def tendon_features(widths: Floats) -> Floats:
        """Features (N, powers * k) for the half-widths at 0 and growths ``widths`` (2 k,)."""
        return _powers(PlayOperator(*np.split(widths, 2)).scan(pulls)[observed], powers)

    start = np.repeat(_START, k)
    nuisance = np.concatenate([_powers(others, powers), np.ones((count, 1))], axis=1)
    noise, patterns = _patterns(tendon_features(start), nuisance, landmarks, k, estimate)
    project_out = noise.projector(nuisance)
    flat = (landmarks - landmarks.mean(0)).reshape(count, -1)
    signal = project_out(flat @ patterns)

    def residual(widths: Floats) -> Floats:
        basis = np.linalg.qr(project_out(tendon_features(widths)))[0]
        return signal - basis @ (basis.T @ signal)

    error = residual(start)
    freedom = count - nuisance.shape[1] - powers * k
    signal = signal @ np.linalg.cholesky(np.linalg.inv(error.T @ error / freedom))
    found = least_squares(
        lambda widths: np.concatenate([residual(widths).ravel(), _prior_residual(widths)]),
        start,
        bounds=(0.0, np.repeat(_UPPER_BOUNDS, k)),
        x_scale=start,
        diff_step=0.01,
    ).x
    gain = float(np.square(residual(np.zeros(2 * k))).sum() - np.square(residual(found)).sum())
    # A chi-squared variable with one degree of freedom per parameter.
    chance = 2 * k + _MIN_SIGMAS * np.sqrt(4 * k)
    return (PlayOperator(*np.split(found, 2)) if gain > chance else none), gain


def _powers(x: Floats, powers: int) -> Floats:
    return np.concatenate([x**p for p in range(1, powers + 1)], axis=1)


def _prior_residual(widths: Floats) -> Floats:
    """Deviation (2 k,) of each tendon's parameters from their mean, in standard deviations."""
    each = widths.reshape(2, -1)
    std = np.array(_BETWEEN_TENDONS_STD)[:, None]
    return np.asarray((each - each.mean(1, keepdims=True)) / std).ravel()


def _patterns(
    features: Floats, nuisance: Floats, landmarks: Floats, count: int, estimate: EstimateNoise
) -> tuple[ObservationNoise, Floats]:
    """The observation noise, and weights (1434, count) that project landmarks onto patterns."""
    phi = np.concatenate([nuisance[:, :-1], features, nuisance[:, -1:]], axis=1)
    noise = estimate(phi, landmarks)
    fields, residuals = shrink_fields(phi, landmarks, noise)
    sigma = np.maximum(residuals.reshape(len(residuals), -1).std(0), 1e-9)
    by_tendon = fields[nuisance.shape[1] - 1 : -1].reshape(features.shape[1], -1) / sigma
    size = np.linalg.qr(noise.projector(nuisance)(features))[1]
    patterns = np.linalg.svd(size @ by_tendon, full_matrices=False)[2][:count]
    return noise, (patterns / sigma).T
