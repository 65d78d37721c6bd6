"""Blendshapes and neck to commands of one face: the one way from a target face to its servos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.self_model.neck import NECK
from mien.robot.face.calibrated import FittedFace
from mien.robot.face.config import FaceConfig, Floats

HEAD_RANGE_DEG: Final[Floats] = np.array((40.0, 25.0, 20.0))
"""Yaw, pitch and roll of a head at the neck's full command."""
HEAD_RANGE_RAD: Final[Floats] = np.radians(HEAD_RANGE_DEG)
STILL_SOLVES: Final = 12
"""Solutions, each from the one before, after which a still pose no longer changes."""


def neck(angles: NDArray[np.floating]) -> Floats:
    """Yaw, pitch and roll of a head (..., 3) rad -> neck commands (..., 3) in -1..1."""
    return np.asarray(np.clip(np.asarray(angles) / HEAD_RANGE_RAD, -1.0, 1.0))


def head_gains(face: FaceConfig, gain: float) -> tuple[float, float, float]:
    """Factors of yaw, pitch and roll of a head: ``gain``, and 0 where the face has no such joint.

    Eyes must not make up for a turn that does not happen.
    """
    yaw, pitch, roll = (gain if role in face.roles else 0.0 for role in NECK)
    return yaw, pitch, roll


@dataclass(frozen=True)
class Solved:
    """The answer for one frame.

    Attributes:
        commands: (n,) in the order of the face's names.
        residual_mm: by region, RMS between the target and the predicted landmarks.
    """

    commands: Floats
    residual_mm: dict[str, float]


class FaceSolver:
    """Retargets blendshapes to this face and inverts its self-model, frame after frame.

    A solver has a memory: the pose and the tendons' state after its last frame. ``reset`` forgets.

    Args:
        calibrated: the face and its self-model.
    """

    def __init__(self, calibrated: FittedFace) -> None:
        self._face, self._retarget = calibrated.face, calibrated.retarget
        self._inverse = calibrated.inverse()

    def warm_up(self) -> None:
        """Measure now what is measured on first use (tens of ms), so that no frame waits for it."""
        _ = self._retarget.reach

    def reset(self) -> None:
        """Start from the neutral pose, with tendons that remember nothing."""
        self._inverse.reset()

    def targets(self, weights: NDArray[np.floating]) -> Floats:
        """Weights (T, 52) in 0..1 -> landmarks (T, 478, 3) mm that this face is to show.

        Raises:
            InputError: a wrong shape or a value that is not a number.
        """
        return self._retarget.targets(weights)

    def direct(self, weights: NDArray[np.floating], head: Floats | None = None) -> Floats:
        """Commands (T, n) of the actuators that no landmark shows; 0 for all others.

        Args:
            weights: (T, 52) in 0..1. The tongue follows its own shape.
            head: (T, 3) neck commands yaw, pitch, roll in -1..1; None is straight ahead.
        """
        out = np.zeros((len(weights), len(self._face.names)))
        for axis, role in enumerate(NECK):
            if head is not None and role in self._face.roles:
                out[:, self._face.index(self._face.roles[role])] = head[:, axis]
        for name, command in self._retarget.direct(weights).items():
            out[:, self._face.index(name)] = command
        return out

    def solve(
        self, weights: NDArray[np.floating], head: Floats | None = None, dt: float = np.inf
    ) -> Solved:
        """Weights (52,) and neck (3,) -> commands for the frame ``dt`` seconds after the last one.

        An infinite ``dt`` sets no limit of speed.
        """
        heads = None if head is None else np.asarray(head)[None]
        weights = np.asarray(weights)[None]
        return self.invert(self.targets(weights)[0], self.direct(weights, heads)[0], dt)

    def invert(self, target: Floats, direct: Floats, dt: float = np.inf) -> Solved:
        """Landmarks (478, 3) mm and direct commands (n,) -> commands, as ``solve``."""
        found = self._inverse.solve(target, dt, direct)
        return Solved(found.commands, found.residual_mm)

    def still(self, weights: Floats, head: Floats | None = None) -> Floats:
        """Weights (P, 52) and neck (P, 3) of still poses -> commands (P, n), each from neutral."""
        targets, direct = self.targets(weights), self.direct(weights, head)
        out = np.zeros_like(direct)
        for k in range(len(out)):
            self.reset()
            for _ in range(STILL_SOLVES):
                out[k] = self.invert(targets[k], direct[k]).commands
        return out
