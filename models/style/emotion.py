"""Emotion of a voice from its sound: a small perceptron over two streams, for files and streams.

    statistics (18) against those of this voice so far, and pitch spread and change as they are
    -> 16 tanh -> neutral, happiness, anger, sadness (softmax); arousal, valence (tanh)

A voice is compared with itself: mean and spread of its statistics are learned from the first second
on, beginning at those of many people. So a voice that is high or bright by nature is not aroused,
and the longer a voice is heard in changing emotions, the surer the answer. Causal; a voice that
has ended is slowly forgotten. Nothing is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from mien.models import checkpoint
from mien.models.face.blendshapes import FPS
from mien.models.style.prosody import STATISTICS, ProsodyStream
from mien.models.threads import one_thread

Floats = NDArray[np.float64]
KIND: Final = "voice_emotion"
WEIGHTS: Final = checkpoint.WEIGHTS / "voice_emotion.safetensors"
CLASSES: Final = ("neutral", "happiness", "anger", "sadness")
"""Emotions that can be told; others are nearest to one of them."""
ABSOLUTE: Final = tuple(STATISTICS.index(n) for n in ("pitch_spread", "pitch_change"))
"""Statistics that are also compared with those of all people: semitones are alike in all voices."""
INPUTS: Final = len(STATISTICS) + len(ABSOLUTE) + 1
HIDDEN: Final = 16
UNIT_S: Final = 3.0
"""Voiced time in s by which the memory of a voice is measured."""
BEFORE_MEAN, BEFORE_SPREAD = 1.0, 3.0
"""What is known of many people counts as much as so many units of this voice."""
SLOW_S: Final = 120.0
"""Time constant in s of the memory of a voice."""
LEAST_S: Final = 0.5
"""Voiced time in s from which statistics count."""
_SURE_S: Final = 1.0
_SLOW: Final = float(np.exp(-1.0 / (SLOW_S * FPS)))


@dataclass(frozen=True)
class Heard:
    """What was heard, at 60 fps.

    Attributes:
        shares: (T, 4) probability of each of ``CLASSES``.
        arousal, valence: (T,) in -1..1.
        confidence: (T,) in 0..1: how much of this voice was heard, and whether it speaks.
    """

    shares: Floats
    arousal: Floats
    valence: Floats
    confidence: Floats


@dataclass(frozen=True)
class Parameters:
    """Tensors of a weights file, see ``layout``."""

    mean: Floats
    scale: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats


def layout() -> dict[str, tuple[int, ...]]:
    """Shape of each tensor: statistics of many people, and the two layers."""
    n = len(STATISTICS)
    return {
        "mean": (n,), "scale": (n,), "first": (HIDDEN, INPUTS), "first_bias": (HIDDEN,),
        "second": (len(CLASSES) + 2, HIDDEN), "second_bias": (len(CLASSES) + 2,),
    }  # fmt: skip


@cache
def read(path: Path = WEIGHTS) -> Parameters:
    """The parameters of a weights file.

    Raises:
        ModelError: missing, or no weights of this network.
    """
    tensors, _ = checkpoint.load_shaped(path, KIND, layout())
    return Parameters(**{k: np.asarray(tensors[k], np.float64) for k in layout()})


def inputs(now: Floats, sums: Floats, squares: Floats, units: Floats) -> Floats:
    """Inputs (N, 21) of the perceptron.

    Args:
        now: (N, 18) standardised statistics.
        sums, squares: (N, 18) sums of them and of their squares over the voice so far.
        units: (N,) length of the voice so far in ``UNIT_S``.
    """
    count = units[:, None]
    mean = sums / (BEFORE_MEAN + count)
    around = np.maximum(squares - 2.0 * mean * sums + count * mean**2, 0.0)
    spread = np.sqrt((BEFORE_SPREAD + around) / (BEFORE_SPREAD + count))
    known = 0.5 * np.log1p(count)
    return np.concatenate([(now - mean) / spread, 0.5 * now[:, list(ABSOLUTE)], known], axis=1)


@one_thread
def answer(p: Parameters, x: Floats) -> tuple[Floats, Floats]:
    """Inputs (N, 21) -> probabilities (N, 4), and arousal and valence (N, 2)."""
    out = np.tanh(x @ p.first.T + p.first_bias) @ p.second.T + p.second_bias
    n = len(CLASSES)
    raised = np.exp(out[:, :n] - out[:, :n].max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True), np.tanh(out[:, n:])


class EmotionStream:
    """Samples of one voice -> its emotion. Frame k is at k / 60 s.

    Args:
        path: of the weights.

    Raises:
        ModelError: no such weights.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._parameters = read(path)
        self._prosody = ProsodyStream()
        self._memory: NDArray[Any] = np.zeros((1, 1 + 2 * len(STATISTICS)))

    def push(self, samples: NDArray[np.float32]) -> Heard:
        """Samples (n,) at 16 kHz, any n -> the frames that they complete."""
        found = self._prosody.push(samples)
        p = self._parameters
        if not len(found.seconds):
            return Heard(np.zeros((0, len(CLASSES))), *(np.zeros(0) for _ in range(3)))
        now = (found.statistics - p.mean) * p.scale
        counts = (found.voiced & (found.seconds > LEAST_S)) / (UNIT_S * FPS)
        rows = np.concatenate([np.ones((len(now), 1)), now, now**2], axis=1) * counts[:, None]
        sums, self._memory = lfilter([1.0], [1.0, -_SLOW], rows, axis=0, zi=self._memory)
        n = len(STATISTICS)
        x = inputs(now, sums[:, 1 : n + 1], sums[:, n + 1 :], sums[:, 0])
        shares, plane = answer(p, x)
        known = sums[:, 0] / (sums[:, 0] + BEFORE_MEAN)
        sure = known * np.clip(found.seconds / _SURE_S, 0.0, 1.0) * (found.seconds > LEAST_S)
        return Heard(shares, plane[:, 0], plane[:, 1], sure)


def heard(samples: NDArray[np.float32], frames: int, path: Path = WEIGHTS) -> Heard:
    """The first ``frames`` frames of a whole sound (n,) at 16 kHz, with silence after it."""
    missing = max(0, -(-frames * 16000 // FPS) + 640 - len(samples))
    out = EmotionStream(path).push(np.concatenate([samples, np.zeros(missing, np.float32)]))
    return Heard(
        out.shares[:frames], out.arousal[:frames], out.valence[:frames], out.confidence[:frames]
    )
