"""Trace of a played clip: ticks and landmarks, and their deviation from the targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models.speech.metrics import lag_ms, pearson
from mien.robot.control.loop import RATE_HZ, Tick
from mien.robot.face.config import FaceConfig, Floats

STILL = 1e-9


@dataclass
class Trace:
    """Ticks of one clip, and the true landmarks at the end of each tick."""

    face: FaceConfig
    ticks: list[Tick] = field(default_factory=list)
    frames: list[Floats] = field(default_factory=list)

    def add(self, tick: Tick, landmarks: Floats) -> None:
        """Append a tick and the true landmarks (478, 3) mm at its end."""
        self.ticks.append(tick)
        self.frames.append(landmarks)

    @property
    def t(self) -> Floats:
        """(T,) s, time of the landmarks in the clip."""
        return np.array([tick.t for tick in self.ticks]) + 1.0 / RATE_HZ

    @property
    def landmarks(self) -> Floats:
        """(T, 478, 3) mm."""
        return np.stack(self.frames)

    @property
    def sent(self) -> Floats:
        """(T, n) commands after the limiter."""
        return np.stack([tick.sent for tick in self.ticks])

    @property
    def pulses(self) -> Floats:
        """(T, n) us as the board took them."""
        return np.stack([tick.pulses for tick in self.ticks])

    def limits(self) -> dict[str, Any]:
        """Number of pulses outside their range, and how often the limiter acted."""
        low, _, high = self.face.pulses.T
        outside = (self.pulses < low - 0.25) | (self.pulses > high + 0.25)
        return {
            "limit_violations": int(outside.sum()),
            "clipped_fraction": float(np.mean([t.clipped for t in self.ticks])),
            "slowed_fraction": float(np.mean([t.slowed for t in self.ticks])),
            "interlocked_ticks": sum(bool(t.locked) for t in self.ticks),
        }


def jaw_opening(landmarks: Floats) -> Floats:
    """Distance in mm (...,) from nose base (2) to chin (152), of landmarks (..., 478, 3) mm."""
    return np.asarray(np.linalg.norm(landmarks[..., 152, :] - landmarks[..., 2, :], axis=-1))


def lag_and_correlation(target: Floats, observed: Floats, rate: float) -> tuple[float, float]:
    """Lag in ms of ``observed`` (T,) behind ``target`` (T,), and their correlation at that lag.

    The definitions are in ``mien.models.speech.metrics``. A signal that is constant, or shorter
    than four samples, has no lag and gives (NaN, NaN).
    """
    if len(target) < 4 or np.ptp(target) < STILL or np.ptp(observed) < STILL:
        return float("nan"), float("nan")
    late = lag_ms(observed, target, rate)
    t = np.arange(len(observed)) / rate
    return late, pearson(np.interp(t + late / 1e3, t, observed), target)


def loudness(samples: NDArray[np.float32], rate: int, t: Floats) -> Floats:
    """RMS level in dB re full scale, over 25 ms around each time ``t`` (T,) s."""
    half = rate // 80
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    middle = np.round(t * rate).astype(np.int64)
    low, high = (np.clip(middle + s * half, 0, len(samples)) for s in (-1, 1))
    mean = (power[high] - power[low]) / np.maximum(high - low, 1)
    return np.asarray(10 * np.log10(mean + 1e-8))
