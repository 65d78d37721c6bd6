"""The curves of a performance: 52 blendshapes and three turns of the head."""

from __future__ import annotations

from typing import Final

from mien.models.face.blendshapes import ARKIT

AXES: Final = ("HeadYaw", "HeadPitch", "HeadRoll")
"""Turns of the head in rad, as Live Link Face names them."""
CURVES: Final = (*ARKIT, *AXES)
"""Names of the curves (55)."""
