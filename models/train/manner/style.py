"""A style as 64 numbers: how far and around what a face moves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models.manner.config import COLUMNS, STYLE


def style_of(
    curves: NDArray[np.floating], mean: NDArray[Any], scale: NDArray[Any]
) -> NDArray[np.float32]:
    """Style (64,) of curves (T, 55): mean and logarithm of the spread of what is generated.

    Args:
        curves: of one clip, as deviations from its rest.
        mean, scale: (55,) of the network's standardisation.
    """
    x = ((curves - mean) / scale)[:, list(COLUMNS)]
    out = np.zeros(STYLE, np.float32)
    n = len(COLUMNS)
    out[:n], out[n : 2 * n] = x.mean(axis=0), np.log(x.std(axis=0) + 0.05)
    return out
