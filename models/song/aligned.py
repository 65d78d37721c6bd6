"""Puts the words of a song on its notes: by the times of a score, or by the notes that were heard.

Syllables are laid on the heard notes in order, so that vowels, touching lips and pauses agree best;
a score adds its melody, in any key, and its rhythm, at any tempo; an .lrc limits each line to its
time. The result says how well it agrees. Below ``LEAST`` the words are wrong, and the sound alone
is the better guide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mien.models.song.hearing import Heard
from mien.models.song.lyrics import Line, Syllable, syllables
from mien.models.song.score import ScoreNote
from mien.models.speech.phones import VOWELS

LEAST, LEAST_SCORE = 0.67, 0.42
"""Least agreement (0 to 1) of words, and of a score, with the sound. By chance, words of another
song reach 0.66 and its score 0.32."""
_SEMITONES: Final = 3.0
"""A pitch that is so far off is as wrong as any."""
_LATE_S: Final = 0.8
"""The same in s."""
EARLY_S: Final = 0.4
"""Time by which the words of a line may be sung before its stamp, s."""
MELISMA, SHARED = 0.35, 0.8
"""Costs of a note that goes on with the syllable before it, and of a syllable without a note."""
SHUT_WRONG, VOWEL_WRONG, PITCH_WRONG, TIME_WRONG = 0.6, 0.3, 0.4, 0.6
"""Costs of lips that touch in the words or in the sound alone, of another vowel, pitch, time."""


@dataclass(frozen=True)
class Target:
    """One syllable to be placed.

    Attributes:
        syllable: its phones.
        midi: its pitch, or NaN.
        start: about when it begins in the sound, s, or NaN.
    """

    syllable: Syllable
    midi: float = np.nan
    start: float = np.nan


@dataclass(frozen=True)
class Placed:
    """One syllable on the time of the song.

    Attributes:
        start, end: time of its vowel in s.
        syllable: its phones.
        note: index of the heard note.
        word: number of the syllable.
    """

    start: float
    end: float
    syllable: Syllable
    note: int
    word: int = -1


@dataclass(frozen=True)
class Placing:
    """All syllables, and how well they agree with the sound.

    Attributes:
        placed: in order of time.
        agreement: 0 to 1.
        reason: why they cannot be used; empty if they can.
    """

    placed: tuple[Placed, ...]
    agreement: float
    reason: str = ""


def by_score(score: Sequence[ScoreNote], heard: Heard) -> Placing:
    """Syllables of a score on the heard notes: by vowels, lips, melody in any key, and time.

    The time of the score is fitted to the sound by a line, after a first round without it.
    """
    spoken = [
        Target(said, note.midi, note.start)
        for note in score
        for said in (syllables(note.text) if note.text else [])
    ]
    if not heard.notes:
        return Placing((), 0.0, "no notes were heard")
    if not spoken:
        return Placing((), 0.0, "it has no words")
    pitches = [_midi(n.hertz) for n in heard.notes if n.hertz > 0]
    key = float(np.median(pitches) - np.median([n.midi for n in score])) if pitches else 0.0
    inside = list(range(len(heard.notes)))
    moved = [replace(t, midi=t.midi + round(key), start=np.nan) for t in spoken]
    _, first = _laid(moved, inside, heard)
    line = _line([t.start for t in spoken], first)
    timed = [replace(m, start=line(t.start)) for m, t in zip(moved, spoken, strict=True)]
    cost, placed = _laid(timed, inside, heard)
    reason = "its melody is not the one that was heard"
    return _judged(placed, cost / len(spoken), LEAST_SCORE, reason)


def _line(starts: list[float], placed: Sequence[Placed]) -> Callable[[float], float]:
    """Time of the score -> time of the sound, from syllables that were placed: a robust line."""
    by_word = {p.word: p.start for p in reversed(placed) if p.word >= 0}
    x = np.array([starts[k] for k in by_word])
    y = np.array(list(by_word.values()))
    if len(x) < 3 or np.ptp(x) < 1.0:
        return lambda t: float(t + np.median(y - x))
    apart = np.abs(x[:, None] - x[None, :]) > 0.3 * np.ptp(x)
    slopes = ((y[:, None] - y[None, :]) / np.where(apart, x[:, None] - x[None, :], 1.0))[apart]
    slope = float(np.clip(np.median(slopes), 0.4, 2.5))
    offset = float(np.median(y - slope * x))
    return lambda t: slope * t + offset


def _midi(hertz: float) -> float:
    return float(69 + 12 * np.log2(hertz / 440.0))


def _judged(placed: list[Placed], cost: float, least: float, reason: str) -> Placing:
    agreement = float(np.clip(1.0 - cost, 0.0, 1.0))
    if agreement < least:
        return Placing((), agreement, reason)
    return Placing(_in_order(placed), agreement)


def _in_order(placed: list[Placed]) -> tuple[Placed, ...]:
    """Syllables that do not overlap."""
    out: list[Placed] = []
    for one in sorted(placed, key=lambda p: p.start):
        if out and out[-1].end > one.start:
            end = max(one.start, out[-1].start + 0.03)
            out[-1] = replace(out[-1], end=end)
        out.append(one)
    return tuple(out)


def by_words(lines: Sequence[Line], heard: Heard) -> Placing:
    """Syllables of lyrics on the heard notes.

    Lines with times are laid on the notes from shortly before their time to the next line.
    """
    if not heard.notes:
        return Placing((), 0.0, "no notes were heard")
    timed = all(line.start is not None for line in lines)
    groups: list[tuple[list[Target], list[int]]] = []
    if timed:
        starts = [float(line.start or 0.0) for line in lines]
        for k, line in enumerate(lines):
            first = starts[k] - EARLY_S if k else -1.0
            until = starts[k + 1] - EARLY_S if k + 1 < len(lines) else np.inf
            inside = [i for i, n in enumerate(heard.notes) if first <= n.start < until]
            groups.append(([Target(s) for s in syllables(line.text, k)], inside))
    else:
        whole = [Target(s) for k, line in enumerate(lines) for s in syllables(line.text, k)]
        groups.append((whole, list(range(len(heard.notes)))))
    placed, costs, words = list[Placed](), 0.0, 0
    for spoken, inside in groups:
        if not spoken:
            continue
        words += len(spoken)
        if not inside:
            costs += len(spoken)
            continue
        cost, found = _laid(spoken, inside, heard)
        costs += cost
        placed += found
    reason = "its syllables do not fit the notes that were heard"
    return _judged(placed, costs / max(words, 1), LEAST, reason)


def _laid(spoken: list[Target], inside: list[int], heard: Heard) -> tuple[float, list[Placed]]:
    """The cheapest way to lay syllables on notes, in order; a note may go on with the one before,
    and a syllable may share a note with it."""
    rows, columns = len(spoken), len(inside)
    own = np.array([[_cost(s, inside[j], heard) for j in range(columns)] for s in spoken])
    joins = np.array([_joined(inside[j], heard) for j in range(columns)])
    best = np.full((rows + 1, columns + 1), np.inf)
    move = np.zeros((rows + 1, columns + 1), np.int8)
    best[0, 0] = 0.0
    for j in range(1, columns + 1):
        best[0, j] = best[0, j - 1] + MELISMA
        move[0, j] = 1
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            ways = (
                best[i - 1, j - 1] + own[i - 1, j - 1],
                best[i, j - 1] + joins[j - 1],
                best[i - 1, j] + SHARED,
            )
            move[i, j] = int(np.argmin(ways))
            best[i, j] = ways[move[i, j]]
    groups: list[tuple[list[int], list[int]]] = []
    i, j = rows, columns
    mine: list[tuple[int, int, int]] = []
    while i > 0 and j > 0:
        mine.append((int(move[i, j]), i - 1, j - 1))
        i, j = i - (move[i, j] != 1), j - (move[i, j] != 2)
    for kind, s, n in reversed(mine):
        if kind == 0 or not groups:
            groups.append(([s], [n]))
        elif kind == 1:
            groups[-1][1].append(n)
        else:
            groups[-1][0].append(s)
    out = []
    for said, notes in groups:
        first, last = heard.notes[inside[notes[0]]], heard.notes[inside[notes[-1]]]
        edges = np.linspace(first.start, last.end, len(said) + 1)
        for k, s in enumerate(said):
            if len(said) == 1 and len(notes) > 1:
                word = spoken[s].syllable
                for m, n in enumerate(notes):
                    note = heard.notes[inside[n]]
                    part = replace(
                        word,
                        onset=word.onset if m == 0 else (),
                        coda=word.coda if m == len(notes) - 1 else (),
                    )
                    out.append(Placed(note.start, note.end, part, inside[n], s))
            else:
                begin, end = float(edges[k]), float(edges[k + 1])
                out.append(Placed(begin, end, spoken[s].syllable, inside[notes[0]], s))
    return float(best[rows, columns]), out


_TOUCH: Final = frozenset("PBM")
_ALIKE: Final = {
    "AA": "ah", "AH": "ah", "AE": "ah", "AY": "ah", "AW": "ah", "EH": "eh", "EY": "eh", "ER": "eh",
    "IH": "ee", "IY": "ee", "AO": "oh", "OW": "oh", "OY": "oh", "UH": "oo", "UW": "oo", "N": "",
}  # fmt: skip


def _cost(target: Target, note: int, heard: Heard) -> float:
    """Disagreement of a syllable with a note."""
    heard_note, spoken = heard.notes[note], target.syllable
    touches = bool(_TOUCH & set(spoken.onset))
    shut = any(abs(b - heard_note.start) < 0.12 for _, b in heard.closures)
    paused = note == 0 or heard_note.start - heard.notes[note - 1].end > 0.25
    cost = SHUT_WRONG if touches != shut and not paused else 0.0
    vowel = _ALIKE.get(VOWELS[heard_note.vowel], "") if heard_note.vowel >= 0 else ""
    cost += VOWEL_WRONG if vowel and vowel != _ALIKE.get(spoken.vowel, "") else 0.0
    if np.isfinite(target.midi) and heard_note.hertz > 0:
        away = abs(_midi(heard_note.hertz) - target.midi)
        away = min(away, 0.5 + abs(away - 12.0))  # trackers mistake octaves
        cost += PITCH_WRONG * min(away / _SEMITONES, 1.0)
    if np.isfinite(target.start):
        cost += TIME_WRONG * min(abs(heard_note.start - target.start) / _LATE_S, 1.0)
    return cost


def _joined(note: int, heard: Heard) -> float:
    """Cost of a note that goes on with the syllable before it."""
    if note == 0:
        return MELISMA
    gap = heard.notes[note].start - heard.notes[note - 1].end
    return 0.1 if gap < 0.04 else MELISMA if gap < 0.3 else 2.0 * MELISMA
