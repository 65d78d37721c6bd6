"""What a face hears beside a clean voice: babble, noise, a telephone, a room, held vowels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from mien.models.data.corpora.voices import Spoken
from mien.models.data.held import cut_after, stretch, vowels
from mien.models.data.labels.phone_names import merge_silence
from mien.models.speech.features import RATE
from mien.models.speech.phones import Phone

Audio = NDArray[np.float32]
HELD_S: Final = 2.0
"""Length of a held vowel, s."""
SILENCE_S: Final = 1.0
"""Silence after it, s."""
BEFORE_S: Final = 1.5
"""Speech that is kept before it, s."""
ROOM_S: Final = 0.5
"""Time in which the room's sound falls by 60 dB, s."""
ROOM_DB: Final = 3.0
"""Direct over reflected power in the room, dB."""


def added(voice: Audio, other: NDArray[np.floating], snr_db: float) -> Audio:
    """A voice (n,) with another sound, whose power is ``snr_db`` lower over the whole clip."""
    power = np.mean(voice.astype(np.float64) ** 2) / np.mean(np.square(other) + 1e-12)
    return (voice + other * np.sqrt(power) * 10 ** (-snr_db / 20)).astype(np.float32)


def babble(voices: Sequence[Audio], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) six voices at once, each of the same power and from a random place."""
    out = np.zeros(n)
    for i in rng.permutation(len(voices))[:6]:
        voice = np.roll(voices[i], int(rng.integers(len(voices[i])))).astype(np.float64)
        out += np.resize(voice / (np.sqrt(np.mean(voice**2)) + 1e-9), n)
    return out


def telephone(voice: Audio) -> Audio:
    """300 to 3400 Hz, and 8 bits of mu-law."""
    sound = sosfilt(butter(4, (300, 3400), "bandpass", fs=RATE, output="sos"), voice)
    top = np.abs(sound).max() + 1e-9
    code = np.sign(sound) * np.log1p(255 * np.abs(sound) / top) / np.log(256)
    code = np.round(code * 127) / 127
    return (np.sign(code) * (256 ** np.abs(code) - 1) / 255 * top).astype(np.float32)


def room(voice: Audio, rng: np.random.Generator) -> Audio:
    """A voice (n,) in a room: a decaying tail of noise behind the direct sound."""
    t = np.arange(int(ROOM_S * RATE)) / RATE
    tail = rng.normal(size=len(t)) * 10 ** (-3 * t / ROOM_S)
    tail[: int(0.003 * RATE)] = 0
    tail *= 10 ** (-ROOM_DB / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return fftconvolve(voice, tail)[: len(voice)].astype(np.float32)


def held_vowel(spoken: Spoken, which: int, pitch: float) -> tuple[Audio, float, float] | None:
    """One vowel of an utterance held for ``HELD_S``, with speech before it and silence after it.

    Args:
        spoken: the utterance.
        which: the number of the vowel among those that are long enough.
        pitch: factor of the pitch.

    Returns:
        Samples at 16 kHz, start and end of the vowel in s; None if there is no such vowel.
    """
    phones = merge_silence(spoken.phones)
    found = vowels(phones)
    if which >= len(found):
        return None
    at = found[which]
    begin = max(phones[at].start - BEFORE_S, 0.0)
    end = phones[at].end
    kept = [
        Phone(p.name, max(p.start, begin) - begin, p.end - begin)
        for p in phones[: at + 1]
        if p.end > begin
    ]
    part = spoken.samples[int(begin * RATE) : int(end * RATE)]
    long = stretch(Spoken(part, kept), {len(kept) - 1: HELD_S}, pitch)
    last = len(long.phones) - 1
    shut = cut_after(long, last, SILENCE_S)
    vowel = long.phones[last]
    return shut.samples.astype(np.float32) / np.float32(32768), vowel.start, vowel.end
