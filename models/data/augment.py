"""Augmentation of speech: gain, noise, room, band and level."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mien.models.data.schema import Clip
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import (
    BAND,
    FEATURES,
    HOPS_PER_FRAME,
    MELS,
    RATE,
    mel_edges,
)
from mien.models.speech.phones import NUMBER, SILENCE

Audio = NDArray[np.float32]


def channel(audio: Audio, rng: np.random.Generator) -> Audio:
    """Apply a random microphone, room and noise to samples (n,). The timing does not change."""
    n = len(audio)
    size = 1 << (n + RATE // 2 - 1).bit_length()
    hertz = _bins(size)
    response = np.ones(len(hertz), np.complex64)
    if rng.random() < 0.7:
        response = response * _colour(hertz, rng).astype(np.float32)
    if rng.random() < 0.45:
        response = response * _band(hertz, rng).astype(np.float32)
    if rng.random() < 0.4:
        response = response * fft.rfft(_room(rng).astype(np.float32), size)
    # In single precision: this runs for every crop of every batch.
    out = fft.irfft(fft.rfft(audio, size) * response, size)[:n].astype(np.float64)
    if rng.random() < 0.7:
        level = np.sqrt(np.mean(out**2) + 1e-12)
        ratio = 10 ** (-rng.uniform(3, 40) / 20)
        out = out + noise(n, rng) * level * ratio
    out = out / (np.abs(out).max() + 1e-9) * 10 ** (rng.uniform(-30, 0) / 20)
    if rng.random() < 0.1:
        out = np.clip(out * rng.uniform(1.5, 4), -0.9, 0.9) * rng.uniform(0.3, 1)
    return np.asarray(out, np.float32)


def breath(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) one breath of unit power: broadband noise with a rise and a decay."""
    size = 1 << max(n - 1, 1).bit_length()
    hertz = _bins(size)
    centre, octaves = rng.uniform(800, 3000), rng.uniform(0.6, 1.6)
    shape = np.exp(-((np.log2(np.maximum(hertz, 20) / centre) / octaves) ** 2))
    spectrum = rng.normal(size=len(hertz)) + 1j * rng.normal(size=len(hertz))
    sound = fft.irfft(spectrum * shape, size)[:n]
    rise = rng.uniform(0.2, 0.8)
    at = np.linspace(0, 1, n)
    swell = np.minimum(at / rise, (1 - at) / (1 - rise))
    return unit(sound * np.sin(0.5 * np.pi * np.clip(swell, 0, 1)))


def breathed(
    clip: Clip,
    audio: NDArray[np.float32],
    times: NDArray[np.floating],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Add breaths to the pauses of a clip.

    Args:
        clip: tells where the pauses are.
        audio: (samples,) of the frames in ``times``.
        times: (frames,) frame numbers of the clip.
        rng: decides which pauses get a breath, and how loud it is.
    """
    at = np.rint(times).astype(int)
    inside = (at >= 0) & (at < len(clip.phones))
    labels = np.where(inside, clip.phones[np.clip(at, 0, len(clip.phones) - 1)], 0)
    loud = float(np.sqrt(np.mean(audio**2))) + 1e-5
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels == NUMBER[SILENCE], [0]])))
    out = audio.copy()
    for begin, end in edges.reshape(-1, 2):
        if end - begin >= 9 and rng.random() < 0.7:
            room = slice(begin * RATE // FPS, min(end * RATE // FPS, len(out)))
            length = room.stop - room.start
            size = int(length * rng.uniform(0.5, 1.0))
            if size > 400:
                where = room.start + int(rng.integers(0, length - size + 1))
                gain = loud * 10 ** (rng.uniform(-40, -10) / 20)
                out[where : where + size] += (breath(size, rng) * gain).astype(np.float32)
    return out


def breathing(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) breaths of 0.2 to 1.2 s and about unit power, with pauses between them."""
    out = np.zeros(n)
    at = int(rng.uniform(0, 1.0) * RATE)
    while at < n:
        size = int(rng.uniform(0.2, 1.2) * RATE)
        piece = breath(size, rng)[: n - at]
        out[at : at + len(piece)] = piece
        at += size + int(rng.uniform(0.1, 1.5) * RATE)
    return out


@cache
def _bins(size: int) -> NDArray[np.float64]:
    return np.asarray(np.fft.rfftfreq(size, 1 / RATE), np.float64)


def noise(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) of unit power: coloured noise, hum, clicks, or a mixture; sometimes swelling."""
    size = 1 << max(n - 1, 1).bit_length()
    hertz = _bins(size)
    kind = rng.random()
    out = np.zeros(n)
    if kind < 0.8:
        slope = rng.uniform(-1.2, 0.3)
        shape = (np.maximum(hertz, 30) / 1000) ** slope
        if rng.random() < 0.3:
            shape = shape * _band(hertz, rng)
        spectrum = (rng.normal(size=(2, len(hertz))) * shape).astype(np.float32)
        out = unit(fft.irfft(spectrum[0] + 1j * spectrum[1], size)[:n].astype(np.float64))
        if rng.random() < 0.3:
            out *= _swell(n, rng)
    if kind > 0.6:
        out = out + rng.uniform(0.3, 1.5) * _hum(n, rng)
    if kind > 0.75 or rng.random() < 0.1:
        out = out + rng.uniform(0.5, 3) * _clicks(n, rng)
    return unit(out)


def unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same sound (n,) at a power of 1."""
    return np.asarray(x / (np.sqrt(np.mean(x**2)) + 1e-9), np.float64)


def _swell(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    knots = max(3, int(n / RATE * rng.uniform(1, 6)))
    decibels = rng.uniform(-25, 0, knots)
    return np.asarray(10 ** (np.interp(np.linspace(0, knots - 1, n), range(knots), decibels) / 20))


def _hum(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    base = rng.choice([50.0, 60.0, 100.0, 120.0]) * rng.uniform(0.98, 1.02)
    t = np.arange(n) / RATE
    out = np.zeros(n)
    for k in range(1, rng.integers(2, 8)):
        out += rng.random() / k * np.sin(2 * np.pi * (base * k * t + rng.random()))
    return unit(out)


def _clicks(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Clicks of a keyboard: short bursts of ringing noise at random times."""
    out = np.zeros(n)
    for _ in range(rng.poisson(n / RATE * rng.uniform(2, 9))):
        at = int(rng.integers(0, n))
        length = min(int(RATE * rng.uniform(0.003, 0.04)), n - at)
        t = np.arange(length) / RATE
        burst = rng.normal(size=length) * np.exp(-t * rng.uniform(100, 900))
        burst += np.sin(2 * np.pi * rng.uniform(300, 5000) * t) * np.exp(-t * 300)
        out[at : at + length] += burst * rng.uniform(0.2, 1)
    return unit(out) if out.any() else out


def _colour(hertz: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth random equaliser: tilt, and a few broad bumps."""
    octaves = np.log2(np.maximum(hertz, 40) / 1000)
    decibels = rng.normal(0, 2.0) * octaves
    for _ in range(rng.integers(0, 4)):
        at, wide = rng.uniform(-3.5, 2.9), rng.uniform(0.3, 1.2)
        decibels = decibels + rng.normal(0, 5) * np.exp(-(((octaves - at) / wide) ** 2))
    return np.asarray(10 ** (np.clip(decibels, -30, 20) / 20))


def _band(hertz: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    low, high = rng.uniform(20, 350), rng.uniform(2800, 7800)
    below = 1 / (1 + (low / np.maximum(hertz, 1)) ** 6)
    above = 1 / (1 + (hertz / high) ** 12)
    return np.sqrt(below * above)


def _room(rng: np.random.Generator) -> NDArray[np.float64]:
    """A decaying noise tail after the direct sound, which stays at sample 0."""
    seconds = rng.uniform(0.08, 0.6)  # to -60 dB
    n = int(min(seconds, 0.45) * RATE)
    t = np.arange(n) / RATE
    tail = rng.normal(size=n) * 10 ** (-3 * t / seconds)
    tail[: int(rng.uniform(0.001, 0.01) * RATE)] = 0
    tail *= 10 ** (-rng.uniform(0, 18) / 20) / (np.sqrt(np.sum(tail**2)) + 1e-9)
    tail[0] = 1.0
    return tail


def warped(factor: float) -> NDArray[np.float64]:
    """(MELS,) fractional source band of each band if all formants are scaled by ``factor``.

    After Jaitly & Hinton, "Vocal tract length perturbation" (2013), without the upper knee.
    """
    low, high = (2595 * np.log10(1 + f / 700) for f in BAND)
    hertz = mel_edges()[1:-1] / factor
    moved = 2595 * np.log10(1 + hertz / 700)
    bands = (moved - low) / (high - low) * (MELS + 1) - 1
    return np.asarray(np.clip(bands, 0, MELS - 1), np.float64)


def other_throat(
    features: NDArray[np.float32], tract: float, masked: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Features as from another length of the vocal tract, some of their bands masked.

    Args:
        features: (T, 2 x FEATURES).
        tract: largest factor of the length, up or down.
        masked: probability that neighbouring bands are masked.
        rng: chooses both.
    """
    hops = features.reshape(len(features), HOPS_PER_FRAME, FEATURES).copy()
    source = warped(float(tract ** rng.uniform(-1, 1)))
    low = np.minimum(source.astype(int), MELS - 2)
    part = (source - low).astype(np.float32)
    bands = hops[..., :MELS]
    hops[..., :MELS] = bands[..., low] * (1 - part) + bands[..., low + 1] * part
    if rng.random() < masked:
        wide = int(rng.integers(2, 12))
        at = int(rng.integers(0, MELS - wide))
        hops[..., at : at + wide] = hops[..., :MELS].mean()
    return hops.reshape(features.shape)
