"""Metrics of the speech model beside correlation and lag: amplitude, closures, baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.models.speech.metrics import Signal
from mien.models.speech.phones import BILABIAL, SILENCE, VOWELS, Phone


def amplitude_ratio(predicted: Signal, measured: Signal) -> float:
    """Standard deviation of the prediction over that of the measurement. Below 1 it moves too
    little."""
    return float(np.std(predicted) / max(float(np.std(measured)), 1e-9))


def envelope(
    samples: NDArray[np.float32], rate: int, times: Signal, window: float = 0.05
) -> Signal:
    """RMS of the sound in ``window`` seconds around each time, (n,): a baseline."""
    half = round(window * rate / 2)
    power = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    centre = np.rint(np.asarray(times) * rate).astype(int)
    low, high = np.clip(centre - half, 0, len(samples)), np.clip(centre + half, 0, len(samples))
    return np.asarray(np.sqrt((power[high] - power[low]) / np.maximum(high - low, 1)), np.float64)


def log_envelope(rms: Signal, floor_db: float = -60.0) -> Signal:
    """RMS (n,) -> dB relative to the loudest value, at least ``floor_db``."""
    top = max(float(np.max(rms)), 1e-9)
    return np.asarray(np.maximum(20 * np.log10(np.maximum(rms, 1e-9) / top), floor_db), np.float64)


CLOSED = 0.15
"""A lip gap below this share of the clip's 95th percentile is a closure."""
REACH = 0.05
"""Tolerance in seconds on both sides of a p, b or m for its closure."""


@dataclass(frozen=True)
class Contact:
    """Counts of lip closures in one clip, or summed over several."""

    bilabials: int = 0
    """Number of p, b and m."""
    closed_bilabials: int = 0
    """Number of p, b and m with a closure within REACH."""
    frames: int = 0
    """Frames of speech outside all p, b and m (REACH included) and outside silence."""
    false: int = 0
    """Frames of ``frames`` with closed lips."""
    vowels: int = 0
    """Frames in the middle 60 % of a vowel."""
    vowels_closed: int = 0
    silent: int = 0
    """Frames of silence, SILENCE_MARGIN away from speech."""
    silent_open: int = 0
    """Frames of ``silent`` with open lips."""

    def __add__(self, other: Contact) -> Contact:
        names = self.__dataclass_fields__
        return Contact(**{n: getattr(self, n) + getattr(other, n) for n in names})

    @property
    def closure_recall(self) -> float:
        """Share of p, b and m with closed lips."""
        return self.closed_bilabials / max(self.bilabials, 1)

    @property
    def closure_false(self) -> float:
        """Share of the frames of other speech in which the lips were closed."""
        return self.false / max(self.frames, 1)

    @property
    def vowel_closed(self) -> float:
        """Share of the frames inside vowels in which the lips were closed."""
        return self.vowels_closed / max(self.vowels, 1)

    @property
    def silence_open(self) -> float:
        """Share of the frames of silence in which the lips were open."""
        return self.silent_open / max(self.silent, 1)


SILENCE_MARGIN = 0.1
"""Seconds next to speech that count neither as silence nor as speech, since lips move then."""


def contact(gap: Signal, phones: Sequence[Phone], fps: float) -> Contact:
    """Closures of a lip gap (T,) at ``fps`` against phone times. Unlabelled frames do not count."""
    gap = np.asarray(gap, np.float64)
    times = np.arange(len(gap)) / fps
    closed = gap < CLOSED * np.percentile(gap, 95)
    near = np.zeros(len(gap), np.bool_)
    silent, inner, vowel, labelled = near.copy(), near.copy(), near.copy(), near.copy()
    bilabials = closed_bilabials = 0
    for phone in phones:
        inside = (times >= phone.start) & (times < phone.end)
        labelled |= inside
        if phone.name == SILENCE:
            silent |= inside
            margin = SILENCE_MARGIN
            inner |= (times >= phone.start + margin) & (times < phone.end - margin)
        elif phone.name in BILABIAL:
            around = (times >= phone.start - REACH) & (times <= phone.end + REACH)
            near |= around
            if around.any():
                bilabials += 1
                closed_bilabials += bool(closed[around].any())
        elif phone.name in VOWELS:
            edge = 0.2 * (phone.end - phone.start)
            vowel |= (times >= phone.start + edge) & (times < phone.end - edge)
    other = labelled & ~near & ~silent
    return Contact(
        *(bilabials, closed_bilabials, int(other.sum()), int((other & closed).sum())),
        *(int(vowel.sum()), int((vowel & closed).sum())),
        *(int(inner.sum()), int((inner & ~closed).sum())),
    )
