"""Tip of the tongue in speech, from the phones that the network hears.

Filmed faces teach the network nothing about the tongue: cameras do not see it. The phone head knows
which sounds are made with its tip. The tip's height is the expected one over the phones:

    tongueOut = FULL * clip(GAIN * (sum_p probability_p * HEIGHT_p - HEARD_ANYWAY), 0, 1)

A face lifts the tip for the first third of ``tongueOut`` and puts it out only beyond. FULL stays
within that third, so speech never shows the tongue outside the lips.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.speech.phones import PHONES

RAISED: Final = {
    **dict.fromkeys(("L", "N", "TH", "DH"), 1.0),  # at the upper teeth, or behind them
    **dict.fromkeys(("T", "D"), 0.8),
    **dict.fromkeys(("S", "Z", "R", "CH", "JH"), 0.4),  # near the ridge
    **dict.fromkeys(("AA", "AE", "AH", "AW", "AY"), 0.15),  # seen, since the mouth is open
}
"""Height of the tip, 0 to 1, by phone; the others leave it on the floor of the mouth."""
HEIGHT: Final = np.array([RAISED.get(p, 0.0) for p in PHONES], np.float32)
FULL: Final = 0.35
"""``tongueOut`` at which the tip is behind the upper teeth."""
GAIN: Final = 2.2
HEARD_ANYWAY: Final = 0.15
"""Height that an unsure phone head gives to every sound."""


def tip(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Phone logits (..., phones) -> ``tongueOut`` (...)."""
    share = np.exp(logits - logits.max(axis=-1, keepdims=True))
    height = share @ HEIGHT / share.sum(axis=-1)
    return np.asarray(FULL * np.clip(GAIN * (height - HEARD_ANYWAY), 0.0, 1.0), np.float32)
