"""Acoustic prototypes of phrases: how a phrase sounds -> how a singer shows it.

A phrase is described by six numbers, each about -1 to 1. The nearest prototype says the mood, the
brows and the sway of the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.models.song.notes import Note, Phrase
from mien.robot.face.config import Floats

FEATURES: Final = ("loud", "high", "quick", "wide", "rising", "minor")


@dataclass(frozen=True)
class Prototype:
    """One kind of phrase.

    Attributes:
        name: for people.
        sound: (6,) as ``FEATURES``.
        mood: emotion and its intensity; an empty name has none.
        brows: motion and its intensity; an empty name has none.
        sway: intensity of the head's sway.
    """

    name: str
    sound: tuple[float, float, float, float, float, float]
    mood: tuple[str, float]
    brows: tuple[str, float]
    sway: float


PROTOTYPES: Final = (
    Prototype("tale", (0.0, 0.0, 0.0, 0.0, 0.0, -0.2), ("", 0.0), ("", 0.0), 0.5),
    Prototype("joy", (0.4, 0.3, 0.7, 0.3, 0.2, -0.8), ("happiness", 0.35), ("", 0.0), 0.9),
    Prototype("lullaby", (-0.7, -0.1, -0.6, -0.4, -0.1, -0.6), ("happiness", 0.15), ("", 0.0), 0.7),
    Prototype("triumph", (0.9, 0.8, -0.2, 0.6, 0.5, -0.7), ("happiness", 0.4), ("raise", 0.3), 0.7),
    Prototype("lament", (-0.4, -0.4, -0.5, -0.2, -0.5, 0.8), ("sadness", 0.3), ("worry", 0.2), 0.4),
    Prototype("plea", (0.5, 0.6, -0.4, 0.4, 0.3, 0.8), ("sadness", 0.3), ("worry", 0.4), 0.4),
    Prototype("defiance", (0.9, -0.1, 0.5, -0.1, 0.1, 0.7), ("anger", 0.2), ("lower", 0.25), 0.6),
    Prototype("wonder", (-0.3, 0.7, -0.3, 0.6, 0.7, -0.2), ("surprise", 0.15), ("raise", 0.3), 0.5),
)  # fmt: skip
"""The prototypes; the first one is that of a plain phrase."""

_MAJOR: Final = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR: Final = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""How much a tone belongs to a key, from its first one on (Krumhansl & Kessler 1982)."""


def minor(notes: tuple[Note, ...]) -> float:
    """How much a song is in minor, -1 (major) to 1. It ends on the first tone of its key."""
    histogram = np.zeros(12)
    last = 0
    for note in notes:
        if note.hertz > 0:
            last = round(12 * np.log2(note.hertz / 440.0)) % 12
            histogram[last] += min(note.seconds, 1.0)
    if np.count_nonzero(histogram) < 3:
        return 0.0
    major, minor = (
        float(np.corrcoef(np.roll(key, last), histogram)[0, 1]) for key in (_MAJOR, _MINOR)
    )
    return float(np.clip(4.0 * (minor - major), -1.0, 1.0)) if max(major, minor) > 0.3 else 0.0


def described(phrase: Phrase, notes: tuple[Note, ...], mode: float) -> Floats:
    """The six numbers of a phrase.

    Args:
        phrase: the phrase.
        notes: all notes of the song, with which it is compared.
        mode: minor of the song.
    """
    mine = notes[slice(*phrase.notes)]
    pitch = _semitones(notes)
    own = pitch[slice(*phrase.notes)]
    own = own[np.isfinite(own)]
    usual = float(np.nanmedian(pitch)) if np.isfinite(pitch).any() else 0.0
    own = own if len(own) else np.array([usual])
    level = float(np.mean([n.level_db for n in mine]) - np.median([n.level_db for n in notes]))
    pace = len(mine) / max(phrase.end - phrase.start, 0.3)
    edge = max(1, len(own) // 3)
    raw = (
        level / 4.0,
        (float(np.mean(own)) - usual) / 4.0,
        np.log2(max(pace, 0.1) / 2.0),
        (float(np.ptp(own)) - 5.0) / 5.0,
        (float(np.mean(own[-edge:])) - float(np.mean(own[:edge]))) / 5.0,
        mode,
    )
    return np.asarray(np.clip(np.array(raw), -1.0, 1.0))


def _semitones(notes: tuple[Note, ...]) -> Floats:
    hertz = np.array([n.hertz for n in notes])
    return np.where(hertz > 0, 12 * np.log2(np.maximum(hertz, 1.0) / 440.0), np.nan)


def nearest(sound: Floats) -> Prototype:
    """The prototype that is nearest to a phrase (6,)."""
    away = [float(np.sum((sound - np.array(p.sound)) ** 2)) for p in PROTOTYPES]
    return PROTOTYPES[int(np.argmin(away))]
