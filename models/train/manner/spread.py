"""Spread of samples beside that of the clips that were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.models.data.manner import MannerClip
from mien.models.face.curves import CURVES
from mien.models.manner.config import COLUMNS, GENERATED, LIPS
from mien.models.manner.runtime_numpy import MAX_SPREAD, Manner

CLIPS: Final = 80


def measured(engine: Manner, clips: Sequence[MannerClip]) -> dict[str, float]:
    """Factor by curve: standard deviation over time within clips, filmed over sampled.

    Args:
        engine: the network.
        clips: of the training; those with filmed curves are used, at most ``CLIPS``.
    """
    filmed = [c for c in clips if c.given[list(COLUMNS)].all()]
    at = np.linspace(0, len(filmed) - 1, min(CLIPS, len(filmed)))
    chosen = [filmed[int(k)] for k in at]
    real, made = np.zeros(len(COLUMNS)), np.zeros(len(COLUMNS))
    for k, clip in enumerate(chosen):
        known = np.full((len(clip.curves), len(CURVES)), np.nan, np.float32)
        known[:, LIPS] = clip.curves[:, LIPS]
        real += clip.curves[:, COLUMNS].var(axis=0)
        made += engine.sample(clip.sound, known, k)[:, COLUMNS].var(axis=0)
    factors = np.clip(np.sqrt(real / np.maximum(made, 1e-12)), 1.0 / MAX_SPREAD, MAX_SPREAD)
    return {name: round(float(f), 4) for name, f in zip(GENERATED, factors, strict=True)}
