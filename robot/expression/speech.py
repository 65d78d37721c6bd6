"""Sound to speech blendshapes, for whole recordings and for streams."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.speech import stream as speech_stream
from mien.models.speech import weights
from mien.models.speech.config import Config
from mien.models.speech.features import RATE, samples_for
from mien.models.speech.runtime_numpy import WEIGHTS, LightSpeech
from mien.robot.errors import ConfigError


@cache
def _weights(path: Path) -> tuple[dict[str, NDArray[Any]], checkpoint.Meta, Config]:
    return weights.read(path)


def description(path: Path = WEIGHTS) -> checkpoint.Meta:
    """Metadata of the weights: look-ahead, corpora, seed, metrics.

    Raises:
        ConfigError: the weights are missing or not those of a speech network.
    """
    try:
        return _weights(path)[1]
    except ModelError as e:
        raise ConfigError(e.message, e.hint or "mien doctor") from e


def engine(path: Path = WEIGHTS) -> LightSpeech:
    """The speech network for one voice, in numpy. It does not load torch.

    Raises:
        ConfigError: the weights are missing or not those of a speech network.
    """
    try:
        tensors, _, config = _weights(path)
        return LightSpeech(tensors, asdict(config))
    except ModelError as e:
        raise ConfigError(e.message, e.hint or "mien doctor") from e


def lookahead_s(path: Path = WEIGHTS) -> float:
    """Look-ahead of the network in s. Played sound must be delayed by it."""
    return float(description(path)["lookahead_ms"]) / 1000


def speak(samples: NDArray[np.float32], path: Path = WEIGHTS) -> NDArray[np.float32]:
    """A whole recording (n,) at 16 kHz -> weights (T, 52). Frame k belongs to k / 60 s.

    The look-ahead is compensated, and T = ceil(n * 60 / 16000).
    """
    return speech_stream.speak(engine(path), samples)


class SpeechStream:
    """Speech blendshapes of a stream of sound.

        stream = SpeechStream()
        for block in microphone:
            for weights in stream.push(block):
                ...                        # frame stream.frames - 1 at (that) / 60 s of the sound

    Frame k belongs to k / 60 s of the pushed sound and equals that of :func:`speak`. It is returned
    when
    ``ready_at(k)`` samples were pushed, ``lookahead_s`` after its time.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._engine = engine(path)
        self._stream = speech_stream.Stream(self._engine)
        self._lookahead_s = lookahead_s(path)

    @property
    def lookahead_s(self) -> float:
        """Look-ahead of the network in s."""
        return self._lookahead_s

    @property
    def frames(self) -> int:
        """Frames returned so far. The next one belongs to ``frames / 60`` s."""
        return self._stream.frames

    @property
    def samples(self) -> int:
        """Samples pushed so far."""
        return self._stream.samples

    def ready_at(self, frame: int) -> int:
        """Number of pushed samples that completes this frame."""
        return samples_for(frame + self._engine.lookahead_frames)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (n,) at 16 kHz, any n (0 too) -> the frames (m, 52) that they complete.

        Samples that are not finite count as silence, so that a broken driver does not stop a face.
        """
        samples = np.asarray(samples, np.float32)
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        return self._stream.push(samples)

    def flush(self) -> NDArray[np.float32]:
        """The remaining frames, as if silence followed. The stream then starts again."""
        return self._stream.flush()


__all__ = [
    "RATE",
    "WEIGHTS",
    "SpeechStream",
    "description",
    "engine",
    "lookahead_s",
    "speak",
]
