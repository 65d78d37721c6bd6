"""From somebody else's face to this one: blendshapes of a puppeteer become commands."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np

from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.solver import FaceSolver
from mien.robot.live.jitter_buffer import FRAME_S
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.puppet.network import CapturedFace

LOST_S: Final = 0.5
"""No new packet for so long: the strings are let go and the voice has the face again."""
_RANGE: Final = np.radians((40.0, 25.0, 20.0))
"""Yaw, pitch and roll of a head that are the neck's full command."""
_HEAD: Final = tuple(ROTATIONS.index(f"Head{axis}") for axis in ("Yaw", "Pitch", "Roll"))


class CapturedFaceSource(Protocol):
    """Where faces come from."""

    def poll(self, now: float) -> CapturedFace | None:
        """The newest face, or None before the first."""


class PuppetInput:
    """Commands from the newest face of an inlet, None while there is none."""

    def __init__(self, calibrated: Calibrated, inlet: CapturedFaceSource) -> None:
        self._solver, self._inlet = FaceSolver(calibrated), inlet
        self._last: float | None = None
        self._solver.warm_up()

    def __call__(self, t: float) -> Floats | None:
        """Commands (n,) at ``t`` s."""
        seen = self._inlet.poll(t)
        if seen is None or not seen.tracked or t - seen.t > LOST_S:
            self._last = None
            return None
        head = np.clip(seen.rotations[list(_HEAD)] / _RANGE, -1.0, 1.0)
        dt = FRAME_S if self._last is None else max(t - self._last, FRAME_S)
        self._last = t
        return self._solver.solve(seen.weights, head, dt).commands
