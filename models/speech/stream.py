"""Samples in, blendshape frames out: features, network and look-ahead as one stream."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT, FPS
from mien.models.speech.features import (
    FEATURES,
    HOPS_PER_FRAME,
    RATE,
    extract,
    samples_for,
    stack,
    start,
)


class Engine(Protocol):
    """A network with the state of one voice: torch, numpy or ONNX."""

    lookahead_frames: int

    def reset(self) -> None:
        """Return to the state before the first frame."""

    def __call__(self, x: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Frames of features (T, 2 * 66) -> shapes (T, 52)."""


def frame_count(samples: int) -> int:
    """Number of frames k with k / 60 s inside a recording of ``samples`` samples."""
    return -(-samples * FPS // RATE)


class Stream:
    """Samples of one voice -> frames. Frame k describes the time k / 60 s of the input.

    Args:
        engine: used by this stream only; it is reset at the start and by ``flush``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._delay = engine.lookahead_frames
        self._reset()

    def _reset(self) -> None:
        self._engine.reset()
        self._features = start()
        self._waiting = np.zeros((0, FEATURES), np.float32)
        self._steps = 0
        self._samples = 0

    @property
    def samples(self) -> int:
        """Number of samples pushed since the start."""
        return self._samples

    @property
    def frames(self) -> int:
        """Number of frames returned since the start."""
        return max(0, self._steps - self._delay)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (n,) at 16 kHz, any n -> the frames (m, 52) that they complete; m may be 0."""
        self._samples += len(samples)
        return self._advance(samples)

    def flush(self) -> NDArray[np.float32]:
        """The remaining frames (m, 52), with silence assumed after the end. Resets the stream."""
        total = frame_count(self._samples)
        missing = total - self.frames
        out = np.zeros((0, len(ARKIT)), np.float32)
        if missing > 0:
            rest = samples_for(total - 1 + self._delay) - self._samples
            out = self._advance(np.zeros(max(rest, 0), np.float32))[:missing]
        self._reset()
        return out

    def _advance(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        hops, self._features = extract(samples, self._features)
        hops = np.concatenate([self._waiting, hops])
        whole = len(hops) // HOPS_PER_FRAME * HOPS_PER_FRAME
        self._waiting = hops[whole:]
        if whole == 0:
            return np.zeros((0, len(ARKIT)), np.float32)
        shapes = self._engine(stack(hops[:whole]))
        # The first steps describe frames before the start of the sound.
        skip = max(0, self._delay - self._steps)
        self._steps += len(shapes)
        return shapes[skip:]


def speak(engine: Engine, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A whole recording (n,) at 16 kHz -> (T, 52), frame k at k / 60 s."""
    stream = Stream(engine)
    head = stream.push(np.asarray(samples, np.float32))
    return np.concatenate([head, stream.flush()])
