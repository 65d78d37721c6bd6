"""What the rig's view shows: the head, and the loads of servos and tendons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.panel.page import Frame, text
from mien.robot.panel.scene import Cloud, Scene
from mien.robot.sim.rig import Rig

TAUT_N: Final = 3.0
"""Tension that is drawn in the hottest colour; a full pull of the shipped tendons is 1.5 to 1.8."""
HOT: Final = np.array([[70, 120, 220], [70, 190, 90], [240, 200, 60], [225, 40, 30]])
_DOTS: Final = 40
_MARK_MM, _TENDON_MM = 4.5, 2.0
_LIFT_MM: Final = 6.0
_AXIS_MM: Final = np.array([0.0, 0.0, -80.0])
"""A point of the head's upright axis: markers are lifted off the skin away from it."""
_ROW_MM: Final = (-130.0, 14.0, 60.0)
"""Height, spacing and depth of the markers of actuators that move no landmark."""


class RigPicture:
    """Head, load markers and tendons of one rig.

    Args:
        model: gives what each actuator moves.
    """

    def __init__(self, face: FaceConfig, model: SelfModel, build: int) -> None:
        self._face = face
        rig = Rig(face, build)
        self._skin = rig.skin
        self._of = marks(face, model.landmarks)
        self._row = np.zeros((len(self._of), 3))
        loose = np.flatnonzero(self._of < 0)
        height, apart, depth = _ROW_MM
        self._row[loose] = (0.0, height, depth)  # also where every actuator moves a landmark
        self._row[loose, 0] = (np.arange(len(loose)) - (len(loose) - 1) / 2) * apart
        tendons = len(rig.machine.tendons)
        clouds = [Cloud("loads", len(self._of), _MARK_MM, shown=False)]
        if tendons:
            clouds.append(Cloud("tendons", tendons * _DOTS, _TENDON_MM, shown=False))
        self._scene = Scene(self._skin, clouds)

    def hello(self) -> Frame:
        """The scene, for a page that opens."""
        return Frame("scene", self._scene.message)

    def frame(self, skin: Any, state: Mapping[str, Any]) -> Frame:
        """The rig's ``SkinState`` or None, and ``Effort.state``."""
        points: dict[str, Floats] = {"tendons": dots(state["tendons"])}
        pull = np.array(list(state["tension"].values())) / TAUT_N
        colors = {"loads": heat(state["load"]), "tendons": heat(np.repeat(pull, _DOTS))}
        if skin is not None:
            at = outside(self._skin.landmarks(skin)[self._of])
            at = np.where(self._of[:, None] >= 0, at, self._row)
            points["loads"] = at @ skin.head[:3, :3].T + skin.head[:3, 3]
        return Frame("picture", self._scene.frame(skin, points, colors))


def loads(face: FaceConfig, sent: Floats, state: Mapping[str, Any]) -> Frame:
    """A bar per servo, as long and as hot as its load over stall torque, and one per tendon.

    Each is [name, length 0..1, value in words, red, green, blue].
    """
    load, tension = state["load"], state["tension"]
    pull = np.array(list(tension.values())) / TAUT_N
    servos = [
        _bar(f"{name} {command:+.2f}", share, f"{100 * share:.0f} %")
        for name, command, share in zip(face.names, sent, load, strict=True)
    ]
    tendons = [
        _bar(name, share, f"{newton:.2f} N")
        for (name, newton), share in zip(tension.items(), pull, strict=True)
    ]
    return text("loads", servos=servos, tendons=tendons)


def marks(face: FaceConfig, landmarks: Callable[[Floats], Floats]) -> NDArray[np.intp]:
    """(n,) the landmark that each actuator moves most, -1 where it moves none by 0.5 mm."""
    neutral = landmarks(np.zeros(len(face.names)))
    out = np.full(len(face.names), -1, dtype=np.intp)
    for k in range(len(face.names)):
        pose = np.zeros(len(face.names))
        pose[k] = face.limits[k, 1]
        moved = np.linalg.norm(landmarks(pose) - neutral, axis=1)
        if moved.max() > 0.5:
            out[k] = moved.argmax()
    return out


def outside(points: Floats) -> Floats:
    """Points of the skin (n, 3) mm, lifted off it so that it does not cut their markers."""
    away = (points - _AXIS_MM) * (1.0, 0.0, 1.0)
    return np.asarray(points + _LIFT_MM * away / np.linalg.norm(away, axis=1, keepdims=True))


def dots(tendons: Floats) -> Floats:
    """Ends of tendons (S, 2, 3) -> points along them (S * 40, 3), tendon by tendon."""
    share = np.linspace(0.0, 1.0, _DOTS)[:, None]
    return np.asarray(tendons[:, :1] * (1.0 - share) + tendons[:, 1:] * share).reshape(-1, 3)


def heat(share: Floats) -> NDArray[np.uint8]:
    """Shares (n,) in 0..1 -> colours (n, 3): blue at rest, green, yellow, red at the limit."""
    at = np.clip(np.nan_to_num(share), 0.0, 1.0) * (len(HOT) - 1)
    channels = [np.interp(at, np.arange(len(HOT)), HOT[:, c]) for c in range(3)]
    return np.asarray(np.stack(channels, axis=1), dtype=np.uint8)


def _bar(label: str, share: float, value: str) -> list[Any]:
    length = round(float(np.clip(np.nan_to_num(share), 0.0, 1.0)), 3)
    return [label, length, value, *heat(np.array([share]))[0].tolist()]
