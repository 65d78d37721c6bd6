"""Arrays of a scene as bytes: int16 places in steps, rigid places, padding to four bytes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

STEP_MM: Final = 0.01


def places(points: ArrayLike) -> bytes | None:
    """Points (n, 3) mm as int16 steps; None where a number is not finite."""
    at = np.asarray(points, np.float64) / STEP_MM
    if not np.isfinite(at).all():
        return None
    return padded(np.rint(np.clip(at, -32767, 32767)).astype("<i2"))


def rigid(turn: NDArray[np.float64]) -> bytes | None:
    """The upper three rows of a place (4, 4) in mm; None where a number is not finite."""
    return padded(turn[:3].astype("<f4")) if np.isfinite(turn).all() else None


def padded(array: NDArray[Any]) -> bytes:
    """Its bytes, and zeros up to a multiple of four."""
    raw = array.tobytes()
    return raw + b"\0" * (-len(raw) % 4)
