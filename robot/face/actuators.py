"""Commands to pulse widths and back: the only file that knows where a servo's ends are."""

from __future__ import annotations

import numpy as np

from mien.robot.face.config import FaceConfig, Floats


def to_pulses(face: FaceConfig, commands: Floats) -> Floats:
    """Commands (..., n) in [-1, 1] -> pulse widths (..., n) in us, piecewise linear.

    Linkage and slack are not undone here: the self-model has learned the one, and the firmware
    takes up the other (``slack_us``), where no lost byte can leave a tendon loose.
    """
    low, neutral, high = face.pulses.T
    c = commands * face.direction
    pulses = np.where(c >= 0, neutral + c * (high - neutral), neutral + c * (neutral - low))
    return np.asarray(pulses, dtype=np.float64)


def to_commands(face: FaceConfig, pulses_us: Floats) -> Floats:
    """Pulse widths (..., n) in us -> commands (..., n); the inverse of ``to_pulses``."""
    low, neutral, high = face.pulses.T
    d = pulses_us - neutral
    c = np.where(d >= 0, d / (high - neutral), d / (neutral - low))
    return np.asarray(c * face.direction, dtype=np.float64)
