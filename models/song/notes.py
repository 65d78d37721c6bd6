"""Notes, phrases and shut lips of a song, from its measured frames.

A note is a held vowel: it begins behind the consonant before it and ends where the voice falls, a
consonant comes, or the pitch steps. A phrase is a row of notes between two pauses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_dilation,
    gaussian_filter1d,
    maximum_filter1d,
    median_filter,
    minimum_filter1d,
)
from scipy.signal import find_peaks

from mien.models.face.blendshapes import FPS
from mien.models.song.sound import SoundFrames
from mien.models.song.vibrato import vibrato

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
SHORTEST_S: Final = 0.06
"""Shortest note in s; a shorter stretch belongs to a consonant."""
PHRASE_GAP_S: Final = 0.3
"""A pause of this length in s ends a phrase."""
FALLEN_DB: Final = 16.0
"""A note has ended where its voice has fallen so far below its own level."""
DIP_DB: Final = 4.0
"""Depth of a dip of the vowel's band that is a consonant."""
DEEP_DB: Final = 8.0
"""Depth of a dip that is a consonant even where the network sees the mouth no narrower."""
NARROW_SHARE: Final = 0.6
"""Share of the opening nearby below which a mouth has narrowed."""
STEP_SEMITONES: Final = 0.8
"""A pitch that moves so far and stays is another note."""
STEADY_S: Final = 0.08
SHUT_SHARE, NEARLY_SHARE = 0.15, 0.33
"""Lips are shut where the network's opening falls below this share of its 95th percentile; nearly
shut ones count where it is sure of a p, b or m."""
SHUT_DIP_DB, SILENT_DIP_DB = 3.0, 32.0
"""Least dip of the vowel's band in which shut lips are believed; and where no p, b or m is likely.
"""
LABIAL, LABIAL_SURE = 0.15, 0.4
"""Least probability of a p, b or m in which shut lips are believed, and nearly shut ones."""
REACH: Final = 8
"""Frames on both sides of shut lips in which that dip is looked for."""


@dataclass(frozen=True)
class Note:
    """One held vowel.

    Attributes:
        start, end: time in s.
        hertz: pitch in Hz; 0 where none was found.
        level_db: level in dB re full scale.
        vibrato_hz, vibrato_cents: rate and depth (standard deviation) of its vibrato; 0 without.
        opening: lip opening of the speech network while it lasts, jawOpen - mouthClose.
        vowel: index of the phone that the speech network hears, or -1.
    """

    start: float
    end: float
    hertz: float
    level_db: float
    vibrato_hz: float = 0.0
    vibrato_cents: float = 0.0
    opening: float = 0.0
    vowel: int = -1

    @property
    def seconds(self) -> float:
        """Length in s."""
        return self.end - self.start


@dataclass(frozen=True)
class Phrase:
    """Notes between two pauses.

    Attributes:
        start, end: time in s.
        notes: first and last + 1 of its notes.
    """

    start: float
    end: float
    notes: tuple[int, int]


@dataclass(frozen=True)
class Segments:
    """Notes, and the shut lips between them.

    Attributes:
        notes: in order of time.
        closures: (start, end) in s of every p, b or m that was heard.
    """

    notes: tuple[Note, ...] = ()
    closures: tuple[tuple[float, float], ...] = field(default=())


def segmented(
    frames: SoundFrames,
    sings: Mask,
    opening: Floats,
    vowels: NDArray[np.intp],
    labial: Floats,
) -> Segments:
    """Notes and closures of a song.

    Args:
        frames: measured frames (T).
        sings: (T,) whether somebody sings.
        opening: (T,) lip opening of the speech network.
        vowels: (T,) most likely vowel of each frame, as an index.
        labial: (T,) probability of a p, b or m.
    """
    band = gaussian_filter1d(frames.vowel_db, 0.016 * FPS, mode="nearest")
    cuts, closed = _consonants(band, sings, opening, labial)
    notes: list[Note] = []
    for first, last in _runs(sings):
        inner = [c for c in cuts if first < c[0] and c[1] < last]
        edges = [first, *(x for c in inner for x in c), last]
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            begin, end = _trimmed(frames.level_db, band, a, b)
            for p, q in _steps(frames, begin, end):
                if q - p >= SHORTEST_S * FPS:
                    notes.append(_note(frames, opening, vowels, p, q))
    return Segments(tuple(notes), tuple((a / FPS, b / FPS) for a, b in closed))


def _consonants(
    band: Floats, sings: Mask, opening: Floats, labial: Floats
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(first, last) frames of every consonant between vowels, and of those with shut lips.

    The network says where lips are shut. It is believed where the band of open mouths dips as well:
    a mouth that holds a vowel does not shut.
    """
    dips, found = find_peaks(-band, prominence=DIP_DB)
    wide = maximum_filter1d(opening, int(0.5 * FPS) | 1)
    narrow = minimum_filter1d(opening, 7) < NARROW_SHARE * wide
    dips = dips[(found["prominences"] >= DEEP_DB) | narrow[dips]]
    near = binary_dilation(sings, iterations=3)
    cuts = [
        (_flank(band, at, -1), _flank(band, at, 1))
        for at in dips.tolist()
        if sings[max(0, at - 2) : at + 3].any()
    ]
    cuts = [(a, b) for a, b in cuts if b - a <= 0.3 * FPS]
    closed = []
    if near.any():
        share = opening / max(float(np.percentile(opening[near], 95)), 1e-3)
        sure = maximum_filter1d(labial, 7) >= LABIAL_SURE
        shut = (share < SHUT_SHARE) | ((share < NEARLY_SHARE) & sure)
        for a, b in _runs(near & shut):
            at = a + int(band[a:b].argmin())
            reach = slice(max(0, a - REACH), b + REACH)
            left, right = band[reach.start : at + 1].max(), band[at : reach.stop].max()
            depth = min(left, right) - band[at]
            likely = labial[max(0, a - 3) : b + 4].max() >= LABIAL
            if depth >= (SHUT_DIP_DB if likely else SILENT_DIP_DB):
                closed.append((a, b))
                if b - a <= 0.3 * FPS:
                    cuts.append((min(a, _flank(band, at, -1)), max(b, _flank(band, at, 1))))
    merged: list[tuple[int, int]] = []
    for a, b in sorted(cuts):
        if merged and a <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    return merged, closed


def _flank(band: Floats, at: int, way: int) -> int:
    """Where a dip has risen by 3/4 toward its neighbour on one side, at most 0.2 s away."""
    reach = int(0.2 * FPS)
    side = band[at : at + reach + 1] if way > 0 else band[max(0, at - reach) : at + 1][::-1]
    top = float(side[: 1 + int(0.12 * FPS)].max())
    risen = np.flatnonzero(side >= band[at] + 0.75 * (top - band[at]))
    return at + way * (int(risen[0]) if len(risen) else len(side) - 1)


def _trimmed(level: Floats, band: Floats, a: int, b: int) -> tuple[int, int]:
    """A stretch of voice without the faint sound at both of its ends."""
    if b - a < 3:
        return a, b
    least = float(np.percentile(level[a:b], 75)) - FALLEN_DB
    low = float(np.percentile(band[a:b], 75)) - FALLEN_DB - 4.0
    inside = np.flatnonzero((level[a:b] > least) & (band[a:b] > low))
    return (a + int(inside[0]), a + int(inside[-1]) + 1) if len(inside) else (a, a)


def _steps(frames: SoundFrames, a: int, b: int) -> list[tuple[int, int]]:
    """Parts of a stretch of voice at one pitch each."""
    hertz = frames.hertz[a:b]
    steady = int(STEADY_S * FPS)
    if b - a < 4 * steady or (hertz > 0).mean() < 0.6:
        return [(a, b)]
    at = np.flatnonzero(hertz > 0)
    tone = 12 * np.log2(np.interp(np.arange(b - a), at, hertz[at]) / 440.0)
    tone = median_filter(tone, 2 * int(0.1 * FPS) + 1, mode="nearest")
    tone = gaussian_filter1d(tone, 0.04 * FPS, mode="nearest")
    out, begin = [], 0
    mean = tone[0]
    away = 0
    for k in range(b - a):
        if abs(tone[k] - mean) > STEP_SEMITONES:
            away += 1
            if away >= steady and k - away - begin >= steady:
                out.append((a + begin, a + k - away))
                begin, mean, away = k - away, tone[k], 0
            elif away >= steady:
                mean, away = tone[k], 0
        else:
            away = 0
            mean += (tone[k] - mean) / min(k - begin + 1, 30)
    return [*out, (a + begin, b)]


def _note(frames: SoundFrames, opening: Floats, vowels: NDArray[np.intp], a: int, b: int) -> Note:
    inside = slice(a, b)
    hertz = frames.hertz[inside]
    voiced = hertz[hertz > 0]
    pitch = float(np.median(voiced)) if len(voiced) else 0.0
    rate, cents = vibrato(hertz)
    middle = slice(a + (b - a) // 4, max(b - (b - a) // 8, a + (b - a) // 4 + 1))
    counts = np.bincount(vowels[middle][vowels[middle] >= 0], minlength=1)
    return Note(
        a / FPS,
        b / FPS,
        pitch,
        float(np.percentile(frames.level_db[inside], 75)),
        rate,
        cents,
        float(np.percentile(opening[middle], 65)),
        int(counts.argmax()) if counts.any() else -1,
    )


def phrases(notes: tuple[Note, ...]) -> tuple[Phrase, ...]:
    """Phrases of notes in order of time."""
    if not notes:
        return ()
    cuts = [k + 1 for k, (a, b) in enumerate(pairwise(notes)) if b.start - a.end >= PHRASE_GAP_S]
    edges = [0, *cuts, len(notes)]
    return tuple(Phrase(notes[a].start, notes[b - 1].end, (a, b)) for a, b in pairwise(edges))


def _runs(mask: Mask) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
