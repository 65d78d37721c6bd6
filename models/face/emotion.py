"""Emotions as ARKit weights: prototypes from action units, blends, intensity, time and variation.

    mix (T, E) of intensities in 0..1 -> expression (T, 52), added to speech by
    ``mien.models.fusion.rules``

Emotions are the rows of ``mien.models.face.emotion_table``. Everything is linear in the intensity,
so it is continuous, monotone and exactly 0 at 0. Everything is a function of time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.action_units import to_arkit
from mien.models.face.blendshapes import INDEX, MIRROR
from mien.models.face.emotion_table import Timing, table

Floats = NDArray[np.float64]

EMOTIONS: Final[tuple[str, ...]] = tuple(table())
"""Names of all emotions, neutral first; the order of every mix (last axis, E)."""

_WORDS: Final = {word: name for name, e in table().items() for word in (name, *e.words)}

AROUSAL: Final[Floats] = np.array([e.arousal for e in table().values()])
VALENCE: Final[Floats] = np.array([e.valence for e in table().values()])
TIMINGS: Final[dict[str, Timing]] = {name: e.timing for name, e in table().items()}


def named(name: str) -> str:
    """The emotion that a name or an everyday word (``happy``) means.

    Raises:
        ModelError: none does.
    """
    key = _WORDS.get(name.strip().lower())
    if key is None:
        raise ModelError(f"{name!r} is not an emotion", f"use one of: {', '.join(EMOTIONS)}")
    return key


def mix(intensities: Mapping[str, float]) -> Floats:
    """A blend by name, ``{"happy": 0.6, "surprise": 0.3}`` -> (E,).

    Raises:
        ModelError: an unknown name, or an intensity outside 0..1.
    """
    out = np.zeros(len(EMOTIONS))
    for name, value in intensities.items():
        if not 0.0 <= value <= 1.0:
            raise ModelError(f"intensity of {name} is {value:g}", "use a number from 0 to 1")
        out[EMOTIONS.index(named(name))] = value
    return out


@cache
def prototypes() -> Floats:
    """(E, 52) ARKit weights of every emotion at intensity 1."""
    return np.stack([to_arkit(*emotion.actions) for emotion in table().values()])


def strength(mixed: Floats) -> Floats:
    """How much is felt in all, (..., E) -> (...) in 0..1; neutral counts as nothing."""
    return np.asarray(np.minimum(mixed[..., 1:].sum(axis=-1), 1.0))


def blend(mixed: Floats) -> Floats:
    """Expression of a mix, (..., E) -> (..., 52).

    Up to a total of 1 emotions add; beyond that they share it, so that a blend stays between its
    parts. Muscles that pull against each other (12 and 15, brows up and down) meet between.
    """
    clipped = np.clip(mixed, 0.0, 1.0).copy()
    clipped[..., 0] = 0.0
    total = clipped.sum(axis=-1, keepdims=True)
    return np.asarray((clipped / np.maximum(total, 1.0)) @ prototypes())


@dataclass(frozen=True)
class Variation:
    """Small seeded differences, so that no two expressions are copies: sides, units, and time.

    All of it multiplies, so nothing stays nothing and more stays more.

    Attributes:
        seed: the same seed varies alike.
        sides: spread of left against right. Faces are asymmetric by some percent, posed ones
            no more than spontaneous ones (Schmidt et al. 2006, 2009).
        units: spread between the shapes of one expression.
        drift: slow change over time around each shape's own strength.
    """

    seed: int = 0
    sides: float = 0.05
    units: float = 0.06
    drift: float = 0.06

    def gains(self, t: Floats) -> Floats:
        """(T,) s -> (T, 52) factors around 1."""
        rng = np.random.default_rng([self.seed, 40])
        side = np.clip(rng.normal(0.0, self.sides, len(INDEX)), -0.15, 0.15)
        side = 0.5 * (side - side[list(MIRROR)])
        unit = np.clip(rng.normal(0.0, self.units, len(INDEX)), -0.2, 0.2)
        unit = 0.5 * (unit + unit[list(MIRROR)])
        hz = rng.uniform(0.07, 0.45, (3, len(INDEX)))
        phase = rng.uniform(0.0, 2.0 * np.pi, (3, len(INDEX)))
        waves = np.sin(2.0 * np.pi * hz * t[:, None, None] + phase).mean(axis=1)
        return np.asarray((1.0 + side) * (1.0 + unit) * (1.0 + self.drift * waves))


def express(mixed: Floats, t: Floats | None = None, variation: Variation | None = None) -> Floats:
    """Expression (T, 52) of a mix (T, E) over time, before it meets speech.

    Args:
        mixed: intensities 0..1, in the order of :data:`EMOTIONS`.
        t: (T,) s; only the variation needs it.
        variation: none gives the bare prototypes.
    """
    out = blend(mixed)
    if variation is not None and t is not None:
        out = np.clip(out * variation.gains(t), 0.0, 1.0)
    return out


def envelope(name: str, t: Floats, start: float, end: float) -> Floats:
    """The course of one feeling, (T,) s -> (T,) in 0..1: onset, apex, a little less, offset.

    Args:
        start: when it begins to show, s.
        end: when it begins to go, s; ``inf`` for one that stays.
    """
    timing = TIMINGS[named(name)]
    since = np.maximum(t - start, 0.0)
    rise = _ease(np.minimum(since / timing.onset_s, 1.0))
    lasting = np.maximum(since - timing.onset_s, 0.0)
    hold = timing.settle + (1.0 - timing.settle) * np.exp(-lasting / timing.settle_s)
    gone = np.clip((t - end) / timing.offset_s, 0.0, 1.0)
    return np.asarray(rise * hold * (1.0 - _ease(gone)))


def _ease(u: Floats) -> Floats:
    # Zero speed and acceleration at both ends (minimum jerk): servos and skin both like it.
    return np.asarray(u**3 * (10.0 - 15.0 * u + 6.0 * u * u))
