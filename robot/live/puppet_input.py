"""Puppet input: blendshapes of a puppeteer become commands of this face."""

from __future__ import annotations

from typing import Final, Protocol

from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.solver import FaceSolver, neck
from mien.robot.live.jitter_buffer import FRAME_S
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.puppet.datagrams import CapturedFace

LOST_AFTER_S: Final = 0.5
"""Time in s without a new packet after which the voice controls the face again."""
_HEAD: Final = tuple(ROTATIONS.index(f"Head{axis}") for axis in ("Yaw", "Pitch", "Roll"))


class CapturedFaceSource(Protocol):
    """Source of captured faces."""

    def poll(self, now: float) -> CapturedFace | None:
        """The newest captured face; None before the first."""


class PuppetInput:
    """Commands from the newest face of a source; None while no face is tracked."""

    def __init__(self, calibrated: Calibrated, inlet: CapturedFaceSource) -> None:
        self._solver, self._inlet = FaceSolver(calibrated), inlet
        self._last: float | None = None
        self._solver.warm_up()

    def __call__(self, t: float) -> Floats | None:
        """Commands (n,) at ``t`` s; None hands the face back to the voice."""
        captured = self._inlet.poll(t)
        if captured is None or not captured.tracked or t - captured.t > LOST_AFTER_S:
            self._last = None
            return None
        head = neck(captured.rotations[list(_HEAD)])
        dt = FRAME_S if self._last is None else max(t - self._last, FRAME_S)
        self._last = t
        return self._solver.solve(captured.weights, head, dt).commands
