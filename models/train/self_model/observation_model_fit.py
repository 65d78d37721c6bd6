"""Fits the observation model of a camera (mien.models.self_model.observation_model), closed form.

All hyperparameters (error covariance, ridge strengths, kernel widths) come from leave-one-out
residuals. With ridge regression they need no further fits: the error of a row left out is its
residual over one minus its leverage (Allen, "The relationship between variable selection and data
augmentation and a method for prediction", Technometrics 16 (1974)). The constants below were chosen
on a robot and on observations that no benchmark uses.

Observations with a large noise scale count less (mien.models.train.self_model.observation_noise).
The weights use the square root of the scale: on two robots this found commands as well as the scale
itself, and better on a third.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.models.self_model.model import Floats
from mien.models.self_model.observation_model import ObservationModel, squared_distances
from mien.models.train.self_model.observation_noise import noise_scales

_MAX_MODES, _OBSERVATIONS_PER_MODE = 300, 3
_SHRINKAGE = 0.3  # of the covariance towards its diagonal
_REGRESSION_WEIGHT = 2.0  # above 1: the regression also knows the distribution of the poses
_MAX_NOISE_SHARE = 0.5
_RIDGES = 10.0 ** np.arange(-8.0, 0.6, 0.5)
_WIDTHS = (3.0, 10.0, 30.0, 100.0)  # in medians of the squared distances
_MIN_COMMAND_VARIANCE = 1e-4


def fit_observation_model(
    phi: Floats, commands: Floats, observations: Floats, rest: Floats
) -> ObservationModel | None:
    """The observation model of a camera, from observations of known poses.

    Args:
        phi: (N, F) features of the self-model at the poses.
        commands: (N, n) of the poses; a tendon's entry is its pull.
        observations: (N, 478, 3) mm.
        rest: (M, 478, 3) mm, observations of one and the same pose.

    Returns:
        None where more than half of the variance (mm^2) that the self-model leaves unexplained is
        independent noise. Noiseless targets should not be weighed by such errors.
    """
    count = len(observations)
    mean = observations.mean(0)
    flat = (observations - mean).reshape(count, -1)
    kept = min(_MAX_MODES, count // _OBSERVATIONS_PER_MODE)
    modes = np.linalg.svd(flat, full_matrices=False)[2][:kept].T
    codes = flat @ modes
    scale = np.sqrt(noise_scales(phi, observations))
    phi_mean = phi[:, :-1].mean(0)
    centred = phi[:, :-1] - phi_mean
    dual, errors = leave_one_out([centred @ centred.T], codes, scale)[:2]
    slopes = centred.T @ dual
    out = np.concatenate([slopes, -phi_mean[None] @ slopes])
    covariance = errors.T @ errors / count
    covariance = (1.0 - _SHRINKAGE) * covariance + _SHRINKAGE * np.diag(np.diag(covariance))
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    noise_share = 1.0
    if len(rest) > 2:
        independent = (rest - rest.mean(0)).reshape(len(rest), -1) @ modes
        total = np.square(errors * scale[:, None]).sum()
        noise_share = float(np.square(independent).sum() / (len(rest) - 1) / total * count)
    if noise_share > _MAX_NOISE_SHARE:
        return None
    code_scale = np.sqrt(codes.std(0))
    training_codes = codes / code_scale
    squared = squared_distances(training_codes, training_codes)
    widths = float(np.median(squared)) * np.array(_WIDTHS)
    mean_commands = commands.mean(0)
    dual, errors, pick = leave_one_out(
        [np.exp(-squared / w) for w in widths], commands - mean_commands, scale
    )
    floor = _MIN_COMMAND_VARIANCE * np.eye(commands.shape[1])
    return ObservationModel(
        mean=mean,
        modes=modes,
        out=out,
        whitening=whitening,
        training_codes=training_codes,
        scale=code_scale,
        widths=widths[pick],
        coefficients=dual,
        mean_commands=mean_commands,
        covariance=errors.T @ errors / count + floor,
        regression_weight=_REGRESSION_WEIGHT,
        noise_share=noise_share,
    )


def leave_one_out(
    kernels: list[Floats], y: Floats, scale: Floats
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Kernel ridge regression; each column of y picks the kernel and strength that predict best.

    Args:
        kernels: (N, N) each.
        y: (N, K) targets of the regression.
        scale: (N,) relative noise scales of the rows.

    Returns:
        (N, K) dual coefficients, (N, K) leave-one-out errors divided by ``scale``, and (K,) index
        of the kernel.
    """
    y = y / scale[:, None]
    best = np.full(y.shape[1], np.inf)
    coefficients, errors = np.zeros_like(y), np.zeros_like(y)
    pick = np.zeros(y.shape[1], dtype=np.intp)
    for k, kernel in enumerate(kernels):
        values, basis = np.linalg.eigh(kernel / np.outer(scale, scale))
        # A strength is relative to the mean diagonal of the kernel.
        strengths = _RIDGES * float(np.trace(kernel)) / len(kernel)
        rotated, squares = basis.T @ y, np.square(basis)
        for strength in strengths:
            shrink = 1.0 / (np.maximum(values, 0.0) + strength)
            dual = basis @ (shrink[:, None] * rotated)
            error = dual / (squares @ shrink)[:, None]
            score = np.square(error).sum(0)
            better = score < best
            best = np.where(better, score, best)
            coefficients[:, better], errors[:, better] = dual[:, better], error[:, better]
            pick[better] = k
    return coefficients / scale[:, None], errors, pick
