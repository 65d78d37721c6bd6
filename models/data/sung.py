"""Songs for training: recorded speech on melodies, alone or over a synthetic band, and the band
alone.

Vowels of an utterance with phone times are stretched to notes of a scale and set to their pitch
(``held.stretch``). The band is ``music.music`` with a body, an ensemble and a room, or recorded
music where there is some. A label of each frame tells whether somebody sings or speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from mien.models.data.augment import breath, channel, noise, unit
from mien.models.data.behind import played
from mien.models.data.corpora.voices import Spoken
from mien.models.data.held import stretch, vowels
from mien.models.data.labels.phone_names import merge_silence
from mien.models.data.music import music
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE
from mien.models.speech.phones import SILENCE, Phone

CLIP_S: Final = 8.0
"""Length of a clip, s."""
_RECORDED: Final = 0.6
"""Share of the bands that are recorded, where there is recorded music."""
_PART_S: Final = 2.2
"""Speech that becomes one phrase, s."""
_SCALE: Final = (0, 2, 4, 5, 7, 9, 11, 12, 14)
_SLOW, _SLOW_SHARE = (1.8, 4.0), 0.25
"""Factors of the length of notes in a slow song, and its odds: a vowel that is held for seconds
resembles an instrument."""
_NOTES_S: Final = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.2, 2.0)


@dataclass(frozen=True)
class Labelled:
    """Sound, and whether a voice is in it.

    Attributes:
        samples: (n,) at 16 kHz.
        voiced: (T,) 0 or 1 at 60 fps.
    """

    samples: NDArray[np.float32]
    voiced: NDArray[np.float32]


def melody(spoken: Spoken, rng: np.random.Generator) -> Spoken:
    """An utterance as a song: each vowel a note of one scale, at a pitch that its voice can have.

    Args:
        spoken: with exact phone times.
        rng: chooses key, tempo and notes.
    """
    phones = merge_silence(spoken.phones)
    whole = Spoken(spoken.samples, phones)
    found = vowels(phones)
    if not found:
        return whole
    key = float(np.exp(rng.uniform(np.log(90.0), np.log(420.0))))
    degree, notes, seconds = int(rng.integers(0, 5)), dict[int, float](), dict[int, float]()
    pace = rng.uniform(*(_SLOW if rng.random() < _SLOW_SHARE else (0.5, 1.6)))
    for i in found:
        degree = int(np.clip(degree + rng.integers(-2, 3), 0, len(_SCALE) - 1))
        notes[i] = key * 2 ** (_SCALE[degree] / 12)
        seconds[i] = pace * float(rng.choice(_NOTES_S))
    return stretch(whole, seconds, 1.0, float(rng.choice([0.0, 0.01, 0.02, 0.03])), notes)


def band(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) a synthetic band of unit power: instruments with bodies, ensembles and a room."""
    out = np.zeros(n)
    for _ in range(int(rng.integers(1, 3))):
        part = music(n, rng)
        for _ in range(int(rng.integers(0, 4))):  # resonances of a body
            hertz, width = rng.uniform(150, 4000), rng.uniform(40, 600)
            radius = np.exp(-np.pi * width / RATE)
            turn = 2 * np.cos(2 * np.pi * hertz / RATE) * radius
            part = unit(part) + rng.uniform(0.3, 2.0) * unit(
                lfilter([1.0 - radius], [1.0, -turn, radius**2], part)
            )
        if rng.random() < 0.3:  # an ensemble: copies that drift
            t = np.arange(n)
            for _ in range(2):
                wave = np.sin(2 * np.pi * rng.uniform(0.2, 6.0) * t / RATE + rng.uniform(0, 6))
                part = part + np.interp(t - 60 + rng.uniform(2, 40) * wave, t, part)
        if rng.random() < 0.3:  # a filter that opens and closes, as brass and synthesisers have
            slow = np.sin(2 * np.pi * rng.uniform(0.1, 4.0) * np.arange(n) / RATE)
            dark = lfilter([0.15], [1.0, -0.85], part)
            part = dark + (0.5 + 0.5 * slow) * (part - dark)
        out += rng.uniform(0.3, 1.0) * unit(part)
    return unit(out)


def clip(
    voices: Sequence[Spoken],
    rng: np.random.Generator,
    seconds: float = CLIP_S,
    bands: Sequence[NDArray[np.int16]] = (),
) -> Labelled:
    """One clip of random kind: a voice alone, a voice over a band, or no voice.

    Args:
        voices: utterances that are sung or spoken.
        rng: chooses everything.
        seconds: length of the clip.
        bands: recorded music without voices, at 16 kHz; beside the synthetic band.
    """
    n = int(seconds * RATE)
    kind = rng.random()
    sound, voiced = np.zeros(n), np.zeros(int(seconds * FPS), np.float32)
    if kind < 0.65:
        sound, voiced = _phrases(voices, rng, n, sung=rng.random() < 0.8)
    if kind > 0.25:
        other = _behind(n, bands, rng)
        begin = int(rng.integers(0, n // 2)) if rng.random() < 0.2 else 0
        other[:begin] *= 0.003
        level = 10 ** (-rng.uniform(-5, 22) / 20) if kind < 0.65 else 1.0
        sound = sound + level * other
    made = channel(sound.astype(np.float32), rng)
    return Labelled(made, voiced)


def _behind(
    n: int, bands: Sequence[NDArray[np.int16]], rng: np.random.Generator
) -> NDArray[np.float64]:
    if rng.random() < 0.15:
        return noise(n, rng)
    if not bands or rng.random() >= _RECORDED:
        return band(n, rng)
    return played(bands[int(rng.integers(len(bands)))], n, rng)


def _phrases(
    voices: Sequence[Spoken], rng: np.random.Generator, n: int, sung: bool
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Phrases with pauses between them, of unit power where they sound."""
    out, voiced = np.zeros(n), np.zeros(n * FPS // RATE, np.float32)
    spoken = voices[int(rng.integers(0, len(voices)))]
    at = int(rng.uniform(0, 2.0) * RATE)
    while at < n - RATE // 2:
        part = _part(spoken, rng)
        part = melody(part, rng) if sung else part
        length = min(int(rng.uniform(0.8, 5.0) * RATE), n - at, len(part.samples))
        sound = part.samples[:length].astype(np.float64)
        fade = min(160, length)
        sound[:fade] *= np.linspace(0, 1, fade)
        sound[-fade:] *= np.linspace(1, 0, fade)
        out[at : at + length] = sound
        for phone in part.phones:
            if phone.name == SILENCE and phone.end - phone.start > 0.1:
                continue
            first, last = phone.start + at / RATE, min(phone.end, length / RATE) + at / RATE
            voiced[round(first * FPS) : max(round(last * FPS), round(first * FPS))] = 1.0
        at += length
        if rng.random() < 0.4 and n - at > RATE // 4:
            size = int(rng.uniform(0.15, 0.4) * RATE)
            gasp = breath(size, rng) * np.sqrt(np.mean(sound**2) + 1e-9) * rng.uniform(0.02, 0.15)
            out[at : at + size] += gasp[: n - at]
        at += int(rng.uniform(0.15, 2.5) * RATE)
    loud = out[np.repeat(voiced > 0, RATE // FPS + 1)[:n]] if voiced.any() else out
    return out / (np.sqrt(np.mean(loud**2)) + 1e-9), voiced


def _part(spoken: Spoken, rng: np.random.Generator) -> Spoken:
    """About ``_PART_S`` of an utterance, from a random phone on."""
    phones = [p for p in merge_silence(spoken.phones) if p.end * RATE <= len(spoken.samples)]
    late = [k for k, p in enumerate(phones) if p.start < max(phones[-1].end - _PART_S, 0.01)]
    first = phones[int(rng.choice(late))].start
    kept = [p for p in phones if p.start >= first and p.end <= first + _PART_S]
    moved = [Phone(p.name, p.start - first, p.end - first) for p in kept]
    return Spoken(spoken.samples[int(first * RATE) : int(kept[-1].end * RATE)], moved)
