"""Laughter of simulated throats: bursts of an open vowel with breath between them.

The lips part at each burst and come back between two, as in a laugh that is not a shout. No corpus
of ours has laughter, and a network that is trained on speech and on music alone holds the mouth
open through it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from mien.models.data.augment import breath, unit
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE

BURSTS_HZ: Final = (3.0, 7.0)
"""Bursts per second, after Bachorowski et al., JASA 110 (2001)."""
PITCH_HZ: Final = (110.0, 480.0)
FORMANTS_HZ: Final = ((450.0, 950.0), (1000.0, 1900.0), (2300.0, 3100.0))
"""Ranges of the three resonances: laughter has central vowels more often than pure ones."""
OPENING: Final = (0.08, 0.25)
"""Lip opening in the middle of a burst."""


def laughter(
    n: int, frames: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Bouts of laughter with pauses between them.

    Args:
        n: samples at 16 kHz.
        frames: frames at 60 Hz; frame i is at i / 60 s.
        rng: chooses throat, pitch and rhythm.

    Returns:
        Samples (n,) of unit power, and the lip opening (frames,).
    """
    sound, parted = np.zeros(n), np.zeros(n)
    at = int(rng.uniform(-0.5, 1.5) * RATE)
    throat = [(rng.uniform(*f), rng.uniform(60, 220)) for f in FORMANTS_HZ]
    pitch = float(np.exp(rng.uniform(*np.log(PITCH_HZ))))
    while at < n:
        bout, lips = _bout(float(rng.uniform(0.5, 3.5)), pitch, throat, rng)
        first, last = max(at, 0), min(at + len(bout), n)
        if last > first:
            sound[first:last] += bout[first - at : last - at]
            parted[first:last] = lips[first - at : last - at]
        at += len(bout)
        if rng.random() < 0.5 and 0 <= at < n - RATE // 5:  # the breath after a laugh
            air = breath(min(int(rng.uniform(0.2, 0.7) * RATE), n - at), rng)
            sound[at : at + len(air)] += air * 10 ** (rng.uniform(-30, -12) / 20)
        at += int(rng.uniform(0.3, 2.0) * RATE)
    lips_at = np.minimum((np.arange(frames) * RATE) // FPS, n - 1)
    return unit(sound), parted[lips_at].astype(np.float32)


def _bout(
    seconds: float, pitch: float, throat: list[tuple[float, float]], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Samples of one bout, its vowels at a power of about 1, and the opening at each of them."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    rate = rng.uniform(*BURSTS_HZ) * (1 - rng.uniform(0, 0.2) * t / seconds)
    phase = np.cumsum(rate) / RATE % 1.0
    share, rise, fall = rng.uniform(0.35, 0.65), rng.uniform(0.06, 0.15), rng.uniform(0.1, 0.25)
    voiced = np.clip(np.minimum(phase / rise, (share - phase) / fall), 0, 1)
    between = np.clip(np.minimum((phase - share + 0.05) / 0.15, (1 - phase) / 0.15), 0, 1)
    bend = (1 - rng.uniform(0, 0.35) * t / seconds) * (1 + rng.uniform(0, 0.15) * voiced)
    turns = np.cumsum(pitch * bend) / RATE
    source = lfilter([1.0], [1.0, -rng.uniform(0.8, 0.95)], np.diff(np.floor(turns), prepend=0.0))
    hiss = 10 ** (rng.uniform(-45, -15) / 20)
    air = hiss * rng.normal(size=n) * (between + 0.5 * voiced)
    vowel, noise = (_through(x, throat) for x in (source, air))
    out = vowel / (np.std(vowel) + 1e-9) * voiced + noise / (np.std(vowel) + 1e-9)
    fade = 1 - rng.uniform(0, 0.6) * t / seconds
    opening = rng.uniform(*OPENING) * np.sin(0.5 * np.pi * voiced) ** 2
    return out * fade, opening * fade


def _through(x: NDArray[np.floating], throat: list[tuple[float, float]]) -> NDArray[np.float64]:
    """Through two-pole resonances (Hz, bandwidth Hz), one after another."""
    for hertz, wide in throat:
        r = np.exp(-np.pi * wide / RATE)
        x = lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * hertz / RATE), r * r], x)
    return np.asarray(x, np.float64)
