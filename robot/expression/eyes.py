"""Eyes in the head: directions in degrees as weights, and back."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import INDEX
from mien.robot.face.config import Floats

EYE_RANGE_DEG: Final = (14.5, 10.7)
"""Yaw and pitch of the eyes at the eyeLook weight 1, measured on both simulated faces."""
_WAYS: Final = ("Out", "In", "Up", "Down")
LOOKS: Final = [INDEX[f"eyeLook{way}{side}"] for side in ("Left", "Right") for way in _WAYS]
"""Columns of the weights that turn the eyes."""
_TURNS: Final[Floats] = (
    np.array([[1, -1, 0, 0, -1, 1, 0, 0], [0, 0, 1, -1, 0, 0, 1, -1]])
    / (np.array(EYE_RANGE_DEG)[:, None])
)
_SQUARES: Final[Floats] = 0.5 * np.array(EYE_RANGE_DEG) ** 2


def look(yaw: Floats, pitch: Floats) -> NDArray[np.float32]:
    """Directions (T,) in degrees of eyes in the head -> their weights (T, 8), as ``LOOKS``."""
    return np.maximum(np.stack([yaw, pitch], axis=-1) @ _TURNS, 0.0).astype(np.float32)


def directions(weights: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Inverse of ``look``: weights (T, 52) -> yaw and pitch (T,) in degrees, mean of both eyes."""
    yaw, pitch = (weights[:, LOOKS].astype(np.float64) @ _TURNS.T * _SQUARES).T
    return yaw, pitch
