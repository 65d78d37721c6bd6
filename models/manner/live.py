"""Live manner: brows and head of the manner network in one step a frame, without look-ahead.

    noise, smoothed over the second before and after (7 channels at 30 Hz), level and voice so far
    -> deviations from rest

The noise is ours, so its future is known, and motion may begin before its peak although no sound
is awaited. The small network learned which motion the sampler of the large one makes of the same
noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.face.blendshapes import FPS
from mien.models.manner import config

Floats = NDArray[np.float64]
KIND: Final = "manner_live"
WEIGHTS: Final = checkpoint.WEIGHTS / "manner_live.safetensors"
WINDOW: Final = 65
"""Noise of so many frames at 30 Hz around now makes a frame: the coming 32, or 64 at 60 Hz."""
CHANNELS: Final = len(config.GENERATED)
HIDDEN: Final = 96
GATES_S: Final = (0.06, 0.25, 1.0)
"""Time constants in s of the voice activity so far."""
LEVELS_S: Final = (0.06, 0.25, 1.0, 3.0)
"""Time constants in s of the level so far, re its peak."""
HEARD: Final = len(GATES_S) + len(LEVELS_S)
PEAK_S: Final = 20.0
"""Time in s in which the peak of the level falls by 30 dB."""
_RANGE_DB: Final = 30.0
_STEP: Final = FPS // config.FPS


class Hearing:
    """Level and voice activity of a stream -> what was heard so far."""

    def __init__(self) -> None:
        self._peak = -60.0
        self._values: Floats = np.zeros(HEARD)
        self._values[len(GATES_S) :] = -1.0
        self._rates = 1.0 - np.exp(-1.0 / (FPS * np.array([*GATES_S, *LEVELS_S])))

    def push(self, level_db: float, gate: float) -> Floats:
        """Level in dB and voice activity 0..1 of 1/60 s -> values (HEARD,)."""
        level = max(level_db, -90.0)
        self._peak = max(level, self._peak - _RANGE_DB / (PEAK_S * FPS), -60.0)
        loud = float(np.clip((level - self._peak) / _RANGE_DB, -1.0, 0.0))
        now = np.array([gate] * len(GATES_S) + [loud] * len(LEVELS_S))
        self._values = self._values + self._rates * (now - self._values)
        return self._values


def layout() -> dict[str, tuple[int, ...]]:
    """Shape of each tensor."""
    return {
        "noise": (HIDDEN, WINDOW * CHANNELS), "heard": (HIDDEN, HEARD), "heard_mean": (HEARD,),
        "first_bias": (HIDDEN,), "second": (HIDDEN, HIDDEN), "second_bias": (HIDDEN,),
        "third": (CHANNELS, HIDDEN), "third_bias": (CHANNELS,),
        "skip": (CHANNELS, WINDOW * CHANNELS),
        "spread": (CHANNELS,),
    }  # fmt: skip


class LiveManner:
    """Deviations of one stream.

    Args:
        path: of the weights.
        seed: of the noise; another one gives another performance.

    Raises:
        ModelError: no such weights, or of another network.
    """

    def __init__(self, path: Path = WEIGHTS, seed: int = 0) -> None:
        tensors, self.meta = checkpoint.load_shaped(path, KIND, layout())
        self._w = {k: np.asarray(v, np.float32) for k, v in tensors.items()}
        self._rng = np.random.default_rng([seed, 78])
        self._noise = self._rng.standard_normal((WINDOW, CHANNELS)).astype(np.float32)
        self._hearing = Hearing()
        self._before: Floats = np.zeros(CHANNELS)
        self._now: Floats = np.zeros(CHANNELS)
        self._k = 0

    def frame(self, level_db: float, gate: float) -> Floats:
        """Level in dB re full scale and voice activity of the next 1/60 s -> deviations (7,)."""
        heard = self._hearing.push(level_db, gate)
        first = self._k % _STEP == 0
        self._k += 1
        if first:
            self._noise[:-1] = self._noise[1:]
            self._noise[-1] = self._rng.standard_normal(CHANNELS)
            self._before, self._now = self._now, self._made(heard)
            return 0.5 * (self._before + self._now)
        return self._now

    def _made(self, heard: Floats) -> Floats:
        w, noise = self._w, self._noise.ravel()
        h = w["noise"] @ noise + w["heard"] @ (heard - w["heard_mean"]) + w["first_bias"]
        h = np.maximum(h, 0.0)
        h = np.maximum(w["second"] @ h + w["second_bias"], 0.0)
        out = w["third"] @ h + w["third_bias"] + w["skip"] @ noise
        return np.asarray(out * w["spread"], np.float64)
