"""Scores of a speech network as a program: streaming, and computing time."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE
from mien.models.speech.stream import Engine, Stream, speak


def stream_vs_offline(engine: Engine, samples: NDArray[np.float32], seed: int = 0) -> float:
    """Largest difference between one push of a whole recording and pushes of random pieces."""
    rng = np.random.default_rng(seed)
    stream, parts, at = Stream(engine), [], 0
    while at < len(samples):
        size = int(rng.integers(0, 2000))
        parts.append(stream.push(samples[at : at + size]))
        at += size
    parts.append(stream.flush())
    got = np.concatenate(parts)
    return float(np.abs(got - speak(engine, samples)).max())


def frame_times(engine: Engine, samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Computing time (n,) in ms of each frame of a live stream."""
    stream = Stream(engine)
    out = []
    for k in range(len(samples) * FPS // RATE):
        piece = samples[k * RATE // FPS : (k + 1) * RATE // FPS]
        begin = time.perf_counter()
        stream.push(piece)
        out.append((time.perf_counter() - begin) * 1000)
    return np.asarray(out)
