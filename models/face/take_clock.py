"""Clock of a take: how many frames the timecode of a recording counts in a second.

The last field of ``HH:MM:SS:FF`` counts frames. The Live Link Face app counts 60 at every capture
rate; other tools count 24, 25, 30 or 120. The fields themselves tell which: where a second ends,
the field falls back by the base less one step.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

DEFAULT: Final = 60.0
"""Frames in a second of the app's own timecode."""
BASES: Final = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 72.0, 90.0, 100.0, 120.0, 240.0)
"""Bases in use. 29.97 and 59.94 frames a second are counted as 30 and 60."""
_TOLERANCE: Final = 0.1
"""Largest relative difference between a base in use and its estimate."""


def infer_base(seconds: NDArray[np.float64], fields: NDArray[np.float64]) -> float | None:
    """Frames in a second of a timecode.

    Args:
        seconds: (T,) whole seconds since midnight, over midnight counted on.
        fields: (T,) frame fields, 0 or more, with fractions.

    Returns:
        The base; None where the rows do not tell it (a take shorter than a second).
    """
    highest = float(np.floor(fields.max()))
    if np.ptp(fields) == 0.0:
        return max(DEFAULT, highest + 1)  # whole seconds only: every base gives the same times
    moved = (np.diff(seconds) != 0) | (np.diff(fields) != 0)
    kept = np.concatenate([[True], moved])
    seconds, fields = seconds[kept], fields[kept]
    step, turned = np.diff(fields), np.diff(seconds)
    within = step[(turned == 0) & (step > 0)]
    over = turned == 1
    possible = [base for base in BASES if base > highest]
    if not len(within) or not over.any():
        return possible[0] if possible and 50 <= highest < 60 else None
    estimate = float(np.median(np.median(within) - step[over]))
    near = min(possible, key=lambda base: abs(base - estimate), default=highest + 1)
    if abs(near - estimate) <= _TOLERANCE * near:
        return near
    return None


def frame_times(
    seconds: NDArray[np.float64], fields: NDArray[np.float64], base: float
) -> NDArray[np.float64]:
    """Times (T,) in s of rows; rows of one timecode are spread over its frame."""
    times = seconds + fields / base
    starts = np.flatnonzero(np.concatenate([[True], np.diff(times) != 0]))
    lengths = np.diff(np.concatenate([starts, [len(times)]]))
    within = np.arange(len(times)) - np.repeat(starts, lengths)
    return np.asarray(times + within / np.repeat(lengths, lengths) / base)
