"""Text -> words, without those that scale them: a degree such as "a bit" or "very".

Degree words are taken out of the text and become one factor, so that the same sentence with a
stronger word is always a stronger feeling.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_CHARACTERS: Final = 2000
"""Longest description of a feeling."""
_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)*")
DEGREES: Final[dict[str, float]] = {
    "the tiniest bit": 0.3, "a tiny bit": 0.3, "ever so slightly": 0.3, "barely": 0.3,
    "hardly": 0.3, "slightly": 0.45, "a little bit": 0.45, "a little": 0.5, "a bit": 0.5,
    "mildly": 0.5, "a touch": 0.5, "kind of": 0.6, "sort of": 0.6, "somewhat": 0.65,
    "moderately": 0.75, "rather": 0.85, "fairly": 0.85, "quite": 0.9, "pretty": 1.1, "really": 1.3,
    "very": 1.5, "so very": 1.7, "very very": 1.9, "deeply": 1.7, "terribly": 1.7, "awfully": 1.7,
    "incredibly": 1.9, "extremely": 2.0, "utterly": 2.2, "totally": 2.0, "completely": 2.0,
    "absolutely": 2.2, "beyond measure": 2.4,
}  # fmt: skip
"""Degree words and their factors of the rate at which a feeling approaches its top."""
_LINK: Final = re.compile(r"(?:[,;.:!?]\s+)?\b(?:and|but|then|yet)\b|[;.!?:]\s")
_DEGREE: Final = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, DEGREES), key=len, reverse=True)) + r")\b"
)


class Words(NamedTuple):
    """A text as words.

    Attributes:
        text: what is left of it without degree words.
        words: its words, lower case.
        degree: product of the factors of degree words.
    """

    text: str
    words: tuple[str, ...]
    degree: float


def words_of(text: str) -> Words:
    """Words of a text, of which at most ``MAX_CHARACTERS`` are read."""
    plain = " ".join(text[:MAX_CHARACTERS].lower().replace("’", "'").split())
    degree = 1.0
    for found in _DEGREE.findall(plain):
        degree *= DEGREES[found]
    plain = " ".join(_DEGREE.sub(" ", plain).split())
    return Words(plain, tuple(_WORD.findall(plain)), min(max(degree, 0.1), 4.0))


def last_clause(text: str) -> str | None:
    """What follows the last link of a text, such as "laughs about it"; None without a link."""
    parts = [part.strip() for part in _LINK.split(text)]
    parts = [part for part in parts if len(re.findall(r"[a-z']+", part)) >= 2]
    return parts[-1] if len(parts) > 1 else None
