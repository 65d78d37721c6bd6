"""Mien: a control stack for animatronic faces. It makes a robot face speak and feel.

The names below are the public API and change only with notice. Everything else may change at any
time. Importing the package loads nothing heavy: each name is loaded on its first use.

>>> import mien
>>> face = mien.load_face("hobby9")
>>> face.names[:2]
('gaze_x', 'gaze_y')
>>> weights = mien.blendshapes(mien.DEMO_SOUND)
>>> weights.shape[1] == len(mien.BLENDSHAPES) == 52
True
>>> performance = mien.speak(mien.DEMO_SOUND, face="hobby9", emotion="happiness")
>>> performance.commands.shape[1]
9
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mien.models.errors import MienError as MienError
    from mien.models.face.blendshapes import ARKIT as BLENDSHAPES
    from mien.models.face.emotion import EMOTIONS as EMOTIONS
    from mien.robot.api import Robot as Robot
    from mien.robot.api import blendshapes as blendshapes
    from mien.robot.api import connect as connect
    from mien.robot.api import speak as speak
    from mien.robot.expression.performance import Performance as Performance
    from mien.robot.face.calibrated import Calibrated as Calibrated
    from mien.robot.face.config import FaceConfig as Face
    from mien.robot.face.config import load_face as load_face
    from mien.robot.media.audio import LJ_DEMO as DEMO_SOUND

__all__ = [
    "BLENDSHAPES",
    "DEMO_SOUND",
    "EMOTIONS",
    "Calibrated",
    "Face",
    "MienError",
    "Performance",
    "Robot",
    "blendshapes",
    "connect",
    "load_face",
    "speak",
]

_WHERE: Final = {
    "BLENDSHAPES": ("mien.models.face.blendshapes", "ARKIT"),
    "DEMO_SOUND": ("mien.robot.media.audio", "LJ_DEMO"),
    "EMOTIONS": ("mien.models.face.emotion", "EMOTIONS"),
    "Calibrated": ("mien.robot.face.calibrated", "Calibrated"),
    "Face": ("mien.robot.face.config", "FaceConfig"),
    "MienError": ("mien.models.errors", "MienError"),
    "Performance": ("mien.robot.expression.performance", "Performance"),
    "Robot": ("mien.robot.api", "Robot"),
    "blendshapes": ("mien.robot.api", "blendshapes"),
    "connect": ("mien.robot.api", "connect"),
    "load_face": ("mien.robot.face.config", "load_face"),
    "speak": ("mien.robot.api", "speak"),
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"mien has no {name!r}; it has {', '.join(__all__)}")
    module, attribute = _WHERE[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
