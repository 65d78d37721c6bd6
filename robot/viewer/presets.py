"""Named still poses: the 52 ARKit shapes and the emotions, as one face can show them."""

from __future__ import annotations

import numpy as np

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.emotion import EMOTIONS, blend, mix
from mien.robot.expression.posture import posture
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.solver import FaceSolver


class Presets:
    """Poses by name, through retargeting and the inverse of the face's self-model.

    Attributes:
        names: the emotions, then the shapes.
    """

    names: tuple[str, ...] = (*EMOTIONS, *ARKIT)

    def __init__(self, calibrated: Calibrated) -> None:
        self._solver = FaceSolver(calibrated)

    def pose(self, name: str, strength: float = 1.0) -> Floats:
        """Commands (n,) within the face's limits; ``strength`` in 0..1. Takes milliseconds.

        ``mouthClose`` only means something beside an open jaw, and gets one.

        Raises:
            ModelError: no such shape or emotion.
        """
        weights, head = np.zeros(len(ARKIT)), None
        if name in INDEX:
            weights[INDEX[name]] = strength
            if name == "mouthClose":
                weights[INDEX["jawOpen"]] = strength
        else:
            mixed = mix({name: strength})
            weights, head = blend(mixed), posture(mixed)[None]
        return np.asarray(self._solver.still(weights[None], head)[0])
