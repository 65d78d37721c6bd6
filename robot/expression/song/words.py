"""Words of a song in time: by its score, by its lyrics, or none, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

from mien.models.song.aligned import Placing, by_score, by_words
from mien.models.song.hearing import Heard
from mien.models.song.lyrics import Line
from mien.models.song.score import ScoreNote


def placed(
    heard: Heard, score: Sequence[ScoreNote] | None, lines: Sequence[Line] | None
) -> Placing:
    """The words of a song in time. A score that does not agree leaves the lyrics, and these the
    sound alone.

    Args:
        heard: what was heard.
        score: notes with syllables, or None.
        lines: lyrics, or None.
    """
    reasons = []
    if score:
        found = by_score(score, heard)
        if found.placed:
            return found
        reasons.append(f"the score is not used: {found.reason} (agreement {found.agreement:.2f})")
    if lines:
        found = by_words(lines, heard)
        if found.placed:
            return Placing(found.placed, found.agreement, "; ".join(reasons))
        reasons.append(f"the lyrics are not used: {found.reason} (agreement {found.agreement:.2f})")
    return Placing((), 0.0, "; ".join(reasons))


def told(words: Placing) -> str:
    """One line about the words of a song."""
    used = f"{len(words.placed)} syllables agree with the sound by {words.agreement:.2f}"
    parts = [words.reason] if words.reason else []
    return "; ".join([*parts, used if words.placed else "sung from the sound alone"])
