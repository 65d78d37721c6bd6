"""Sound -> what a voice tells beside its words: running statistics of two streams, without a clock.

The time stream has pitch, periodicity, level, and how fast they change. The frequency stream has
the shape of the spectrum: the first cepstra of 64 log-mel bands. All are exponentially weighted
over the speech of the last seconds. Levels are relative to a slow peak follower from the first hop
on, so the gain of a microphone tells nothing.

Frame k is at k / 60 s and needs 20 ms of sound after it. Any split of the same samples gives the
same frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal import lfilter

from mien.models.face.blendshapes import FPS
from mien.models.song.sound import WINDOW, SoundStream
from mien.models.speech.features import (
    FEATURES,
    MELS,
    RATE,
    START_DBFS,
    FeatureState,
    extract,
    start,
)

Floats = NDArray[np.float64]
MEMORY_S: Final = 2.5
"""Time constant of the statistics in s of speech."""
CEPSTRA: Final = 6
"""Numbers of the spectrum's shape; its level is none of them."""
QUIET_DB: Final = -28.0
"""Level re the peak follower below which nothing is speech."""
SILENT_DB: Final = -55.0
"""Level re full scale below which nothing is speech."""
_LAGS: Final = (2, 5, 12)
"""Frames over which a change is measured: 33, 83 and 200 ms."""
_DECAY: Final = float(np.exp(-1.0 / (MEMORY_S * FPS)))
TIME: Final = (
    "pitch", "pitch_spread", "pitch_change", "pitch_slope", "clarity", "clarity_spread",
    "level_spread", "level_change_33", "level_change_83", "level_change_200", "voiced_share",
    "onsets",
)  # fmt: skip
FREQUENCY: Final = tuple(f"cepstrum_{k}" for k in range(1, CEPSTRA + 1))
STATISTICS: Final = (*TIME, *FREQUENCY)
"""Columns of a row of statistics. Pitch is the binary logarithm of Hz."""
_SUMS: Final = 3 + (2 + CEPSTRA) + 8 + 2


@dataclass(frozen=True)
class Prosody:
    """Frames at 60 fps.

    Attributes:
        statistics: (T, 18) in the order of ``STATISTICS``; 0 before the first voice.
        seconds: (T,) time in s of voiced sound that they rest on, at most ``MEMORY_S``.
        voiced: (T,) whether the frame itself is voiced.
    """

    statistics: Floats
    seconds: Floats
    voiced: NDArray[np.bool_]


class ProsodyStream:
    """Samples of one voice -> its frames."""

    def __init__(self) -> None:
        self._sound = SoundStream()
        self._features: FeatureState = start()
        self._hops = np.zeros((0, FEATURES), np.float32)
        self._waiting = np.zeros((0, 2))
        self._past = np.zeros((max(_LAGS), 4 + CEPSTRA))
        self._sums = np.zeros((1, _SUMS))

    def push(self, samples: NDArray[np.float32]) -> Prosody:
        """Samples (n,) at 16 kHz, any n -> the frames that they complete."""
        lag = max(_LAGS)
        both = np.concatenate([self._past, self._frames(samples)])
        self._past = both[len(both) - lag :]
        if len(both) == lag:
            return Prosody(np.zeros((0, len(STATISTICS))), np.zeros(0), np.zeros(0, np.bool_))
        sums, self._sums = lfilter(
            [1.0], [1.0, -_DECAY], _measures(both, lag), axis=0, zi=self._sums
        )
        voiced = (both[lag:, 0] > 0) & (both[lag:, 3] > 0)
        return Prosody(_statistics(sums), sums[:, 0] / FPS, voiced)

    def _frames(self, samples: NDArray[np.float32]) -> Floats:
        """Frames (m, 4 + CEPSTRA): pitch, clarity, level, speech, cepstra."""
        found = self._sound.push(samples)
        rows = np.stack([found.hertz, found.clarity], axis=1)
        self._waiting = np.concatenate([self._waiting, rows])
        hops, self._features = extract(np.asarray(samples, np.float32), self._features)
        self._hops = np.concatenate([self._hops, hops])
        count = min(len(self._waiting), len(self._hops) // 2)
        rows, self._waiting = self._waiting[:count], self._waiting[count:]
        pairs, self._hops = self._hops[: 2 * count], self._hops[2 * count :]
        spectrum = pairs.reshape(count, 2, FEATURES).mean(axis=1, dtype=np.float64)
        cepstra = fft.dct(spectrum[:, :MELS], axis=1, norm="ortho")[:, 1 : CEPSTRA + 1]
        level = 20.0 * (spectrum[:, MELS] - 1.0)
        peak = START_DBFS + 20.0 * spectrum[:, MELS + 1]
        speech = (level > QUIET_DB) & (level + peak > SILENT_DB)
        pitch = np.log2(np.maximum(rows[:, 0], 1.0)) * (rows[:, 0] > 0)
        return np.column_stack([pitch, rows[:, 1], level, speech, cepstra])


def _measures(x: Floats, lag: int) -> Floats:
    """Frames with ``lag`` earlier ones -> weights and weighted values (m, _SUMS)."""
    now = x[lag:]
    before = {k: x[lag - k : len(x) - k] for k in _LAGS}

    def is_voiced(frames: Floats) -> NDArray[np.bool_]:
        return (frames[:, 0] > 0) & (frames[:, 3] > 0)

    speech, voiced = now[:, 3], is_voiced(now)
    held = voiced & is_voiced(before[_LAGS[1]])
    step = np.clip(now[:, 0] - before[_LAGS[1]][:, 0], -0.5, 0.5) * held
    began = voiced & ~is_voiced(before[_LAGS[0]])
    level = np.maximum(now[:, 2], QUIET_DB) / 10.0
    of_voiced = np.column_stack([now[:, 0], now[:, 0] ** 2, now[:, 4:]]) * voiced[:, None]
    changes = [np.abs(level - np.maximum(before[k][:, 2], QUIET_DB) / 10.0) for k in _LAGS]
    of_speech = np.column_stack([now[:, 1], now[:, 1] ** 2, level, level**2, began, *changes])
    weights = np.column_stack([voiced, speech, held]).astype(np.float64)
    of_held = np.column_stack([np.abs(step), step])
    return np.column_stack([weights, of_voiced, of_speech * speech[:, None], of_held])


def _statistics(sums: Floats) -> Floats:
    """Sums (m, _SUMS) -> statistics (m, 18)."""
    voiced, speech, held = (np.maximum(sums[:, [k]], 1e-9) for k in range(3))
    v, s, h = np.split(sums[:, 3:], [2 + CEPSTRA, 10 + CEPSTRA], axis=1)
    v, s, h = v / voiced, s / speech, h / held

    def spread(square: Floats, mean: Floats) -> Floats:
        return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)))

    out = np.column_stack([
        v[:, 0], spread(v[:, 1], v[:, 0]), h, s[:, 0], spread(s[:, 1], s[:, 0]),
        spread(s[:, 3], s[:, 2]), s[:, 5:8], sums[:, 0] / speech[:, 0], s[:, 4] * FPS / 4.0,
        v[:, 2:],
    ])  # fmt: skip
    return np.asarray(np.where(sums[:, [0]] > 0.5, out, 0.0))


def prosody(samples: NDArray[np.float32], frames: int) -> Prosody:
    """The first ``frames`` frames of a whole sound (n,) at 16 kHz, with silence after it."""
    quiet = np.zeros(max(0, -(-frames * RATE // FPS) + WINDOW - len(samples)), np.float32)
    found = ProsodyStream().push(np.concatenate([samples, quiet]))
    return Prosody(found.statistics[:frames], found.seconds[:frames], found.voiced[:frames])
