"""The beat of a song, from where its notes begin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.models.song.notes import Note


@dataclass(frozen=True)
class Beat:
    """The pulse of a song.

    Attributes:
        period_s: time between two beats; 0 if none was found.
        first_s: time of the first beat.
        clarity: 0 to 1, how regular the onsets are.
    """

    period_s: float = 0.0
    first_s: float = 0.0
    clarity: float = 0.0


def beat(notes: tuple[Note, ...], slowest: float = 1.2, fastest: float = 0.33) -> Beat:
    """The pulse on which most notes begin, found by the comb that fits their onsets best.

    Args:
        notes: in order of time.
        slowest, fastest: period in s.
    """
    onsets = np.array([n.start for n in notes])
    if len(onsets) < 4:
        return Beat()
    weights = np.array([min(n.seconds, 1.0) for n in notes])
    best = Beat()
    score_best = -1.0
    for period in np.exp(np.arange(np.log(fastest), np.log(slowest), 0.01)):
        turns = np.exp(2j * np.pi * onsets / period)
        mean = np.sum(weights * turns) / weights.sum()
        # A pulse near 0.6 s is the one that people walk and nod to (Fraisse 1982).
        score = abs(mean) * np.exp(-0.5 * (np.log(period / 0.6) / 0.6) ** 2)
        if score > score_best:
            phase = float(np.angle(mean)) / (2 * np.pi) * period
            score_best = float(score)
            best = Beat(float(period), phase % float(period), float(abs(mean)))
    return best
