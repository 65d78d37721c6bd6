"""Errors of looks that follow one another are alike: a tracker's error wanders while poses pass.

With a correlation r between the errors of a look and of the one before it, e[t] - r e[t-1] is new
in every look. A fit of all rows treated so is the generalised least squares fit of looks with such
errors: it reads a change from one pose to the next better than two poses far apart (Aitken, "On
least squares and linear combination of observations", Proc. R. Soc. Edinburgh 55 (1936)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MOST = 0.9  # what wanders more slowly than this is a camera that drifts


@dataclass(frozen=True)
class Wandering:
    """Errors of looks in the order they were taken.

    Attributes:
        likeness: correlation of a look's error with that of the one before it.
    """

    likeness: float

    @classmethod
    def of(cls, left: Floats) -> Wandering:
        """From what a fit left (N, D) of N looks."""
        shared = float((left[1:] * left[:-1]).sum())
        return cls(float(np.clip(shared / max(float(np.square(left).sum()), 1e-12), 0.0, _MOST)))

    @classmethod
    def beyond(cls, phi: Floats, landmarks: Floats) -> Wandering:
        """From what features phi (N, F) do not explain of landmarks (N, 478, 3)."""
        return cls.of(cls(0.0).free_of(phi)(landmarks.reshape(len(phi), -1)))

    def apart(self, rows: Floats) -> Floats:
        """Rows (N, D) of looks, or of what explains them, with errors that are independent."""
        out = rows.copy()
        out[1:] = (rows[1:] - self.likeness * rows[:-1]) / np.sqrt(1.0 - self.likeness**2)
        return out

    def free_of(self, known: Floats) -> Callable[[Floats], Floats]:
        """What makes errors of rows (N, D) independent and takes out all that ``known`` (N, F)
        explains."""
        basis = np.linalg.qr(self.apart(known))[0]

        def freed(rows: Floats) -> Floats:
            new = self.apart(rows)
            return np.asarray(new - basis @ (basis.T @ new))

        return freed
