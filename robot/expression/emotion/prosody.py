"""Prosody of a voice at 60 fps: level, stress, voice activity and pauses.

All functions look at the whole clip.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from mien.models.face.blendshapes import FPS
from mien.robot.face.config import Floats

HANG_S: Final = 0.12
"""A voice lasts this long in s around its last sound, because a /p/ is silent but is speech."""
PAUSE_S: Final = 0.25
"""The shortest silence that counts as a pause; plosives are shorter (Goldman-Eisler 1968)."""
_FLOOR_DB = 30.0  # level below the loudest frame at which a voice has ended
_SILENCE_DB = -52.0  # dB re full scale, below which nothing is a voice


def loudness(samples: NDArray[np.float32], rate: int, frames: int) -> Floats:
    """Samples (n,) -> level (frames,) in dB re full scale, one value per 1/60 s."""
    edges = np.minimum(np.arange(frames + 1) * rate // FPS, len(samples))
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    energy = (power[edges[1:]] - power[edges[:-1]]) / np.maximum(np.diff(edges), 1)
    return np.asarray(10 * np.log10(energy + 1e-7))


def stress(samples: NDArray[np.float32], rate: int, frames: int) -> Floats:
    """Vocal stress (frames,) in 0..1 at 60 fps: the energy above its own slow mean.

    It rises a little before the syllable, as brows do.
    """
    level = loudness(samples, rate, frames)
    fast, slow = smooth(level, 0.08), smooth(level, 0.9)
    voiced = 1 / (1 + np.exp(-(level - (level.max(initial=-70) - _FLOOR_DB)) / 3))
    return np.asarray(np.clip((fast - slow) / 10.0, 0.0, 1.0) * smooth(voiced, 0.1))


def voice(samples: NDArray[np.float32], rate: int, frames: int) -> Floats:
    """Voice activity (frames,) in 0..1 with soft edges. Closures within words count as voice.

    Silence throughout is silence. So is a hum far below the loudest frame.
    """
    level = loudness(samples, rate, frames)
    least = max(float(level.max(initial=-70.0)) - _FLOOR_DB, _SILENCE_DB)
    voiced = (smooth(level, 0.02) > least).astype(np.float64)
    if not voiced.any():
        return np.zeros(frames)
    wide = maximum_filter1d(voiced, 2 * round(HANG_S * FPS) + 1, mode="constant")
    return np.clip(smooth(wide, 0.03), 0.0, 1.0)


def pauses(voiced: Floats) -> Floats:
    """Times in s at which the voice (T,) stops for at least PAUSE_S after it spoke."""
    speaks = np.concatenate([[0], (voiced > 0.5).astype(int), [0]])
    ends = np.flatnonzero(np.diff(speaks) == -1)
    begins = np.append(np.flatnonzero(np.diff(speaks) == 1)[1:], np.iinfo(np.int64).max)
    long = (begins - ends) >= PAUSE_S * FPS
    return np.asarray(ends[long & (ends < len(voiced))] / FPS)


def smooth(x: Floats, seconds: float) -> Floats:
    """Gaussian filter of standard deviation in s over (T,) at 60 fps; the ends are held."""
    return np.asarray(gaussian_filter1d(x, seconds * FPS, mode="nearest"))
