"""Sound -> what a manner may follow, at 30 frames a second: loudness, melody, their slow course.

There is no spectrum beyond four broad bands, so that little tells one speaker from another. Levels
are relative to the loud parts of the clip, and pitch to its median. All looks at the whole clip.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter1d

from mien.models.speech.features import RATE

Floats = NDArray[np.float64]
NAMES: Final = (
    "energy", "energy_change", "stress", "energy_0.5_s", "energy_2_s", "voice", "voicing",
    "pitch", "pitch_change", "band_0", "band_1", "band_2", "band_3",
)  # fmt: skip
FEATURES: Final = len(NAMES)
RATE_HZ: Final = 30
BANDS_HZ: Final = (80.0, 500.0, 1500.0, 3500.0, 7500.0)
PITCH_HZ: Final = (65.0, 420.0)
_WINDOW, _FFT = 640, 2048
_FLOOR_DB, _VOICED = 30.0, 0.45
_TINY = 1e-9


def frames_for(samples: int) -> int:
    """Frames of a clip of this many samples."""
    return max(1, -(-samples * RATE_HZ // RATE))


def features(samples: NDArray[np.floating], frames: int | None = None) -> NDArray[np.float32]:
    """Samples (n,) at 16 kHz -> features (T, FEATURES). Frame k belongs to k / 30 s."""
    count = frames_for(len(samples)) if frames is None else frames
    centre = np.arange(count) * RATE // RATE_HZ
    sound = np.asarray(samples, np.float64)
    padded = np.concatenate([np.zeros(_WINDOW // 2), sound, np.zeros(_WINDOW)])
    index = np.minimum(centre[:, None] + np.arange(_WINDOW), len(padded) - 1)
    windows = padded[index] * np.hanning(_WINDOW)
    spectrum = np.square(np.abs(fft.rfft(windows, _FFT, axis=1)))
    hertz = np.fft.rfftfreq(_FFT, 1 / RATE)
    level = 10 * np.log10(np.square(windows).mean(axis=1) + _TINY)
    top = float(np.percentile(level, 95))
    energy = np.clip((level - top) / _FLOOR_DB, -1.0, 0.3)
    voice = _smooth(1.0 / (1.0 + np.exp(-(energy + 0.75) * 12.0)), 0.06)
    bands = [
        10 * np.log10(spectrum[:, (hertz >= low) & (hertz < high)].mean(axis=1) + _TINY) - level
        for low, high in pairwise(BANDS_HZ)
    ]
    pitch, voicing = _pitch(spectrum, energy)
    fast, slow = _smooth(energy, 0.07), _smooth(energy, 0.8)
    out = [
        energy, _slope(fast) * RATE_HZ / 6.0, fast - slow, _smooth(energy, 0.5),
        _smooth(energy, 2.0), voice, voicing, pitch,
        _slope(_smooth(pitch, 0.06)) * RATE_HZ / 4.0,
        *((b - b.mean()) / 20.0 * voice for b in bands),
    ]  # fmt: skip
    return np.stack(out, axis=1).astype(np.float32)


def _pitch(spectrum: Floats, energy: Floats) -> tuple[Floats, Floats]:
    """Pitch (T,) in octaves around the clip's median, held where there is none, and voicing."""
    correlation = fft.irfft(spectrum, axis=1)[:, : _FFT // 2]
    window = fft.irfft(np.square(np.abs(fft.rfft(np.hanning(_WINDOW), _FFT))))[: _FFT // 2]
    low, high = (int(RATE / hz) for hz in reversed(PITCH_HZ))
    lags = np.arange(low, high)
    shape = correlation[:, lags] / np.maximum(correlation[:, :1], _TINY)
    shape = shape / (window[lags] / window[0])
    best = shape.argmax(axis=1)
    peak = np.clip(shape[np.arange(len(best)), best], 0.0, 1.0)
    # Half the pitch fits as well; the shortest lag that is nearly as good is the pitch.
    near = shape >= 0.92 * peak[:, None]
    best = near.argmax(axis=1)
    voiced = (peak > _VOICED) & (energy > -0.8)
    if voiced.sum() < 3:
        return np.zeros(len(peak)), np.zeros(len(peak))
    octaves = np.log2(RATE / lags[best])
    octaves -= np.median(octaves[voiced])
    at = np.flatnonzero(voiced)
    held = np.interp(np.arange(len(peak)), at, np.clip(octaves[at], -1.0, 1.0))
    share = _smooth(voiced.astype(np.float64), 0.05)
    return _smooth(held, 0.04) * np.maximum(share, _smooth(share, 0.4)), peak * voiced


def _smooth(x: Floats, seconds: float) -> Floats:
    return np.asarray(gaussian_filter1d(x, seconds * RATE_HZ, mode="nearest"), np.float64)


def _slope(x: Floats) -> Floats:
    return np.asarray(np.gradient(x), np.float64) if len(x) > 1 else np.zeros(len(x))
