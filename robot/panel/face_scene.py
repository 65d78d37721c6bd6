"""What the panel draws of a live face: the rig's head where there is one, and landmarks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.panel.page import Frame
from mien.robot.panel.scene import Cloud, Scene
from mien.robot.sim.head import LANDMARKS

TARGET, REACHED = (255, 120, 40), (60, 160, 255)
DOT_MM: Final = 1.6
_LIFT_MM: Final = 1.5


class FaceScene:
    """Target landmarks, and those that were reached.

    Args:
        model: gives the landmarks of a face without a rig, and the target landmarks of any.
        build: of the rig, None on hardware; then the landmarks are all there is to see.
    """

    def __init__(self, face: FaceConfig, model: SelfModel, build: int | None) -> None:
        self._model = model
        self._skin = None
        if build is not None:
            from mien.robot.sim.rig import Rig

            self._skin = Rig(face, build).skin
        alone = self._skin is None
        self._scene = Scene(
            self._skin,
            [
                Cloud("target", LANDMARKS, DOT_MM, _LIFT_MM, TARGET, shown=alone),
                Cloud("reached", LANDMARKS, DOT_MM, _LIFT_MM, REACHED, shown=alone),
            ],
        )

    def hello(self) -> Frame:
        """The scene, for a page that opens."""
        return Frame("scene", self._scene.message)

    def frame(self, target: Floats, sent: Floats, skin: Any) -> Frame:
        """Target and sent commands (n,), and the ``SkinState`` of the rig or None."""
        aim, there, turn = self._model.landmarks(target), None, np.eye(4)
        if self._skin is None or skin is None:
            there = self._model.landmarks(sent)
        else:
            there, turn = self._skin.landmarks(skin), skin.head
        points = {"target": _placed(aim, turn), "reached": _placed(there, turn)}
        return Frame("picture", self._scene.frame(skin, points))


def _placed(points: Floats, turn: Floats) -> Floats:
    """Points (n, 3) of the head in the world."""
    return np.asarray(points @ turn[:3, :3].T + turn[:3, 3])
