"""How wide the plays of strings are: a matched filter over all landmarks and all poses.

A play shifts a pull by some hundredths of its range, up or down by where the string came from:
0.1 mm of skin under a tracker's error of more than 1 mm. But every pose is a look at it, and the
pattern on the skin is known, for it is that of the pull itself. So looks are compared with the
patterns that strings make, one each (a second is mostly noise, and pulls the widths to those that
it was found with), weighed by the errors' covariance over patterns and from look to look,
and what the rest of the face does is projected out; the widths are then a small problem of least
squares with the strings' curves solved for at every step (variable projection: Golub and Pereyra,
SIAM J. Numer. Anal. 10 (1973)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from mien.models.self_model.hysteresis import Play
from mien.models.train.self_model.field_shrinkage import clean_fields
from mien.models.train.self_model.observation_noise import LookErrors

Floats = NDArray[np.float64]

_POWERS = 3
_ENOUGH = 1.5  # poses per regressor
_START = (0.01, 0.03)  # half-width at 0, and its growth
_MOST = (0.3, 0.45)
# Strings of one robot are made alike: standard deviation of one from their mean.
_ALIKE = (0.005, 0.02)
_SURE = 4.0  # standard deviations of chance that plays must explain


def find_plays(
    pulls: Floats, others: Floats, seen: NDArray[np.intp], landmarks: Floats
) -> tuple[Play, float]:
    """Plays of strings, all without width where the looks do not clearly ask for one.

    Args:
        pulls: (T, k) commands of the strings in the order they happened, from rest.
        others: (N, q) what else moved the skin, at the looks.
        seen: (N,) rows of ``pulls`` that were looked at.
        landmarks: (N, 478, 3) mm.

    Returns:
        the plays, and by how much they lower the sum of squares in units of the errors' variance.
    """
    k, count = pulls.shape[1], len(seen)
    none = Play(np.zeros(k), np.zeros(k))
    powers = _POWERS
    while count < _ENOUGH * (powers * (others.shape[1] + k) + 1):
        powers -= 1
        if not powers:
            return none, 0.0

    def curves(widths: Floats) -> Floats:
        """(N, powers * k) for half-widths at 0 and growths (2 k,)."""
        return _raised(Play(*np.split(widths, 2)).scan(pulls)[seen], powers)

    start = np.repeat(_START, k)
    rest = np.concatenate([_raised(others, powers), np.ones((count, 1))], axis=1)
    errors, patterns = _patterns(curves(start), rest, landmarks, k)
    own = errors.free_of(rest)
    flat = (landmarks - landmarks.mean(0)).reshape(count, -1)
    signal = own(flat @ patterns)

    def left(widths: Floats) -> Floats:
        by = np.linalg.qr(own(curves(widths)))[0]
        return signal - by @ (by.T @ signal)

    error = left(start)
    freedom = count - rest.shape[1] - powers * k
    signal = signal @ np.linalg.cholesky(np.linalg.inv(error.T @ error / freedom))
    found = least_squares(
        lambda widths: np.concatenate([left(widths).ravel(), _unlike(widths)]),
        start,
        bounds=(0.0, np.repeat(_MOST, k)),
        x_scale=start,
        diff_step=0.01,
    ).x
    gain = float(np.square(left(np.zeros(2 * k))).sum() - np.square(left(found)).sum())
    chance = 2 * k + _SURE * np.sqrt(4 * k)  # of a chi-squared with a degree for every width
    return (Play(*np.split(found, 2)) if gain > chance else none), gain


def _raised(x: Floats, powers: int) -> Floats:
    return np.concatenate([x**p for p in range(1, powers + 1)], axis=1)


def _unlike(widths: Floats) -> Floats:
    """(2 k,) how unlike the strings are, in standard deviations."""
    each = widths.reshape(2, -1)
    return np.asarray((each - each.mean(1, keepdims=True)) / np.array(_ALIKE)[:, None]).ravel()


def _patterns(
    curves: Floats, rest: Floats, landmarks: Floats, wanted: int
) -> tuple[LookErrors, Floats]:
    """How errors wander, and (1434, wanted) what to weigh landmarks by."""
    explained = np.concatenate([rest[:, :-1], curves, rest[:, -1:]], axis=1)
    errors = LookErrors.beyond(explained, landmarks)
    fields, left = clean_fields(explained, landmarks, errors)
    sigma = np.maximum(left.reshape(len(left), -1).std(0), 1e-9)
    own = fields[rest.shape[1] - 1 : -1].reshape(curves.shape[1], -1) / sigma
    size = np.linalg.qr(errors.free_of(rest)(curves))[1]
    patterns = np.linalg.svd(size @ own, full_matrices=False)[2][:wanted]
    return errors, (patterns / sigma).T
