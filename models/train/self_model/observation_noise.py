"""How wrong looks are: like those before them, and some more than others.

A tracker's error wanders while poses pass. With a correlation r between the errors of a look and of
the one before it, e[t] - r e[t-1] is new in every look. A fit of all rows treated so is the
generalised least squares fit of looks with such errors: it reads a change from one pose to the next
better than two poses far apart (Aitken, "On least squares and linear combination of observations",
Proc. R. Soc. Edinburgh 55 (1936)).

A face tracker reads a face near rest within 0.1 mm, and one with everything pulled awry within 1
mm. So a row counts by its own size of error, which is told by what a fit leaves of it, for there
are many landmarks in a look (iteratively reweighted least squares: Holland and Welsch, "Robust
regression using iteratively reweighted least-squares", Communications in Statistics 6 (1977)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MOST = 0.9  # what wanders more slowly than this is a camera that drifts
_ROUNDS = 2  # of weights by what the fit before left
_LEAST = 0.6  # of the usual error: how large a look of few errors is still taken to be
_OWN = 0.05  # a look that a fit of all follows wherever it goes tells nothing of its error


@dataclass(frozen=True)
class LookErrors:
    """What is known of the errors of looks, in the order they were taken.

    Attributes:
        likeness: correlation of a look's error with that of the one before it.
        sizes: (N,) of the looks' errors, beside one another; None: all alike.
    """

    likeness: float
    sizes: Floats | None = None

    @classmethod
    def of(cls, left: Floats, sizes: Floats | None = None) -> LookErrors:
        """From what a fit left (N, D) of N looks, in their sizes."""
        shared = float((left[1:] * left[:-1]).sum())
        likeness = np.clip(shared / max(float(np.square(left).sum()), 1e-12), 0.0, _MOST)
        return cls(float(likeness), sizes)

    @classmethod
    def beyond(cls, phi: Floats, landmarks: Floats) -> LookErrors:
        """From what features phi (N, F) do not explain of landmarks (N, 478, 3)."""
        sizes = error_sizes(phi, landmarks)
        return cls.of(cls(0.0, sizes).free_of(phi)(landmarks.reshape(len(phi), -1)), sizes)

    def apart(self, rows: Floats) -> Floats:
        """Rows (N, D) of looks, or of what explains them, with errors alike and independent."""
        even = rows if self.sizes is None else rows / self.sizes[:, None]
        out = even.copy()
        out[1:] = (even[1:] - self.likeness * even[:-1]) / np.sqrt(1.0 - self.likeness**2)
        return out

    def free_of(self, known: Floats) -> Callable[[Floats], Floats]:
        """What makes errors of rows (N, D) independent and takes out all that ``known`` (N, F)
        explains."""
        basis = np.linalg.qr(self.apart(known))[0]

        def freed(rows: Floats) -> Floats:
            new = self.apart(rows)
            return np.asarray(new - basis @ (basis.T @ new))

        return freed


def error_sizes(phi: Floats, landmarks: Floats) -> Floats:
    """(N,) sizes of errors beside one another, from what features phi (N, F) do not explain of
    landmarks (N, 478, 3)."""
    flat, sizes = landmarks.reshape(len(phi), -1), np.ones(len(phi))
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(phi / sizes[:, None])[0]
        even = flat / sizes[:, None]
        left = (even - basis @ (basis.T @ even)) * sizes[:, None]
        own = np.maximum(1.0 - np.square(basis).sum(1), _OWN)
        # Each landmark counts by its usual error, or the lips would speak for all.
        usual = np.maximum(np.median(np.square(left), axis=0), 1e-12)
        energy = (np.square(left) / usual).mean(1) / own
        sizes = np.sqrt(energy / max(float(np.median(energy)), 1e-12) + _LEAST**2)
    return sizes
