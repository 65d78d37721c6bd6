"""The neck of the self-model: three commands -> rotation and translation of the head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NECK = ("neck_yaw", "neck_pitch", "neck_roll")
"""Names of the neck's actuators, in the order of the features."""


def neck_features(commands: Floats) -> Floats:
    """Features (..., 9) of the three neck commands (..., 3): linear, squares, products."""
    a, b, c = np.moveaxis(commands, -1, 0)
    return np.stack([a, b, c, a * a, b * b, c * c, a * b, b * c, a * c], axis=-1)


def rotation(vector: Floats) -> Floats:
    """Rotation matrix (3, 3) of a rotation vector (3,) in rad (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k))
