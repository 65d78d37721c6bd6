"""How a feeling holds the head."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.models.face.emotion import EMOTIONS
from mien.robot.face.config import Floats

POSTURES: Final[dict[str, tuple[float, float, float]]] = {
    "happiness": (0.0, 0.10, 0.18),
    "sadness": (0.10, -0.55, 0.15),
    "anger": (0.0, -0.42, 0.0),
    "fear": (0.15, 0.20, -0.10),
    "disgust": (-0.15, 0.15, -0.12),
    "surprise": (0.0, 0.22, 0.0),
    "contempt": (0.30, 0.32, -0.12),
}
"""Neck commands (yaw, pitch, roll) at intensity 1. Down in sadness, back in disgust and contempt
as actors do (Wallbott 1998, Eur. J. Soc. Psychol. 28:879); the sizes and the rest are ours."""


def posture(mixed: Floats) -> Floats:
    """Mix (T, 8) -> neck commands (T, 3) to add, shared as ``mien.models.face.emotion.blend``
    shares."""
    table = np.array([POSTURES.get(name, (0.0, 0.0, 0.0)) for name in EMOTIONS])
    felt = np.clip(mixed, 0.0, 1.0)
    total = np.maximum(felt[..., 1:].sum(axis=-1, keepdims=True), 1.0)
    return np.asarray((felt / total) @ table)
