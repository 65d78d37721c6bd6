"""Speech, feeling and life in one face: what is added to what, and what gives way.

Speech is the primary layer. A feeling meets it in a fusion that protects the lips; life (blinks,
gaze, breath, brows, head) is added on top and never touches the mouth. All of it is a function of
time and of a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS, INDEX
from mien.models.face.emotion import AROUSAL
from mien.models.fusion.learned import LearnedFusion
from mien.models.fusion.rules import Fusion, crossed, plain
from mien.robot.expression.emotion.feeling import Feeling
from mien.robot.expression.emotion.prosody import stress, voice
from mien.robot.expression.life import Glance, Life
from mien.robot.expression.posture import posture
from mien.robot.face.config import Floats

__all__ = [
    "FUSIONS",
    "Acted",
    "Glance",
    "Life",
    "act",
    "combine",
    "fusion",
    "stress",
    "voice",
]

FUSIONS: Final = ("crossed", "learned", "plain")
"""By name, the default first: `mien bench emotion` has the three side by side."""


@dataclass(frozen=True)
class Acted:
    """A clip as it is to be shown, at 60 frames a second.

    Attributes:
        weights: (T, 52) ARKit weights, all layers together.
        head: (T, 3) neck commands yaw, pitch, roll in -1..1.
        mix: (T, 8) what was felt, in the order of ``mien.models.face.emotion.EMOTIONS``.
    """

    weights: NDArray[np.float32]
    head: Floats
    mix: Floats


def act(
    spoken: NDArray[np.float32],
    samples: NDArray[np.float32],
    rate: int,
    life: Life | None = None,
    feeling: Feeling | None = None,
    fuse: Fusion | None = None,
) -> Acted:
    """Speech weights (T, 52) and their sound (n,) -> everything that the face does.

    Args:
        life: none takes the default life of seed 0.
        feeling: none feels nothing; the weights are then those without this layer, exactly.
        fuse: how feeling meets speech; default the first of FUSIONS.
    """
    life, feeling = life or Life(), feeling or Feeling()
    t = np.arange(len(spoken)) / FPS
    pressed, there = stress(samples, rate, len(t)), voice(samples, rate, len(t))
    said = spoken.astype(np.float64)
    felt, mixed = feeling.shapes(t), feeling.whole(t)
    met = (fuse or fusion())(said, felt, there) if felt.any() else said
    alive = life.weights(t, pressed, there)
    aroused = mixed @ np.abs(AROUSAL)
    head = life.head(t, pressed, there, 1.0 + 0.5 * np.minimum(aroused, 1.0)) + posture(mixed)
    return Acted(combine(met.astype(np.float32), _lids(alive, met)), np.clip(head, -1, 1), mixed)


def combine(speech: NDArray[np.float32], *layers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Speech plus additive layers, (T, 52) each, kept in 0..1."""
    return np.asarray(np.clip(speech + sum(layers), 0.0, 1.0), dtype=np.float32)


@lru_cache(maxsize=4)
def fusion(name: str = FUSIONS[0]) -> Fusion:
    """A fusion by name.

    Raises:
        ModelError: no such fusion, or its weights are missing.
    """
    if name == "learned":
        return LearnedFusion.load()
    if name in FUSIONS:
        return crossed if name == "crossed" else plain
    raise ModelError(f"no fusion {name!r}", f"use one of {', '.join(FUSIONS)}")


def _lids(alive: NDArray[np.float32], met: Floats) -> NDArray[np.float32]:
    """Life whose blinks shut eyes that a feeling holds wide: a lid is either up or down."""
    out = alive.copy()
    for side in ("Left", "Right"):
        wide, blink = INDEX[f"eyeWide{side}"], INDEX[f"eyeBlink{side}"]
        out[:, wide] -= (met[:, wide] * alive[:, blink]).astype(np.float32)
    return out
