"""What a face is asked to do: shapes, emotions and range-of-motion takes, as blendshape curves.

The takes are formulas. A range-of-motion take goes through what an actor is asked for before a
recording: every movement of one part of the face, alone and mixed, slowly and fast.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.emotion import EMOTIONS, blend, mix
from mien.models.face.minimum_jerk import minimum_jerk
from mien.robot.face.config import Floats

TAKE_HZ: Final = 30.0
_RISE_S: Final = 0.5
_SERIES: Final[dict[str, tuple[dict[str, float], ...]]] = {
    "mouth": (
        {"jawOpen": 0.9},
        {"mouthSmile": 1.0},
        {"mouthFrown": 1.0},
        {"mouthPucker": 1.0},
        {"mouthFunnel": 0.9, "jawOpen": 0.3},
        {"mouthStretch": 0.9},
        {"mouthClose": 0.6, "jawOpen": 0.6},
        {"mouthPress": 0.9},
        {"mouthUpperUp": 0.9, "mouthLowerDown": 0.9},
        {"mouthRollUpper": 0.9, "mouthRollLower": 0.9},
        {"mouthSmileLeft": 1.0},
        {"mouthSmileRight": 1.0},
        {"mouthSmile": 0.8, "jawOpen": 0.5},
    ),
    "eyes": (
        {"eyeBlink": 1.0},
        {"eyeWide": 1.0},
        {"eyeSquint": 1.0},
        {"eyeBlinkLeft": 1.0},
        {"eyeBlinkRight": 1.0},
        {"eyeLookUp": 0.8},
        {"eyeLookDown": 0.8},
    ),
    "brows": (
        {"browInnerUp": 1.0},
        {"browOuterUp": 1.0},
        {"browDown": 1.0},
        {"browDown": 0.7, "noseSneer": 0.8},
        {"browInnerUp": 0.8, "browOuterUp": 0.8, "eyeWide": 0.6},
        {"cheekSquint": 1.0, "mouthSmile": 0.7},
    ),
}
_VOWELS: Final = {
    "jawOpen": (0.35, 2.1, 0.0),
    "mouthFunnel": (0.3, 1.3, 1.0),
    "mouthPucker": (0.3, 0.9, 2.0),
    "mouthStretch": (0.25, 1.7, 3.0),
    "mouthLowerDown": (0.25, 2.6, 4.0),
    "mouthClose": (0.15, 3.1, 5.0),
    "browInnerUp": (0.1, 0.4, 0.5),
}
"""Shape -> mean weight, frequency in Hz and phase in rad of a take that babbles."""
_VOWELS_S: Final = 3.0


def shapes() -> Floats:
    """Each shape alone (52, 52); ``mouthClose`` with the jaw that it closes."""
    out = np.eye(len(ARKIT))
    out[INDEX["mouthClose"], INDEX["jawOpen"]] = 1.0
    return out


def emotions() -> Floats:
    """The emotions at full intensity (E, 52)."""
    return np.stack([blend(mix({name: 1.0})) for name in EMOTIONS])


def range_of_motion() -> dict[str, Floats]:
    """Takes by name: weights (T, 52) at ``TAKE_HZ``."""
    takes = {name: _gone_through(list(rows)) for name, rows in _SERIES.items()}
    return takes | {"babble": _babbled()}


def still_weights(named: dict[str, float]) -> Floats:
    """Weights (52,) by name; a name without a side means both sides."""
    out = np.zeros(len(ARKIT))
    for name, weight in named.items():
        own = [name] if name in INDEX else [f"{name}Left", f"{name}Right"]
        out[[INDEX[n] for n in own]] = weight
    return out


def _gone_through(rows: list[dict[str, float]]) -> Floats:
    """From rest to each row and back, along minimum-jerk curves."""
    u = np.arange(1, round(_RISE_S * TAKE_HZ) + 1) / round(_RISE_S * TAKE_HZ)
    up = minimum_jerk(u)
    there_and_back = np.concatenate([up, up[::-1][1:], [0.0]])
    return np.concatenate([there_and_back[:, None] * still_weights(row) for row in rows])


def _babbled() -> Floats:
    """Smooth mixtures as in speech, whose shapes have frequencies of their own."""
    t = np.arange(round(_VOWELS_S * TAKE_HZ)) / TAKE_HZ
    out = np.zeros((len(t), len(ARKIT)))
    for name, (mean, hz, phase) in _VOWELS.items():
        wave = mean * (1.0 + np.sin(2.0 * np.pi * hz * t + phase))
        out += wave[:, None] * (still_weights({name: 1.0}) > 0.0)
    return np.clip(out, 0.0, 1.0)
