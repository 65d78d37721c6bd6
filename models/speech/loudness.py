"""How far lips part for a sound: as its phone asks, by the loudness of the voice, a little late.

    opening = gain ((s + ROUND)^(1 - share) - ROUND^(1 - share)) loud^share,   s = mean of the last
    two frames of what the network asks for, loud = 0..1.2, the level of the band of open vowels

A fixed last stage of the speech network. What nobody knows of a new voice is learned by no network,
and a network that is unsure of its phones shuts the lips too often: on two filmed speakers whom it
never heard this stage brings r from 0.73 to 0.75 (GRID) and from 0.81 to 0.83 (FACEGOOD). Networks
that learned rules *through* it undid it, so rules say what comes before it and faces what comes
after (models/train/speech/objective.py). Louder speech opens further: Schulman, "Articulatory
dynamics of loud and normal speech", JASA 85 (1989).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.speech.features import HOPS_PER_FRAME, mel_edges

VOWELS: Final = (600.0, 2500.0)
"""Hz: the first two formants of open vowels; close vowels and the pitch lie below most of it."""
_peaks = mel_edges()[1:-1]
BANDS: Final = np.flatnonzero((_peaks >= VOWELS[0]) & (_peaks <= VOWELS[1]))
"""Which mel bands peak there."""
SPREAD: Final = 2
"""Frames on each side over which power is averaged."""
FLOOR: Final = -50.0
"""dB below the peak follower's level at which lips no longer part."""
RANGE: Final = 40.0
"""dB above it to a loudness of 1."""
MOST: Final = 1.2
PEAK: Final = 2.0
"""Of a feature; no sound reaches it, but what is no sound must not overflow."""
STAYS: Final = (0.15, 0.6)
"""The opening that stays as it is, at this loudness."""
ROUND: Final = 0.004
"""Opening below which the stage is nearly linear, so that a closure stays one."""


def taps(lookahead_frames: int) -> NDArray[np.float32]:
    """(n,) weights of the last n steps' power, oldest first: a mean around the frame described.

    With little look-ahead the future is missing, and the latest step stands for it.
    """
    lags = np.maximum(lookahead_frames + np.arange(-SPREAD, SPREAD + 1), 0)
    out = np.zeros(lags.max() + 1, np.float32)
    np.add.at(out, lags.max() - lags, np.float32(1 / len(lags)))
    return out


def power(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features (T, 2 x 66) -> (T,) power in the band, 1 at the peak follower's level."""
    hops = np.minimum(x.reshape(len(x), HOPS_PER_FRAME, -1)[:, :, BANDS], PEAK)
    return np.asarray(np.mean(10 ** (2 * (hops - 1)), axis=(1, 2)), np.float32)


def loudness(averaged: NDArray[np.float32]) -> NDArray[np.float32]:
    """Averaged power -> 0 to ``MOST``."""
    decibels = 10 * np.log10(averaged + 1e-9)
    return np.asarray(np.clip((decibels - FLOOR) / RANGE, 0.0, MOST), np.float32)


def gain(share: float) -> float:
    """What makes ``STAYS`` stay."""
    opening, loud = STAYS
    bent = (opening + ROUND) ** (1 - share) - ROUND ** (1 - share)
    return float(opening / (bent * loud**share))


def opened(
    asked: NDArray[np.float32], loud: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """What the network asks for, averaged, and loudness, of one shape -> opening."""
    bent = (asked + ROUND) ** (1 - share) - ROUND ** (1 - share)
    return np.asarray(np.maximum(gain(share) * bent * loud**share, 0.0), np.float32)
