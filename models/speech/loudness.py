"""Loudness stage: the lip opening from the network's requested opening and the voice's loudness.

    opening = gain ((s + ROUND)^(1 - share) - ROUND^(1 - share)) loud^share,   s = mean of the last
    two frames of the requested opening, loud = 0..1.2, the level of the band of open vowels

This is a fixed last stage of the generic head. A network that is unsure of a phone shuts the lips
too often. On two filmed speakers outside the training data, this stage raises r from 0.73 to 0.75
(GRID) and from 0.81 to 0.83 (FACEGOOD). Networks that were trained on rules *through* this stage
learned to cancel it. So the rules supervise its input, and filmed faces supervise the final output
(``mien.models.train.speech.training_objective``). Louder speech opens the mouth further: Schulman,
"Articulatory dynamics of loud and normal speech", JASA 85 (1989).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.speech.features import HOPS_PER_FRAME, mel_edges

VOWEL_BAND_HZ: Final = (600.0, 2500.0)
"""Hz, the first two formants of open vowels. Close vowels and the pitch are mostly below it."""
_peaks = mel_edges()[1:-1]
BANDS: Final = np.flatnonzero((_peaks >= VOWEL_BAND_HZ[0]) & (_peaks <= VOWEL_BAND_HZ[1]))
"""Indices of the mel bands with their peak in that range."""
HALF_WINDOW_FRAMES: Final = 2
"""Frames on each side of a frame over which the power is averaged."""
FLOOR_DB: Final = -50.0
"""Level of loudness 0, dB relative to the peak follower."""
RANGE_DB: Final = 40.0
"""Distance from loudness 0 to loudness 1, dB."""
MAX_LOUDNESS: Final = 1.2
"""Upper bound of the loudness."""
MAX_FEATURE: Final = 2.0
"""Upper bound of a feature. No sound reaches it; it prevents an overflow for other input."""
FIXED_POINT: Final = (0.15, 0.6)
"""(opening, loudness) at which the stage does not change the opening."""
LINEAR_OPENING: Final = 0.004
"""Opening below which the stage is nearly linear, so that a closure stays a closure."""


def taps(lookahead_frames: int) -> NDArray[np.float32]:
    """(n,) weights of the power of the last n steps, oldest first: a mean around the output frame.

    With a short look-ahead the latest step replaces the missing future steps.
    """
    lags = np.maximum(lookahead_frames + np.arange(-HALF_WINDOW_FRAMES, HALF_WINDOW_FRAMES + 1), 0)
    out = np.zeros(lags.max() + 1, np.float32)
    np.add.at(out, lags.max() - lags, np.float32(1 / len(lags)))
    return out


def power(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features (T, 2 x 66) -> (T,) power in the band, 1 at the peak follower's level."""
    hops = np.minimum(x.reshape(len(x), HOPS_PER_FRAME, -1)[:, :, BANDS], MAX_FEATURE)
    return np.asarray(np.mean(10 ** (2 * (hops - 1)), axis=(1, 2)), np.float32)


def loudness(averaged: NDArray[np.float32]) -> NDArray[np.float32]:
    """Averaged power -> loudness, 0 to ``MAX_LOUDNESS``."""
    decibels = 10 * np.log10(averaged + 1e-9)
    return np.asarray(np.clip((decibels - FLOOR_DB) / RANGE_DB, 0.0, MAX_LOUDNESS), np.float32)


def gain(share: float) -> float:
    """Gain with which ``FIXED_POINT`` is a fixed point of the stage."""
    opening, loud = FIXED_POINT
    bent = (opening + LINEAR_OPENING) ** (1 - share) - LINEAR_OPENING ** (1 - share)
    return float(opening / (bent * loud**share))


def opened(
    requested: NDArray[np.float32], loud: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """Averaged requested opening and loudness, of one shape -> opening."""
    bent = (requested + LINEAR_OPENING) ** (1 - share) - LINEAR_OPENING ** (1 - share)
    return np.asarray(np.maximum(gain(share) * bent * loud**share, 0.0), np.float32)
