"""Synthetic music for training: notes of one key on a beat, optional drums, no voice.

Music has steady harmonics and moving bands, as vowels have. It differs in pitch on a scale, onsets
on a beat, and spectra that no vocal tract produces. A network must be trained on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.augment import unit
from mien.models.speech.features import RATE

_SCALES: Final = (
    (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 3, 5, 7, 10),
)
"""Semitones above the key: major, minor, pentatonic."""
_LOWEST_NOTE, _HIGHEST_NOTE = 36, 84
"""MIDI numbers of the notes, 65 to 1047 Hz."""
_HARMONICS: Final = 24


def music(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) samples of unit power at 16 kHz: one to four instruments in one key."""
    beat = 60.0 / rng.uniform(60, 180)
    key, scale = int(rng.integers(0, 12)), _SCALES[int(rng.integers(0, len(_SCALES)))]
    notes = [m for m in range(_LOWEST_NOTE, _HIGHEST_NOTE) if (m - key) % 12 in scale]
    out = np.zeros(n)
    for _ in range(int(rng.integers(1, 5))):
        out += rng.uniform(0.3, 1.0) * instrument(n, beat, notes, rng)
    if rng.random() < 0.5:
        out += rng.uniform(0.3, 1.5) * _drums(n, beat, rng)
    return unit(out)


def instrument(
    n: int, beat: float, notes: list[int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """One instrument with notes or chords along the scale, in multiples of half a beat."""
    strength = np.arange(1, _HARMONICS + 1) ** -rng.uniform(0.4, 2.2)
    strength *= rng.uniform(0.2, 1.0, _HARMONICS)
    if rng.random() < 0.3:
        strength[1::2] *= 0.1  # as a pipe closed at one end
    attack, fade = rng.uniform(0.002, 0.12), rng.choice([0.1, 0.4, 1.5, 20.0])
    vibrato = rng.choice([0.0, 0.0, 0.006]) * rng.uniform(0.5, 1.5)
    size, voices = int(rng.choice([1, 1, 2, 4])), int(rng.choice([1, 1, 3]))
    middle = int(rng.integers(4, len(notes) - 8))
    out, at = np.zeros(n), -rng.uniform(0, beat)
    while at < n / RATE:
        length = 0.5 * beat * size * int(rng.integers(1, 3))
        middle = int(np.clip(middle + rng.integers(-2, 3), 0, len(notes) - 5))
        if rng.random() < 0.9:
            first = max(round(at * RATE), 0)
            last = max(min(round((at + length) * RATE), n), first)
            t = np.arange(first, last) / RATE - at
            swell = np.clip(t / attack, 0, 1) * np.exp(-t / fade)
            swell *= np.clip((length - t) / 0.02, 0, 1)
            for voice in range(voices):
                hertz = 440.0 * 2 ** ((notes[middle + 2 * voice % 5] - 69) / 12)
                out[first:last] += swell * _tone(hertz, strength, vibrato, t)
        at += length
    return unit(out)


def _tone(
    hertz: float, strength: NDArray[np.floating], vibrato: float, t: NDArray[np.floating]
) -> NDArray[np.float64]:
    phase = 2 * np.pi * hertz * t + vibrato * hertz / 5.5 * np.sin(2 * np.pi * 5.5 * t)
    out = np.zeros(len(t))
    # sin((k + 1) x) = 2 cos(x) sin(k x) - sin((k - 1) x): sines were two thirds of a batch's time.
    before, now, twice = np.zeros(len(t)), np.sin(phase), 2 * np.cos(phase)
    for k in range(1, min(_HARMONICS, int(0.47 * RATE / hertz)) + 1):
        out += strength[k - 1] * now
        before, now = now, twice * now - before
    return out


def _drums(n: int, beat: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A falling tone on some beats, bursts of noise on others."""
    out = np.zeros(n)
    step = beat / int(rng.choice([1, 2, 4]))
    for k in range(int(n / RATE / step) + 1):
        at = round(k * step * RATE)
        t = np.arange(min(int(0.25 * RATE), n - at)) / RATE
        if rng.random() < 0.4:
            out[at : at + len(t)] += np.sin(2 * np.pi * (45 * t - 4 * np.exp(-t * 30)))[
                : len(t)
            ] * np.exp(-t * 18)
        if rng.random() < 0.6:
            out[at : at + len(t)] += (
                0.6 * rng.normal(size=len(t)) * np.exp(-t * rng.uniform(15, 120))
            )
    return unit(out)
