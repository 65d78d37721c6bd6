"""What is measured in a sound 60 times a second: pitch, how periodic it is, and levels of bands.

Frame k is centred on k / 60 s. It needs ``DELAY_S`` of the sound after that, so a stream has a
delay of 20 ms. The pitch is the normalised autocorrelation of McLeod & Wyvill, "A smarter way to
find pitch" (2005), in windows of 40 ms. Any split of the same samples gives the same frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE

Floats = NDArray[np.float64]
LOWEST_HZ, HIGHEST_HZ = 65.0, 1100.0
"""Range of the pitch in Hz: a low bass to a high soprano."""
WINDOW: Final = 640
DELAY_S: Final = WINDOW / 2 / RATE
_SIZE: Final = 2048
_LAGS: Final = (int(RATE / HIGHEST_HZ) - 1, int(RATE / LOWEST_HZ) + 2)
_KEY_SHARE: Final = 0.9
"""The first maximum of this share of the highest one is the period; later ones are its multiples.
"""
CLEAR: Final = 0.6
"""Periodicity from which a frame has a pitch."""
VOWEL_HZ: Final = (500.0, 3500.0)
"""Band in which open mouths are loud and shut ones are not."""
HISS_HZ: Final = (4000.0, 7600.0)
_FLOOR: Final = 1e-9


@dataclass(frozen=True)
class SoundFrames:
    """Measured frames, all (T,).

    Attributes:
        hertz: pitch in Hz; 0 without one.
        clarity: periodicity, 0 to 1.
        level_db: level in dB re full scale.
        vowel_db: level in ``VOWEL_HZ``.
        hiss_db: level in ``HISS_HZ``.
    """

    hertz: Floats
    clarity: Floats
    level_db: Floats
    vowel_db: Floats
    hiss_db: Floats

    def __len__(self) -> int:
        return len(self.hertz)


class SoundStream:
    """Samples of one sound -> its frames."""

    def __init__(self) -> None:
        self._tail = np.zeros(WINDOW // 2)
        self._start = -(WINDOW // 2)
        self.frames = 0

    def push(self, samples: NDArray[np.float32]) -> SoundFrames:
        """Samples (n,) at 16 kHz, any n -> the frames that they complete."""
        data = np.concatenate([self._tail, np.asarray(samples, np.float64)])
        end = self._start + len(data)
        last = (end - WINDOW // 2) * FPS // RATE
        while last >= self.frames and centre(last) + WINDOW // 2 > end:
            last -= 1
        count = max(0, last - self.frames + 1)
        centres = np.array([centre(self.frames + k) for k in range(count)], np.int64)
        first = centres - WINDOW // 2 - self._start
        windows = data[first[:, None] + np.arange(WINDOW)] if count else np.zeros((0, WINDOW))
        self.frames += count
        keep = max(0, centre(self.frames) - WINDOW // 2 - self._start)
        self._tail, self._start = data[keep:].copy(), self._start + keep
        return measured(windows)


def centre(frame: int) -> int:
    """The sample on which a frame is centred."""
    return frame * RATE // FPS


def sound_of(samples: NDArray[np.float32], frames: int) -> SoundFrames:
    """The first ``frames`` frames of a whole sound (n,) at 16 kHz, with silence after it."""
    stream = SoundStream()
    missing = max(0, centre(frames) + WINDOW - len(samples))
    found = stream.push(np.concatenate([samples, np.zeros(missing, np.float32)]))
    return SoundFrames(*(getattr(found, name)[:frames] for name in found.__dataclass_fields__))


def measured(windows: Floats) -> SoundFrames:
    """Windows (T, 640) -> frames."""
    hann = np.hanning(WINDOW + 1)[:-1]
    power = np.abs(fft.rfft(windows * hann, _SIZE)) ** 2 / (np.sum(hann**2) * _SIZE)
    hz = fft.rfftfreq(_SIZE, 1.0 / RATE)

    def band(low: float, high: float) -> Floats:
        inside = (hz >= low) & (hz < high)
        return np.asarray(10 * np.log10(2 * power[:, inside].sum(axis=1) + _FLOOR))

    hertz, clarity = _pitch(windows)
    return SoundFrames(hertz, clarity, band(60.0, 7600.0), band(*VOWEL_HZ), band(*HISS_HZ))


def _pitch(windows: Floats) -> tuple[Floats, Floats]:
    """Windows (T, 640) -> pitch (T,) in Hz and periodicity (T,)."""
    count = len(windows)
    hertz, clarity = np.zeros(count), np.zeros(count)
    if not count:
        return hertz, clarity
    x = windows - windows.mean(axis=1, keepdims=True)
    low, high = _LAGS
    r = fft.irfft(np.abs(fft.rfft(x, _SIZE)) ** 2, _SIZE)[:, : high + 1]
    energy = np.concatenate([np.zeros((count, 1)), np.cumsum(x**2, axis=1)], axis=1)
    lags = np.arange(high + 1)
    both = energy[:, WINDOW - lags] + energy[:, [WINDOW]] - energy[:, lags]
    n = 2 * r / (both + _FLOOR * WINDOW)
    inner = n[:, low : high + 1]
    peak = np.zeros_like(inner, np.bool_)
    peak[:, 1:-1] = (inner[:, 1:-1] >= inner[:, :-2]) & (inner[:, 1:-1] > inner[:, 2:])
    heights = np.where(peak & (inner > 0), inner, 0.0)
    top = heights.max(axis=1)
    first = np.argmax(heights >= _KEY_SHARE * np.maximum(top, 1e-6)[:, None], axis=1)
    rows = np.arange(count)
    at = np.clip(first, 1, inner.shape[1] - 2)
    before, mid, after = inner[rows, at - 1], inner[rows, at], inner[rows, at + 1]
    bend = before - 2 * mid + after
    shift = np.where(bend < -1e-12, 0.5 * (before - after) / np.where(bend < -1e-12, bend, -1), 0)
    clarity = np.clip(np.where(top > 0, mid, 0.0), 0.0, 1.0)
    hertz = np.where(clarity >= CLEAR, RATE / (low + at + np.clip(shift, -0.5, 0.5)), 0.0)
    return hertz, clarity
