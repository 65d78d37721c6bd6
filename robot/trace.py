"""What a played clip did to the face, tick by tick, and how far that is from what was wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.regions import LIP_GAPS, gaps
from robot.config import FaceConfig, Floats
from robot.loop import RATE_HZ, Tick

LAG_SEARCH_S = 0.25


@dataclass
class Trace:
    """Ticks of one clip with the landmarks that the face showed at the end of each."""

    face: FaceConfig
    ticks: list[Tick] = field(default_factory=list)
    seen: list[Floats] = field(default_factory=list)

    def add(self, tick: Tick, landmarks: Floats) -> None:
        """Append a tick and the true landmarks (478, 3) mm of the face at its end."""
        self.ticks.append(tick)
        self.seen.append(landmarks)

    @property
    def t(self) -> Floats:
        """(T,) s in the clip, of the landmarks."""
        return np.array([tick.t for tick in self.ticks]) + 1.0 / RATE_HZ

    @property
    def landmarks(self) -> Floats:
        """(T, 478, 3) mm."""
        return np.stack(self.seen)

    @property
    def sent(self) -> Floats:
        """(T, n) commands after the limiter."""
        return np.stack([tick.sent for tick in self.ticks])

    @property
    def pulses(self) -> Floats:
        """(T, n) us as the board took them."""
        return np.stack([tick.pulses for tick in self.ticks])

    def limits(self) -> dict[str, Any]:
        """Pulses outside their range (must be 0) and how often the limiter had to act."""
        low, _, high = self.face.pulses.T
        outside = (self.pulses < low - 0.25) | (self.pulses > high + 0.25)
        return {
            "limit_violations": int(outside.sum()),
            "clipped_fraction": float(np.mean([t.clipped for t in self.ticks])),
            "slowed_fraction": float(np.mean([t.slowed for t in self.ticks])),
            "interlocked_ticks": sum(bool(t.locked) for t in self.ticks),
        }


def lip_gap(landmarks: Floats) -> Floats:
    """Opening between the inner lips, (..., 478, 3) mm -> (...,) mm, the middle of five pairs."""
    return np.asarray(np.median(gaps(landmarks, LIP_GAPS), axis=-1))


def opening(landmarks: Floats) -> Floats:
    """Chin (152) below the nose base (2), (..., 478, 3) mm -> (...,) mm."""
    return np.asarray(np.linalg.norm(landmarks[..., 152, :] - landmarks[..., 2, :], axis=-1))


def lag(wanted: Floats, reached: Floats, rate: float) -> tuple[float, float]:
    """Best delay of ``reached`` (T,) after ``wanted`` (T,) in s, and Pearson's r there.

    The peak of r over whole frames within ``LAG_SEARCH_S``, refined by a parabola through its
    neighbours. Constant signals have no correlation: (nan, nan).
    """
    reach = int(LAG_SEARCH_S * rate)
    shifts = np.arange(-reach, reach + 1)
    r = np.array([_pearson(*_shifted(wanted, reached, int(s))) for s in shifts])
    if not np.isfinite(r).any():
        return float("nan"), float("nan")
    best = int(np.nanargmax(r))
    offset = 0.0
    if 0 < best < len(r) - 1:
        left, mid, right = r[best - 1 : best + 2]
        bend = left - 2 * mid + right
        offset = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float((shifts[best] + offset) / rate), float(r[best])


def _shifted(a: Floats, b: Floats, shift: int) -> tuple[Floats, Floats]:
    if shift >= 0:
        return a[: len(a) - shift], b[shift:]
    return a[-shift:], b[: len(b) + shift]


def _pearson(a: Floats, b: Floats) -> float:
    if len(a) < 3 or np.std(a) < 1e-9 or np.std(b) < 1e-9:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def loudness(samples: NDArray[np.float32], rate: int, t: Floats) -> Floats:
    """RMS of the sound in 25 ms around each time ``t`` (T,), in dB re full scale."""
    half = rate // 80
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    middle = np.round(t * rate).astype(np.int64)
    low, high = (np.clip(middle + s * half, 0, len(samples)) for s in (-1, 1))
    mean = (power[high] - power[low]) / np.maximum(high - low, 1)
    return np.asarray(10 * np.log10(mean + 1e-8))
