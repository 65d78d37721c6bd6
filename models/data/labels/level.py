"""Rules that listen: lips open further while the voice is louder, whatever the phone.

Phone times say which face a sound needs; how far a mouth opens follows its loudness besides. On two
speakers whose faces were tracked, a network that never heard them correlates better with their lips
once its output is mixed with the level of the band of the open vowels. So rules, which stand for
all the voices that nobody filmed, say both.
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
"""Hz: the first two formants of open vowels; close vowels and the pitch lie below most of it."""
WINDOW_S: Final = 0.08
"""Seconds."""
RANGE_DB: Final = 40.0
"""dB from the loudest speech to nothing."""
LEVEL_SHARE: Final = 0.6
"""Of the opening that follows the level; the rest follows the phones. The network's last stage
(models/speech/loudness.py) follows it again."""
MIN_LOUDEST_DBFS: Final = -70.0
"""dBFS in the band that nobody's loudest speech lies below."""
NARROW_OPENING: Final = 0.03
"""Openings below it are the phone's own (p, b, m, pauses) and follow the level less."""
SOFT_OPENING: Final = 0.06
"""Opening that the softest sound of the tongue leaves the lips, if its phone opens as far."""

_FILTER = butter(4, BAND_HZ, "bandpass", fs=RATE, output="sos")


def level(samples: NDArray[np.int16], frames: int) -> NDArray[np.float64]:
    """(frames,) 0 to about 1: level of the band LATE, in dB, 1 at the clip's 95th percentile."""
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
    """A clip of rules whose lip opening follows its level by ``share``; the mean of it stays."""
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
