"""The minimum-jerk curve (Flash and Hogan 1985, J. Neurosci. 5:1688)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def minimum_jerk(u: NDArray[np.floating] | float) -> NDArray[np.float64]:
    """Share of the way after a share ``u`` of the time, both 0 to 1.

    Speed and acceleration are 0 at both ends, which spares servos and skin.
    """
    return np.asarray(u**3 * (10.0 - 15.0 * u + 6.0 * u * u), np.float64)
