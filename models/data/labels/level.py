"""Level-dependent rules: lips open further while the voice is louder.

Phone times alone do not determine how far a mouth opens: loudness does, too. On two tracked
speakers outside the training data, the correlation with their lips is higher when the opening also
follows the level of the band of open vowels. So the shapes of clips with rules follow phones and
level.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from mien.models.data.labels.coarticulation import DELAY_S
from mien.models.data.schema import Clip
from mien.models.face.blendshapes import FPS, INDEX, lip_opening
from mien.models.speech.features import RATE

BAND_HZ: Final = (600.0, 2500.0)
"""Hz, the first two formants of open vowels. Close vowels and the pitch are mostly below it."""
WINDOW_S: Final = 0.08
"""Averaging window, s."""
RANGE_DB: Final = 40.0
"""Range from level 1 to level 0, dB."""
LEVEL_SHARE: Final = 0.6
"""Share of the opening that follows the level. The remaining share follows the phones. The loudness
stage of the network (``mien.models.speech.loudness``) comes in addition."""
MIN_LOUDEST_DBFS: Final = -70.0
"""Lower bound of a clip's loudest speech in the band, dBFS."""
NARROW_OPENING: Final = 0.03
"""Smaller openings (p, b, m, pauses) follow the level less."""
SOFT_OPENING: Final = 0.07
"""Smallest opening at a low level, if the phone opens as far."""

_FILTER = butter(4, BAND_HZ, "bandpass", fs=RATE, output="sos")


def level(samples: NDArray[np.int16], frames: int) -> NDArray[np.float64]:
    """Level (frames,) of the band, 0 to 1.2, linear in dB, delayed by DELAY_S.

    1 is the 95th percentile of the clip.
    """
    sound = sosfiltfilt(_FILTER, samples.astype(np.float64) / 32768)
    total = np.concatenate([[0.0], np.cumsum(sound**2)])
    centre = np.arange(frames) * RATE // FPS - round(DELAY_S * RATE)
    half = round(WINDOW_S * RATE / 2)
    low, high = (np.clip(centre + d, 0, len(sound)) for d in (-half, half))
    power = (total[high] - total[low]) / np.maximum(high - low, 1)
    decibels = 10 * np.log10(power + 1e-12)
    loudest = max(float(np.percentile(decibels, 95)), MIN_LOUDEST_DBFS)
    above = decibels - loudest + RANGE_DB
    return np.asarray(np.clip(above / RANGE_DB, 0.0, 1.2), np.float64)


def with_level(clip: Clip, share: float = LEVEL_SHARE) -> Clip:
    """A clip with rules whose lip opening follows its level by ``share``. The mean is kept."""
    shapes = clip.shapes.astype(np.float32)
    opening = lip_opening(shapes)
    loud = level(clip.samples, len(shapes))
    wide = opening > NARROW_OPENING
    if not wide.any() or loud[wide].mean() < 0.05:
        return clip
    usual = opening[wide].mean() / loud[wide].mean()
    closure_factor = np.clip(opening / NARROW_OPENING, 0, 1)
    mixed = np.clip((1 - share) * opening + share * usual * loud * closure_factor, 0, 1)
    mixed = np.maximum(mixed, np.minimum(opening, SOFT_OPENING))
    jaw = np.maximum(shapes[:, INDEX["jawOpen"]] + mixed - opening, mixed)
    shapes[:, INDEX["jawOpen"]] = jaw
    shapes[:, INDEX["mouthClose"]] = jaw - mixed
    return replace(clip, shapes=shapes.astype(np.float16))
