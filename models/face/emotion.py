"""Emotions as ARKit weights: prototypes from action units, blends, intensity, time and variation.

    mix (T, E) of intensities in 0..1 -> expression (T, 52), added to speech by
    ``mien.models.fusion.rules``

Emotions are the rows of ``mien.models.face.emotion_table``. The expression rises with the intensity
(:func:`shares`): it is continuous, monotone, exactly 0 at intensity 0 and whole at 1.
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
from mien.models.face.blendshapes import INDEX, MIRROR, SPEECH, indices
from mien.models.face.emotion_table import Timing, table
from mien.models.face.minimum_jerk import minimum_jerk

Floats = NDArray[np.float64]

EMOTIONS: Final[tuple[str, ...]] = tuple(table())
"""Names of all emotions, neutral first. Every mix uses this order on its last axis (E)."""

EARLY: Final = 0.6
"""How much steeper an expression rises at intensity 0 than on average. Small movements of a face
are not seen as an emotion, and its last tenths change little of what is seen: shares of the
prototype in even steps are not even steps to those who look."""

_WORDS: Final = {word: name for name, e in table().items() for word in (name, *e.words)}

AROUSAL: Final[Floats] = np.array([e.arousal for e in table().values()])
_GRADES: Final[Floats] = np.array([e.grade for e in table().values()])
_MOUTH: Final = indices(SPEECH)
TIMINGS: Final[dict[str, Timing]] = {name: e.timing for name, e in table().items()}


def named(name: str) -> str:
    """Name of the emotion for a name or an everyday word (``happy`` -> ``happiness``).

    Raises:
        ModelError: no emotion has this name or word.
    """
    key = _WORDS.get(name.strip().lower())
    if key is None:
        raise ModelError(f"{name!r} is not an emotion", f"use one of: {', '.join(EMOTIONS)}")
    return key


def mix(intensities: Mapping[str, float]) -> Floats:
    """Intensities by name -> mix (E,). Example: ``{"happy": 0.6, "surprise": 0.3}``.

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


def shares(mixed: Floats) -> Floats:
    """Intensities (..., E) -> the share of each prototype that is shown, (..., E) in 0..1.

    A total intensity i shows a share ``(1 + EARLY) i / (1 + EARLY i)`` of the prototypes, in the
    proportion of their intensities, each to the power of its ``grade``. Intensities with a sum
    above 1 are scaled to 1. Neutral has no prototype and is 0.
    """
    clipped = np.clip(mixed, 0.0, 1.0)
    clipped[..., 0] = 0.0
    total = clipped.sum(axis=-1, keepdims=True)
    clipped /= np.maximum(total, 1.0)
    shown = clipped * (1.0 + EARLY) / (1.0 + EARLY * np.minimum(total, 1.0))
    return np.asarray(shown**_GRADES)


def blend(mixed: Floats) -> Floats:
    """Expression of a mix, (..., E) -> (..., 52).

    Shares of the prototypes (:func:`shares`) add, so that a blend stays between its parts. Opposing
    muscles (units 12 and 15, brows up and down) average. The mouth is graded twice.
    """
    shown = shares(mixed)
    out = np.asarray(shown @ prototypes())
    out[..., _MOUTH] = shown**_GRADES @ prototypes()[:, _MOUTH]
    return out


@dataclass(frozen=True)
class Variation:
    """Small random factors on an expression: between sides, between shapes, and over time.

    The factors multiply the weights. So 0 stays 0, and the order of intensities is kept.

    Attributes:
        seed: equal seeds give equal factors.
        sides: standard deviation between left and right. Faces are asymmetric by some percent,
            in posed and in spontaneous expressions (Schmidt et al. 2006, 2009).
        units: standard deviation between the shapes of one expression.
        drift: amplitude of a slow change over time.
    """

    seed: int = 0
    sides: float = 0.05
    units: float = 0.06
    drift: float = 0.06

    def gains(self, t: Floats) -> Floats:
        """Factors (T, 52) around 1 at times ``t`` (T,) in s."""
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
    """Expression (T, 52) of a mix (T, E) over time, before the fusion with speech.

    Args:
        mixed: intensities 0..1, in the order of :data:`EMOTIONS`.
        t: (T,) s, needed with ``variation`` only.
        variation: random factors; None gives the prototypes.
    """
    out = blend(mixed)
    if variation is not None and t is not None:
        out = np.clip(out * variation.gains(t), 0.0, 1.0)
    return out


def envelope(name: str, t: Floats, start: float, end: float) -> Floats:
    """Intensity of one emotion over time, (T,) s -> (T,) in 0..1: onset, apex, settling, offset.

    Args:
        name: name of the emotion, for its timing.
        t: times (T,), s.
        start: start of the onset, s.
        end: start of the offset, s; ``inf`` for none.
    """
    timing = TIMINGS[named(name)]
    since = np.maximum(t - start, 0.0)
    rise = minimum_jerk(np.minimum(since / timing.onset_s, 1.0))
    lasting = np.maximum(since - timing.onset_s, 0.0)
    hold = timing.settle + (1.0 - timing.settle) * np.exp(-lasting / timing.settle_s)
    gone = np.clip((t - end) / timing.offset_s, 0.0, 1.0)
    return np.asarray(rise * hold * (1.0 - minimum_jerk(gone)))
