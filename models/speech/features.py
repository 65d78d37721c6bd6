"""Waveform -> features of the speech network: level-normalised log-mel bands and energy at 120 Hz.

Hop k is centred on sample ``floor(k * 16000 / 120)``. The arithmetic is in integers, so hops 2k - 1
and 2k make frame k at 60 Hz exactly, without drift. A stream begins with hop -1. The state is
explicit. Any split of the same samples gives the same hops to 1e-6, so a file and a stream use the
same function.

Levels are relative to a slow peak follower, as in an automatic gain control. The gain of the
microphone carries no information about the face; the level of a hop below the recent peak does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mien.models.face.blendshapes import FPS

RATE: Final = 16000
"""Sample rate, Hz."""
HOPS: Final = 120
"""Hop rate, Hz."""
HOPS_PER_FRAME: Final = HOPS // FPS
WINDOW: Final = 400
"""Window length in samples (25 ms), half of them on each side of the hop's centre."""
FFT: Final = 512
MELS: Final = 64
BAND: Final = (60.0, 7600.0)
"""Hz, the lower edge of the first and the upper edge of the last mel filter."""
FEATURES: Final = MELS + 2
"""Size of a hop: the log-mel bands, the energy relative to the peak, the peak."""

START_DBFS: Final = -30.0
"""Initial level of the peak follower, dBFS."""
FLOOR_DBFS: Final = -50.0
"""Lowest level of the peak follower, dBFS."""
DECAY_DB_PER_HOP: Final = 1.0 / HOPS
"""Decay of the peak follower, dB per hop (1 dB/s)."""
_FIRST = -1  # hop: with hop 0 it makes frame 0
_SMOOTH = 1.0 - np.exp(-1.0 / (0.08 * HOPS))  # energy is averaged over 80 ms before the peak
_TINY = 1e-10  # power, -100 dBFS: below 16-bit rounding noise
_SCALE = 20.0  # dB to one unit of a feature


@dataclass(frozen=True)
class FeatureState:
    """State of a stream of features."""

    tail: NDArray[np.float32]
    """Samples that a later window still needs."""
    tail_start: int
    """Index of ``tail[0]`` in the stream. Negative indices are zeros before the first sample."""
    hop: int
    """Index of the next hop."""
    power: float
    """Smoothed power."""
    level: float
    """Peak follower, dBFS."""


def start(level: float = START_DBFS) -> FeatureState:
    """The state before the first sample; ``level`` in dBFS."""
    begin = hop_centre(_FIRST) - WINDOW // 2
    return FeatureState(np.zeros(-begin, np.float32), begin, _FIRST, _TINY, level)


def hop_centre(hop: int) -> int:
    """The sample on which a hop is centred."""
    return hop * RATE // HOPS


def samples_for(frame: int) -> int:
    """Number of samples of a stream that frame ``frame`` needs."""
    return hop_centre(HOPS_PER_FRAME * frame) + WINDOW // 2


def stack(hops: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hops (m, FEATURES) from hop -1 on -> frames (m // 2, 2 * FEATURES). Drops an odd last hop."""
    frames = len(hops) // HOPS_PER_FRAME
    return hops[: frames * HOPS_PER_FRAME].reshape(frames, HOPS_PER_FRAME * hops.shape[1])


def mel_edges() -> NDArray[np.float64]:
    """(MELS + 2,) Hz: band k rises from edge k, peaks at k + 1 and ends at k + 2."""
    low_mel, high_mel = (2595 * math.log10(1 + f / 700) for f in BAND)
    edges_mel = np.linspace(low_mel, high_mel, MELS + 2)
    return np.asarray(700 * (10 ** (edges_mel / 2595) - 1), np.float64)


def mel_filters() -> NDArray[np.float32]:
    """(FFT / 2 + 1, MELS) triangles of equal height, evenly spaced on the mel scale.

    Scale: O'Shaughnessy, *Speech Communication* (1987): mel = 2595 log10(1 + f / 700).
    """
    edges = mel_edges()
    hertz = np.fft.rfftfreq(FFT, 1 / RATE)[:, None]
    low, mid, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((hertz - low) / (mid - low), (high - hertz) / (high - mid))
    triangles = np.maximum(triangles, 0.0)
    # The lowest filters are narrower than an FFT bin. Each gets at least its nearest bin.
    empty = triangles.sum(axis=0) < 0.5
    nearest = np.abs(hertz - mid).argmin(axis=0)
    triangles[nearest[empty], np.flatnonzero(empty)] = 1.0
    return np.asarray(triangles / triangles.sum(axis=0), np.float32)


_FILTERS = mel_filters()
_HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
_GAIN = np.float32(1.0 / np.sum(_HANN.astype(np.float64) ** 2))


def extract(
    samples: NDArray[np.float32], state: FeatureState | None = None
) -> tuple[NDArray[np.float32], FeatureState]:
    """Samples (n,), any n -> the hops (m, FEATURES) that they complete, and the new state."""
    state = start() if state is None else state
    data = np.concatenate([state.tail, np.asarray(samples, np.float32)])
    end = state.tail_start + len(data)
    # The last hop whose window ends at or before ``end``.
    last = ((end - WINDOW // 2 + 1) * HOPS - 1) // RATE
    count = max(0, last - state.hop + 1)
    if count == 0:
        return np.zeros((0, FEATURES), np.float32), FeatureState(
            data, state.tail_start, state.hop, state.power, state.level
        )
    hops = np.arange(state.hop, state.hop + count, dtype=np.int64)
    begins = hops * RATE // HOPS - WINDOW // 2 - state.tail_start
    windows = data[begins[:, None] + np.arange(WINDOW)]  # (m, WINDOW)
    spectrum = fft.rfft(windows * _HANN, FFT)  # scipy keeps single precision
    power = ((spectrum.real**2 + spectrum.imag**2) * _GAIN).astype(np.float32)
    bands = 10 * np.log10(power @ _FILTERS + np.float32(_TINY))  # (m, MELS) dB
    energy = np.mean(windows.astype(np.float64) ** 2, axis=1)
    level, smoothed = _follow(energy, state)
    out = np.empty((count, FEATURES), np.float32)
    # Bands of speech are about 20 dB below the total level: + 1 centres them near 0.
    out[:, :MELS] = np.maximum((bands - level[:, None]) / _SCALE + 1.0, -2.5)
    out[:, MELS] = np.maximum((10 * np.log10(energy + _TINY) - level) / _SCALE + 1.0, -2.5)
    out[:, MELS + 1] = (level - START_DBFS) / _SCALE
    keep = hop_centre(int(hops[-1]) + 1) - WINDOW // 2 - state.tail_start
    return out, FeatureState(
        data[keep:].copy(),
        state.tail_start + keep,
        int(hops[-1]) + 1,
        smoothed,
        float(level[-1]),
    )


def _follow(energy: NDArray[np.float64], state: FeatureState) -> tuple[NDArray[np.float64], float]:
    """Peak follower over hop energies (m,) -> levels (m,) dBFS, and the last smoothed power."""
    level = np.empty(len(energy))
    smooth, peak = state.power, state.level
    for i, e in enumerate(energy.tolist()):
        smooth += _SMOOTH * (e - smooth)
        now = 10.0 * math.log10(smooth + _TINY)
        peak = max(now, peak - DECAY_DB_PER_HOP, FLOOR_DBFS)
        level[i] = peak
    return level, smooth
