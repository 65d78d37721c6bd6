"""Fits what one camera's looks tell of the commands (mien.models.self_model.observation_model), in
closed form.

All that must be known of errors (their covariance, ridge strengths, kernel widths) is known from
looks left out one at a time, which costs nothing with ridge: the error of a look left out is its
residual over one minus its leverage (Allen, "The relationship between variable selection and data
augmentation and a method for prediction", Technometrics 16 (1974)). The numbers below were chosen
on a robot and looks that no benchmark asks.

Looks that are read badly count less (mien.models.train.self_model.observation_noise), by the root
of their errors' sizes:
on two robots that found commands as well as by the sizes themselves, and better on a third.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.models.self_model.model import Floats
from mien.models.self_model.observation_model import Sight, squared_distances
from mien.models.train.self_model.observation_noise import error_sizes

_MODES, _LOOKS_PER_MODE = 300, 3
_SHRINK = 0.3  # of the covariance towards its diagonal
_TRUST = 2.0  # the regression learned the poses' distribution too
_OWN_NOISE = 0.5  # above this share, what is not explained is no shape of the camera's
_STRENGTHS = 10.0 ** np.arange(-8.0, 0.6, 0.5)
_WIDTHS = (3.0, 10.0, 30.0, 100.0)  # in medians of the squared distances
_LEAST = 1e-4  # variance of a command that is known by heart


def fit_sight(phi: Floats, commands: Floats, looks: Floats, rests: Floats) -> Sight | None:
    """The sight of a camera from looks whose poses are known.

    Args:
        phi: (N, F) the self-model's features of the poses.
        commands: (N, n) of the poses, strings as pulls.
        looks: (N, 478, 3) mm.
        rests: (M, 478, 3) those of the looks that are at one and the same pose.

    Returns:
        None where more than half of what the self-model cannot explain (mm^2) is each look's own
        noise: then errors are independent, and clean targets should not be weighed by them.
    """
    count = len(looks)
    mean = looks.mean(0)
    flat = (looks - mean).reshape(count, -1)
    modes = np.linalg.svd(flat, full_matrices=False)[2][: min(_MODES, count // _LOOKS_PER_MODE)].T
    codes = flat @ modes
    sizes = np.sqrt(error_sizes(phi, looks))
    middle = phi[:, :-1].mean(0)
    centred = phi[:, :-1] - middle
    pull, left = _left_out([centred @ centred.T], codes, sizes)[:2]
    slopes = centred.T @ pull
    out = np.concatenate([slopes, -middle[None] @ slopes])
    covariance = left.T @ left / count
    covariance = (1.0 - _SHRINK) * covariance + _SHRINK * np.diag(np.diag(covariance))
    root = np.linalg.cholesky(np.linalg.inv(covariance))
    noise = 1.0
    if len(rests) > 2:
        own = (rests - rests.mean(0)).reshape(len(rests), -1) @ modes
        missed = np.square(left * sizes[:, None]).sum()
        noise = float(np.square(own).sum() / (len(rests) - 1) / missed * count)
    if noise > _OWN_NOISE:
        return None
    scale = np.sqrt(codes.std(0))
    known = codes / scale
    far = squared_distances(known, known)
    widths = float(np.median(far)) * np.array(_WIDTHS)
    usual = commands.mean(0)
    pull, wrong, pick = _left_out([np.exp(-far / w) for w in widths], commands - usual, sizes)
    return Sight(
        mean=mean,
        modes=modes,
        out=out,
        root=root,
        known=known,
        scale=scale,
        widths=widths[pick],
        pull=pull,
        usual=usual,
        doubt=wrong.T @ wrong / count + _LEAST * np.eye(commands.shape[1]),
        trust=_TRUST,
        noise=noise,
    )


def _left_out(
    kernels: list[Floats], y: Floats, sizes: Floats
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Ridge regression in dual variables: each column of y (N, K) picks its kernel and strength.

    Args:
        kernels: (N, N) each.
        y: what is to be told.
        sizes: (N,) of the rows' errors, beside one another.

    Returns:
        (N, K) coefficients, (N, K) errors of the rows left out in their sizes, (K,) which kernel.
    """
    y = y / sizes[:, None]
    best = np.full(y.shape[1], np.inf)
    pull, left = np.zeros_like(y), np.zeros_like(y)
    pick = np.zeros(y.shape[1], dtype=np.intp)
    for k, kernel in enumerate(kernels):
        values, basis = np.linalg.eigh(kernel / np.outer(sizes, sizes))
        # Strengths are shares of the kernel's own size.
        strengths = _STRENGTHS * float(np.trace(kernel)) / len(kernel)
        rotated, squares = basis.T @ y, np.square(basis)
        for strength in strengths:
            shrink = 1.0 / (np.maximum(values, 0.0) + strength)
            dual = basis @ (shrink[:, None] * rotated)
            error = dual / (squares @ shrink)[:, None]
            score = np.square(error).sum(0)
            better = score < best
            best = np.where(better, score, best)
            pull[:, better], left[:, better], pick[better] = dual[:, better], error[:, better], k
    return pull / sizes[:, None], left, pick
