"""Evaluation of the speech network on held-out recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.models.data import lip_metrics
from mien.models.data.corpora import facegood, grid
from mien.models.data.labels.lips import gap_of, width_of
from mien.models.data.schema import read_audio
from mien.models.face.blendshapes import FPS, lip_opening
from mien.models.speech import metrics
from mien.models.speech.features import RATE
from mien.models.speech.network import SpeechNet
from mien.models.speech.stream import speak
from mien.models.train.speech.torch_engine import TorchEngine

Speak = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A system under test: samples (n,) at 16 kHz -> shapes (T, 52) at 60 Hz."""


def listener(net: SpeechNet) -> Speak:
    """Wrap a network as a system under test."""
    return lambda samples: speak(TorchEngine(net), samples)


def audio(path: Path) -> NDArray[np.float32]:
    """Read a sound file as samples (n,) at 16 kHz in -1..1."""
    return read_audio(path).astype(np.float32) / np.float32(32768)


def sample(values: NDArray[np.floating], times: NDArray[np.floating]) -> NDArray[np.float64]:
    """Interpolate values (T,) at 60 Hz at ``times`` in seconds."""
    return np.asarray(np.interp(times, np.arange(len(values)) / FPS, values), np.float64)


def on_grid(system: Speak, takes: Sequence[grid.Take]) -> dict[str, float]:
    """Medians of the metrics over clips of one tracked speaker."""
    rows: dict[str, list[float]] = {}
    for take in takes:
        samples = audio(take.audio)
        times = np.arange(len(take.gap)) / take.fps
        shapes = system(samples)
        gap, width = sample(gap_of(shapes), times), sample(width_of(shapes), times)
        rms = lip_metrics.envelope(samples, RATE, times)
        row = {
            "r_lip_gap": metrics.pearson(gap, take.gap),
            "r_mouth_width": metrics.pearson(width, take.width),
            "lag_ms": metrics.lag_ms(gap, take.gap, take.fps),
            "amplitude_ratio": lip_metrics.amplitude_ratio(gap, take.gap),
            "r_rms": metrics.pearson(rms, take.gap),
            "r_log_rms": metrics.pearson(lip_metrics.log_envelope(rms), take.gap),
        }
        for key, value in row.items():
            rows.setdefault(key, []).append(value)
    return {k: float(np.median(v)) for k, v in rows.items()}


def on_facegood(system: Speak, folder: Path) -> dict[str, float]:
    """Median r of the lip opening, RMS and log-RMS over windows of 3 s of every take."""
    names, start, fps, shape_names, values = facegood.read(folder)
    r: dict[str, list[float]] = {"r_opening": [], "r_rms": [], "r_log_rms": []}
    size = round(3 * fps)
    for i, name in enumerate(names):
        samples = audio(folder / "audio" / f"{name}.flac")
        truth = facegood.opening(shape_names, values[start[i] : start[i + 1]])
        times = np.arange(len(truth)) / fps
        rms = lip_metrics.envelope(samples, RATE, times)
        signals = {
            "r_opening": sample(lip_opening(system(samples)), times),
            "r_rms": rms,
            "r_log_rms": lip_metrics.log_envelope(rms),
        }
        for at in range(0, len(truth) - size + 1, size):
            part = slice(at, at + size)
            if np.std(truth[part]) > 1e-3:
                for key, values_ in signals.items():
                    r[key].append(metrics.pearson(values_[part], truth[part]))
    return {k: float(np.median(v)) for k, v in r.items()}
