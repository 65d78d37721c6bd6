"""Is a voice in the sound? A small recurrent network, for files and streams alike.

It tells a voice that sings or speaks from instruments, alone or over a band, by spectra that change
as only a vocal tract changes them. One step per frame of 1/60 s. Its answer describes the frame
``DELAY_FRAMES`` before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.speech.features import FEATURES, FeatureState, extract, stack, start

WEIGHTS: Final = checkpoint.WEIGHTS / "song_voice.safetensors"
DELAY_FRAMES: Final = 4
"""Frames by which the answer is behind the sound (67 ms)."""
KIND: Final = "song_voice"


def inputs(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames of features (T, 2 x 66) -> inputs (T, 65): the mean of both hops without the level."""
    return np.asarray(frames.reshape(len(frames), 2, FEATURES)[:, :, :-1].mean(axis=1), np.float32)


class VoiceNet:
    """The network with the state of one sound.

    Args:
        tensors: of its weights file.

    Raises:
        ModelError: a tensor is missing.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        try:
            self._mean, self._scale = tensors["mean"], tensors["scale"]
            self._input, self._recurrent = tensors["input"], tensors["recurrent"]
            self._biases = tensors["input_bias"], tensors["recurrent_bias"]
            self._head = tensors["head"], float(tensors["head_bias"][0])
        except KeyError as e:
            raise ModelError(f"the weights lack {e}") from e
        self.reset()

    def reset(self) -> None:
        """Return to the state before the first frame."""
        self._h = np.zeros(len(self._head[0]), np.float32)

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Inputs (T, 65) -> probability (T,) of a voice. Step i describes frame i - DELAY_FRAMES.

        Gates as in torch.nn.GRU.
        """
        given = ((x - self._mean) * self._scale) @ self._input + self._biases[0]
        width, out = len(self._h), np.zeros(len(x), np.float32)
        h = self._h
        for k, row in enumerate(given):
            past = h @ self._recurrent + self._biases[1]
            gates = 1.0 / (1.0 + np.exp(-np.clip(row[: 2 * width] + past[: 2 * width], -40, 40)))
            new = np.tanh(row[2 * width :] + gates[:width] * past[2 * width :])
            h = new + gates[width:] * (h - new)
            out[k] = h @ self._head[0] + self._head[1]
        self._h = h
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(out, -40, 40))), np.float32)


class VoiceStream:
    """Samples of one sound -> probability of a voice in each frame.

    Frame k belongs to k / 60 s of the sound, and is returned ``DELAY_FRAMES`` later.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._net = VoiceNet(_read(path))
        self._features: FeatureState = start()
        self._waiting = np.zeros((0, FEATURES), np.float32)
        self._skip = DELAY_FRAMES

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (n,) at 16 kHz, any n -> probabilities (m,) of the frames that they complete."""
        hops, self._features = extract(samples, self._features)
        hops = np.concatenate([self._waiting, hops])
        whole = len(hops) // 2 * 2
        self._waiting = hops[whole:]
        out = self._net(inputs(stack(hops[:whole])))
        skipped = min(self._skip, len(out))
        self._skip -= skipped
        return out[skipped:]


def voice_of(
    samples: NDArray[np.float32], frames: int, path: Path = WEIGHTS
) -> NDArray[np.float32]:
    """Probability of a voice (frames,) at 60 fps in a whole sound (n,) at 16 kHz."""
    stream = VoiceStream(path)
    found = [stream.push(samples), stream.push(np.zeros(16000, np.float32))]
    return np.asarray(np.concatenate(found)[:frames], np.float32)


@cache
def _read(path: Path) -> dict[str, NDArray[Any]]:
    return checkpoint.load(path, KIND)[0]
