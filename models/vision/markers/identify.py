"""Tells which dot is which: the blobs of a picture beside where each dot is expected.

Dots do not jump over each other: their errors of prediction are smooth along the skin. The method
is coherent point drift: blobs are assigned by probability, the smooth error that explains the
assignment best is taken off, and the assignment becomes narrower. A blob that fits no dot is a
reflection; a dot without a blob is hidden. Source: Myronenko and Song, "Point set registration:
coherent point drift", IEEE Trans. PAMI 32 (2010).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NARROWER, _MIN_SIGMA_PX = 0.75, 0.8
_OUTLIER = float(np.exp(-0.5 * 3.0**2))  # a blob 3 standard deviations away is as likely none
_MAX_MISS_PX = 3.0
_MIN_PROBABILITY = 0.5
_NOISE_PX, _MAX_ODD = 1.0, 3.5  # the second: standard deviations


def identify(blobs: Floats, expected: Floats, smooth: Floats, spread_px: float) -> Floats:
    """Pixels (D, 2) of the dots; NaN for a dot that has no blob.

    Args:
        blobs: (B, 2) pixels, in any order.
        expected: (D, 2) pixels; NaN for a dot that cannot be seen.
        smooth: (D, D) correlation of the errors of ``expected`` among the dots.
        spread_px: standard deviation of these errors.
    """
    out = np.full((len(expected), 2), np.nan)
    sought = np.isfinite(expected).all(1)
    if not sought.all():
        if sought.any():
            inner = smooth[np.ix_(sought, sought)]
            out[sought] = identify(blobs, expected[sought], inner, spread_px)
        return out
    if not len(blobs):
        return out
    covariance, sigma = spread_px**2 * smooth, spread_px
    at = expected
    while True:
        share = np.exp(-0.5 * np.square(blobs[None] - at[:, None]).sum(-1) / sigma**2)
        share /= share.sum(0) + _OUTLIER
        mass = share.sum(1)
        seen = mass > 1e-3
        target = (share[seen] @ blobs) / mass[seen, None] - expected[seen]
        inner = covariance[np.ix_(seen, seen)] + np.diag(sigma**2 / mass[seen])
        at = expected + covariance[:, seen] @ np.linalg.solve(inner, target)
        if sigma <= _MIN_SIGMA_PX:
            break
        sigma = max(_NARROWER * sigma, _MIN_SIGMA_PX)
    far = np.linalg.norm(blobs[None] - at[:, None], axis=-1)
    for dot in range(len(expected)):
        blob = int(far[dot].argmin())
        mutual = int(far[:, blob].argmin()) == dot
        if mutual and far[dot, blob] < _MAX_MISS_PX and share[dot, blob] > _MIN_PROBABILITY:
            out[dot] = blobs[blob]
    return _without_odd(out, expected, covariance)


def _without_odd(named: Floats, expected: Floats, covariance: Floats) -> Floats:
    """Pixels (D, 2) without those that the other dots contradict, the worst first.

    A hidden dot takes a blob that no other dot wants, however far it is. Each dot is predicted from
    all others (leave-one-out of the Gaussian process).
    """
    out = named.copy()
    while True:
        at = np.flatnonzero(np.isfinite(out).all(1))
        if len(at) < 2:
            return out
        inverse = np.linalg.inv(covariance[np.ix_(at, at)] + _NOISE_PX**2 * np.eye(len(at)))
        own = np.diag(inverse)[:, None]
        odd = np.linalg.norm(inverse @ (out[at] - expected[at]) / np.sqrt(own), axis=1)
        worst = odd > max(_MAX_ODD, 0.8 * float(odd.max()))
        if not worst.any():
            return out
        out[at[worst]] = np.nan
