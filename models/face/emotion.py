"""Emotions as ARKit weights: prototypes from action units, blends, intensity, time and variation.

    mix (T, 8) of intensities in 0..1 -> expression (T, 52), added to speech by
    ``mien.models.fusion.rules``

Prototypes are the action units of EMFACS (Friesen & Ekman 1983; the usual table is in Ekman,
Friesen & Hager 2002). What was added to them is said beside each. Everything is linear in the
intensity, so it is continuous, monotone and exactly 0 at 0. Everything is a function of time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.action_units import Action, to_arkit
from mien.models.face.blendshapes import INDEX, MIRROR

Floats = NDArray[np.float64]

PROTOTYPES: Final[dict[str, tuple[Action, ...]]] = {
    "neutral": (),
    # EMFACS 6+12; 25 as in FACS 1978 table 11-1 (6+12+25), with a trace of 26: a smile with teeth.
    "happiness": (Action(6, 1.0), Action(12, 1.0), Action(25, 0.35), Action(26, 0.25)),
    # EMFACS 1+4+15; 17 and 64 are frequent beside them (FACS 2002), 43 droops the lid.
    "sadness": (
        *(Action(1, 1.0), Action(4, 0.35), Action(15, 1.0), Action(17, 0.4), Action(64, 0.35)),
        Action(43, 0.2),
    ),
    # EMFACS 4+5+7+23; 17 and 24 as in FACS 1978 (4+5+7+17+24), a trace of 10. 15 draws the corners
    # down, as 17 with 24 does on people; 63 keeps the stare on the other while the head lowers.
    # ARKit's browDown takes the whole brow; 2 gives its outer end back, since a brow that slants
    # is what reads as anger where the skin between the brows does not fold.
    "anger": (
        *(Action(4, 1.0), Action(2, 0.5), Action(5, 0.8), Action(7, 0.7), Action(23, 0.6)),
        *(Action(24, 0.6), Action(17, 0.6), Action(10, 0.2), Action(15, 0.4), Action(63, 0.3)),
    ),
    # EMFACS 1+2+4+5+7+20+26; 25 because 20 parts the lips. 2 is low and 4 high: inner ends up and
    # together are what tells this brow from that of surprise.
    "fear": (
        *(Action(1, 1.0), Action(2, 0.25), Action(4, 0.35), Action(5, 1.0), Action(7, 0.2)),
        *(Action(20, 1.0), Action(25, 0.45), Action(26, 0.25)),
    ),
    # EMFACS 9+15+16; 10 as in FACS 2002, full, for the nose of this face does not wrinkle: the
    # bared upper teeth must say it. 7 because 9 narrows the eyes.
    "disgust": (
        *(Action(9, 1.0), Action(10, 1.0), Action(15, 0.5), Action(16, 0.5)),
        *(Action(4, 0.35), Action(7, 0.7)),
    ),
    # EMFACS 1+2+5B+26.
    "surprise": (Action(1, 1.0), Action(2, 1.0), Action(5, 0.8), Action(26, 0.65)),
    # EMFACS R12A+R14A, stronger than A so that a face without skin folds shows it. The raised
    # brow of the other side and the lowered lids are stage practice and not in EMFACS.
    "contempt": (
        *(Action(12, 0.75, "right"), Action(14, 0.8, "right"), Action(2, 0.6, "left")),
        *(Action(4, 0.3, "right"), Action(43, 0.25)),
    ),
}
"""Action units of each emotion at intensity 1."""

EMOTIONS: Final[tuple[str, ...]] = tuple(PROTOTYPES)
"""The eight names; the order of every mix (last axis, 8)."""

ALIASES: Final[dict[str, str]] = {
    "happy": "happiness", "joy": "happiness", "sad": "sadness", "angry": "anger",
    "afraid": "fear", "fearful": "fear", "scared": "fear", "disgusted": "disgust",
    "surprised": "surprise", "contemptuous": "contempt", "calm": "neutral",
}  # fmt: skip

AROUSAL: Final[Floats] = np.array([0.0, 0.5, -0.5, 0.9, 0.7, 0.2, 0.8, -0.1])
VALENCE: Final[Floats] = np.array([0.0, 0.9, -0.7, -0.6, -0.7, -0.7, 0.1, -0.5])
"""Place of each emotion on Russell's circumplex (1980), rounded; in the order of EMOTIONS."""


@dataclass(frozen=True)
class Timing:
    """How long an emotion takes to come, to settle and to go, in seconds.

    Attributes:
        onset_s: from nothing to the apex.
        settle_s: time constant with which the apex relaxes, if it lasts.
        settle: what stays of the apex after that, 0..1.
        offset_s: from there to nothing; faces go slower than they come.
    """

    onset_s: float
    settle_s: float
    settle: float
    offset_s: float


# Viewers find 0.24 to 3 s realistic, by emotion (Hoffmann et al. 2010, Cogn. Emot. 24:1369);
# sadness is read best when slow, disgust when fast to moderate, the rest does not mind (Recio et
# al. 2013, Cogn. Emot. 27:1486); the onset of a spontaneous smile takes about half a second,
# whatever the context (Schmidt, Cohn & Tian 2003, Biol. Psychol. 65:49). The numbers are ours.
TIMINGS: Final[dict[str, Timing]] = {
    "neutral": Timing(0.5, 2.0, 1.0, 0.7),
    "happiness": Timing(0.55, 2.5, 0.85, 0.9),
    "sadness": Timing(1.1, 4.0, 0.95, 1.5),
    "anger": Timing(0.5, 3.0, 0.9, 0.8),
    "fear": Timing(0.35, 1.5, 0.8, 0.8),
    "disgust": Timing(0.45, 1.5, 0.8, 0.7),
    "surprise": Timing(0.25, 0.7, 0.75, 0.6),
    "contempt": Timing(0.6, 2.0, 0.9, 0.8),
}


def named(name: str) -> str:
    """The emotion that a name or an everyday word (``happy``) means.

    Raises:
        ModelError: none does.
    """
    key = name.strip().lower()
    key = ALIASES.get(key, key)
    if key not in PROTOTYPES:
        raise ModelError(f"{name!r} is not an emotion", f"use one of: {', '.join(EMOTIONS)}")
    return key


def mix(intensities: Mapping[str, float]) -> Floats:
    """A blend by name, ``{"happy": 0.6, "surprise": 0.3}`` -> (8,).

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
    """(8, 52) ARKit weights of every emotion at intensity 1."""
    return np.stack([to_arkit(*PROTOTYPES[name]) for name in EMOTIONS])


def strength(mixed: Floats) -> Floats:
    """How much is felt in all, (..., 8) -> (...) in 0..1; neutral counts as nothing."""
    return np.asarray(np.minimum(mixed[..., 1:].sum(axis=-1), 1.0))


def blend(mixed: Floats) -> Floats:
    """Expression of a mix, (..., 8) -> (..., 52).

    Up to a total of 1 emotions add; beyond that they share it, so that a blend stays between its
    parts. Muscles that pull against each other (12 and 15, brows up and down) meet between.
    """
    felt = np.clip(mixed, 0.0, 1.0).copy()
    felt[..., 0] = 0.0
    total = felt.sum(axis=-1, keepdims=True)
    return np.asarray((felt / np.maximum(total, 1.0)) @ prototypes())


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
    """Expression (T, 52) of a mix (T, 8) over time, before it meets speech.

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
