"""Vibrato of a note: how fast and how far its pitch swings."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mien.models.face.blendshapes import FPS
from mien.models.song.sound import Floats

VIBRATO_HZ: Final = (3.5, 8.5)
"""Rates in Hz that are a vibrato."""


def vibrato(hertz: Floats) -> tuple[float, float]:
    """Rate in Hz and depth in cents (standard deviation) of the vibrato of a note; 0, 0 without.

    Args:
        hertz: (T,) pitch at 60 fps, 0 without one.
    """
    at = np.flatnonzero(hertz > 0)
    if len(at) < 0.35 * FPS or len(at) < 0.7 * len(hertz):
        return 0.0, 0.0
    tone = 1200 * np.log2(np.interp(np.arange(len(hertz)), at, hertz[at]))
    tone = tone - gaussian_filter1d(tone, 0.12 * FPS, mode="nearest")
    inner = tone[5:-5]
    size = 512
    power = np.abs(np.fft.rfft(inner * np.hanning(len(inner)), size)) ** 2
    hz = np.fft.rfftfreq(size, 1 / FPS)
    inside = (hz >= VIBRATO_HZ[0]) & (hz <= VIBRATO_HZ[1])
    share = power[inside].sum() / (power[hz > 1.5].sum() + 1e-9)
    depth = float(np.std(inner))
    if share < 0.6 or not 8.0 < depth < 200.0:
        return 0.0, 0.0
    return float(hz[inside][power[inside].argmax()]), depth
