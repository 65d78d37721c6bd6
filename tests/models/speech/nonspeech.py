"""Sounds that are no speech, made with numpy from seeds, (n,) float32 at 16 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from mien.models.speech.features import RATE

Audio = NDArray[np.float32]


def _scaled(x: NDArray[np.floating], decibels: float) -> Audio:
    """To a root mean square so far below full scale."""
    rms = float(np.sqrt(np.mean(np.square(x)))) + 1e-12
    return np.asarray(x / rms * 10 ** (decibels / 20), np.float32)


def resonant(x: NDArray[np.floating], formants: tuple[tuple[float, float], ...]) -> Audio:
    """Through two-pole resonances (Hz, bandwidth Hz), one after another."""
    for hertz, wide in formants:
        r = np.exp(-np.pi * wide / RATE)
        turn = 2 * np.pi * hertz / RATE
        x = lfilter([1 - r], [1, -2 * r * np.cos(turn), r * r], x)
    return np.asarray(x, np.float32)


def room(seconds: float, seed: int, decibels: float = -50.0) -> Audio:
    """Air: noise that falls by 6 dB an octave."""
    white = np.random.default_rng(seed).normal(size=round(seconds * RATE))
    return _scaled(lfilter([1.0], [1.0, -0.97], white), decibels)


def hum(seconds: float, seed: int, decibels: float = -35.0) -> Audio:
    """Mains and its odd harmonics over a little air."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 50 * k * t + rng.uniform(0, 6)) / k for k in (1, 2, 3, 5, 7, 9))
    return _scaled(np.asarray(tones), decibels) + room(seconds, seed, -60)


def keyboard(seconds: float, seed: int, decibels: float = -32.0) -> Audio:
    """Six strokes a second: a thump and a click of 10 to 30 ms each."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    out = np.zeros(n + RATE)
    at = 0.1
    while at < seconds:
        for hertz, decay, level in ((rng.uniform(150, 400), 90, 1.0), (3500, 300, 0.6)):
            t = np.arange(round(0.05 * RATE)) / RATE
            stroke = np.exp(-decay * t) * (
                np.sin(2 * np.pi * hertz * t) + 0.7 * rng.normal(size=len(t))
            )
            begin = round((at + 0.008 * (hertz == 3500)) * RATE)
            out[begin : begin + len(t)] += level * stroke * rng.uniform(0.4, 1)
        at += rng.uniform(0.08, 0.26)
    return _scaled(out[:n], decibels) + room(seconds, seed + 1, -62)


def breath(seconds: float, seed: int, decibels: float = -38.0) -> Audio:
    """In for 0.6 s, out for 1.2 s, and again: noise through the shape of an open throat."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    t = np.arange(n) / RATE % 3.0
    swell = np.sin(np.pi * np.clip(t / 0.6, 0, 1)) ** 2 * (t < 0.6)
    swell += 0.8 * np.sin(np.pi * np.clip((t - 1.0) / 1.2, 0, 1)) ** 2 * (t >= 1.0)
    air = resonant(rng.normal(size=n), ((900, 500), (1900, 700)))
    return _scaled(air * swell, decibels) + room(seconds, seed + 1, -62)


def music(seconds: float, seed: int, decibels: float = -24.0) -> Audio:
    """Chords of plucked strings, a bass and a drum at 110 beats a minute; nobody sings."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    out = np.zeros(n + 2 * RATE)
    beat = 60 / 110
    for k in range(int(seconds / beat)):
        begin = round(k * beat * RATE)
        t = np.arange(round(1.2 * RATE)) / RATE
        root = 220 * 2 ** (int(rng.choice([0, 3, 5, 7])) / 12)
        for ratio, level in ((1, 1.0), (1.26, 0.8), (1.5, 0.8), (2, 0.5), (0.25, 1.5)):
            for harmonic in range(1, 6):
                tone = np.sin(2 * np.pi * root * ratio * harmonic * t)
                out[begin : begin + len(t)] += level / harmonic**1.5 * tone * np.exp(-3 * t)
        drum = rng.normal(size=len(t)) * np.exp(-(30 if k % 2 else 12) * t)
        drum += 2 * np.sin(2 * np.pi * 60 * t) * np.exp(-14 * t)
        out[begin : begin + len(t)] += 0.8 * drum
    return _scaled(out[:n], decibels)


def laughter(seconds: float, seed: int, decibels: float = -22.0, rate: float = 4.6) -> Audio:
    """Ha ha ha: voiced bursts of an open vowel with breath between, ``rate`` a second."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    t = np.arange(n) / RATE
    phase = t * rate % 1.0
    voiced = np.clip(np.minimum(phase / 0.12, (0.55 - phase) / 0.2), 0, 1)
    breathed = np.clip(np.minimum((phase - 0.5) / 0.15, (1 - phase) / 0.15), 0, 1)
    pitch = 260 * (1 - 0.25 * t / max(seconds, 1e-3)) * (1 + 0.03 * np.sin(2 * np.pi * 6 * t))
    turns = np.cumsum(pitch) / RATE
    pulses = np.diff(np.floor(turns), prepend=0.0)
    source = lfilter([1.0], [1.0, -0.9], pulses) * voiced + 0.02 * breathed * rng.normal(size=n)
    throat = resonant(source, ((750, 90), (1250, 110), (2600, 160)))
    return _scaled(throat * (1 - 0.4 * t / max(seconds, 1e-3)), decibels)
