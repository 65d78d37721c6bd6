"""Writes the motion subtitles of a song from what was heard in it, by rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.models.song.aligned import Placing
from mien.models.song.hearing import Heard
from mien.models.song.lyrics import Syllable
from mien.models.song.notes import Note, Phrase
from mien.models.song.subtitles import MotionCue, cue, ordered
from mien.models.speech.phones import VOWELS
from mien.robot.expression.song import prototypes, shapes
from mien.robot.expression.song.motion import CLOSE_S, OPEN_S, SHUT_S

LOUD_PER_DB: Final = 0.025
"""Relative change of the opening for each dB above the song's usual note."""
HIGH_PER_SEMITONE: Final = 0.012
"""The same for each semitone above its usual pitch."""
NARROWEST, WIDEST = 0.13, 0.55
"""Range of a held opening."""
AHEAD_S: Final = 0.05
"""Time in s by which a mouth begins to open before the vowel sounds."""
AFTER_S: Final = 0.03
"""Time in s after a note at which the mouth has left the vowel."""
LEGATO_S: Final = 0.12
"""Notes with a shorter gap in s are one motion of the mouth."""
SHUT_LEAST_S: Final = 0.17
"""Shortest closure in s, with its two flanks: servos need the time."""
BREATH_S: Final = 0.55
"""Time of a breath before a phrase, s."""
BREATH: Final = (0.3, 0.35)
"""Intensity with which a breath raises the brows and lifts the head."""
HUM_DB: Final = 20.0
"""A voice whose vowel band is so far below its whole level hums."""
TOUCH: Final = frozenset("PBM")
MERGED_S: Final = 2.0
"""Pause in s over which a mood lasts when the next phrase has the same."""


@dataclass(frozen=True)
class Sung:
    """One vowel of the plan: what a mouth does while a note lasts.

    Attributes:
        start, end: time in s.
        motion: vowel of the subtitles.
        opening: lip opening.
        note: words for people.
    """

    start: float
    end: float
    motion: str
    opening: float
    note: str = ""


def written(heard: Heard, words: Placing | None = None) -> tuple[MotionCue, ...]:
    """Subtitles of a song.

    Args:
        heard: what was heard in it.
        words: its syllables in time; None, or words that do not agree with the sound, leave the
            sound alone.
    """
    if words is not None and words.placed:
        vowels, closures = spoken(heard, words)
    else:
        closures = heard.closures
        vowels = [Sung(n.start, n.end, motion_of(n, heard), opened(n, heard)) for n in heard.notes]
    return ordered([*mouth_cues(vowels, closures), *phrase_cues(heard)])


def spoken(heard: Heard, words: Placing) -> tuple[list[Sung], tuple[tuple[float, float], ...]]:
    """Vowels and closures of words that were placed in time."""
    vowels, closures = list[Sung](), list[tuple[float, float]]()
    for k, one in enumerate(words.placed):
        said, note = one.syllable, heard.notes[one.note]
        motion = _motion(said)
        vowels.append(Sung(one.start, one.end, motion, opened(note, heard, motion), said.text))
        if TOUCH & set(said.onset):
            closures.append(_touch(heard, one.start))
        following = words.placed[k + 1] if k + 1 < len(words.placed) else None
        touched = following is not None and TOUCH & set(following.syllable.onset)
        near = touched and following is not None and following.start - one.end < SHUT_LEAST_S
        if TOUCH & set(said.coda) and not near:
            closures.append((one.end - 0.01, one.end + 0.08))
    return vowels, tuple(closures)


def _motion(said: Syllable) -> str:
    if said.vowel == "N":
        return "hum" if "M" in said.onset else "er"
    return shapes.PHONES[said.vowel]


def _touch(heard: Heard, start: float) -> tuple[float, float]:
    """When lips touch before a vowel that starts at ``start`` s: as heard, or just before."""
    near = [c for c in heard.closures if abs(0.5 * (c[0] + c[1]) - start + 0.06) < 0.15]
    if near:
        return min(near, key=lambda c: abs(c[1] - start))
    return start - 0.1, start - 0.01


def motion_of(note: Note, heard: Heard) -> str:
    """The vowel of a note."""
    middle = slice(int(note.start * 60), max(int(note.end * 60), int(note.start * 60) + 1))
    frames = heard.frames
    muffled = float(np.median(frames.level_db[middle] - frames.vowel_db[middle]))
    if muffled > HUM_DB and note.opening < 0.05:
        return "hum"
    return shapes.PHONES[VOWELS[note.vowel]] if note.vowel >= 0 else "ah"


def opened(note: Note, heard: Heard, motion: str | None = None) -> float:
    """Lip opening of a note: that of its vowel and of the network, a little more when loud or high.

    Args:
        note: the note.
        heard: the song, whose usual note it is compared with.
        motion: its vowel, where words tell it.
    """
    motion = motion or motion_of(note, heard)
    if motion == "hum":
        return 0.0
    usual = float(np.median([n.level_db for n in heard.notes]))
    loud = np.clip(1.0 + LOUD_PER_DB * (note.level_db - usual), 0.8, 1.2)
    pitches = [n.hertz for n in heard.notes if n.hertz > 0]
    high = 1.0
    if pitches and note.hertz > 0:
        semitones = 12 * np.log2(note.hertz / float(np.median(pitches)))
        high = float(np.clip(1.0 + HIGH_PER_SEMITONE * semitones, 0.85, 1.2))
    both = np.sqrt(shapes.USUAL_OPENING[motion] * max(1.25 * note.opening, 0.08))
    return float(np.clip(both * loud * high, NARROWEST, WIDEST))


def mouth_cues(vowels: list[Sung], closures: tuple[tuple[float, float], ...]) -> list[MotionCue]:
    """Cues of the mouth: held vowels, and closures between them."""
    out = []
    for k, one in enumerate(vowels):
        following = vowels[k + 1].start if k + 1 < len(vowels) else np.inf
        start = one.start - AHEAD_S
        # Close vowels hand over in mid-motion; others shut at once behind their note.
        legato = following - one.end < LEGATO_S
        end = following - AHEAD_S + 0.5 * (OPEN_S + SHUT_S) if legato else one.end + AFTER_S
        out.append(cue(start, end, "mouth", one.motion, one.opening, one.note))
    for start, end in closures:
        middle, half = 0.5 * (start + end), 0.5 * max(end - start + CLOSE_S, SHUT_LEAST_S)
        out.append(cue(middle - half, middle + half, "mouth", "close", 1.0))
    return out


def phrase_cues(heard: Heard) -> list[MotionCue]:
    """Cues of brows, head and mood: a breath before each phrase, and how the phrase is shown."""
    out: list[MotionCue] = []
    mode = prototypes.minor(heard.notes)
    kinds = [prototypes.nearest(prototypes.described(p, heard.notes, mode)) for p in heard.phrases]
    before = 0.0
    for phrase, kind in zip(heard.phrases, kinds, strict=True):
        breath = min(BREATH_S, phrase.start - before)
        if breath > 0.2:
            first, last = phrase.start - breath, phrase.start + 0.3
            out.append(cue(first, last, "brows", "raise", BREATH[0], "breath"))
            out.append(cue(first, last, "head", "lift", BREATH[1], "breath"))
        out.append(cue(phrase.start, phrase.end, "head", "sway", kind.sway, kind.name))
        if kind.brows[0]:
            out.append(cue(phrase.start, phrase.end, "brows", *kind.brows))
        before = phrase.end
    return out + _moods(heard.phrases, kinds)


def _moods(phrases: tuple[Phrase, ...], kinds: list[prototypes.Prototype]) -> list[MotionCue]:
    """One cue for each row of phrases of one mood."""
    out: list[tuple[float, float, str, float]] = []
    for phrase, kind in zip(phrases, kinds, strict=True):
        mood, strength = kind.mood
        if not mood:
            continue
        if out and out[-1][2] == mood and phrase.start - out[-1][1] < MERGED_S:
            out[-1] = (out[-1][0], phrase.end, mood, max(out[-1][3], strength))
        else:
            out.append((phrase.start - 0.3, phrase.end + 0.3, mood, strength))
    starts = [*(start for start, *_ in out), np.inf]
    return [
        cue(start, max(min(end, starts[k + 1]), start + 0.2), "mood", mood, strength)
        for k, (start, end, mood, strength) in enumerate(out)
    ]
