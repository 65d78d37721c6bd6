"""Head posture of an emotion."""

from __future__ import annotations

from functools import cache

import numpy as np

from mien.models.face.emotion import shares
from mien.models.face.emotion_table import table
from mien.robot.face.config import Floats


@cache
def postures() -> Floats:
    """(E, 3) neck commands yaw, pitch, roll of every emotion at intensity 1."""
    return np.array([(e.head.yaw, e.head.pitch, e.head.roll) for e in table().values()])


def posture(mixed: Floats) -> Floats:
    """Intensities (T, E) -> neck commands (T, 3) to add.

    Emotions share the head as they share the face (``mien.models.face.emotion.shares``).
    """
    return np.asarray(shares(mixed) @ postures())
