"""Words of a song: LRC or plain text to lines, lines to syllables, syllables to phones.

Syllables come from letters by rules that need no dictionary: Latin letters of any language, and
Japanese kana by the names that Unicode has for them. Only what moves a mouth matters: the vowel,
and whether lips touch (p, b, m) or bite (f, v).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.models.errors import ModelError
from mien.models.face.column_text import decoded
from mien.models.reading.bounded import FileError, read_bytes

MAX_BYTES: Final = 1 << 20
MAX_LINES: Final = 5000
HINT: Final = "a line of .lrc is [00:12.50]words; a .txt has one line of the song in each line"
_STAMP: Final = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:,](\d{1,3}))?\]", re.ASCII)
_WORD_STAMP: Final = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:,]\d{1,3})?>", re.ASCII)
_TAG: Final = re.compile(r"^\[([A-Za-z#]+):([^\]]*)\]\s*$")
_VOWEL_LETTERS: Final = "aeiouy"
_VOWELS: Final[tuple[tuple[str, str], ...]] = (
    ("oo", "UW"), ("ou", "UW"), ("ee", "IY"), ("ea", "IY"), ("ie", "IY"), ("ai", "EH"),
    ("ay", "EH"), ("ei", "EH"), ("ey", "EH"), ("oa", "OW"), ("ow", "OW"), ("au", "AO"),
    ("aw", "AO"), ("oi", "OY"), ("oy", "OY"), ("eu", "OY"), ("ue", "UW"), ("ui", "UW"),
    ("oe", "OW"), ("ae", "EH"), ("igh", "AY"), ("a", "AA"), ("e", "EH"), ("i", "IY"),
    ("o", "OW"), ("u", "UW"), ("y", "IY"),
)  # fmt: skip
"""Letters of a vowel and its phone, longest first where they begin alike."""
_ROUGH: Final = {"ſ": "s", "ß": "ss", "æ": "ae", "ø": "oe", "œ": "oe", "đ": "d", "ł": "l"}
LIPS: Final = {"p": "P", "b": "B", "m": "M", "f": "F", "v": "V", "w": "W"}
"""Letters whose consonant is made by the lips."""


@dataclass(frozen=True)
class Line:
    """One line of a song.

    Attributes:
        text: its words.
        start: time in s, or None.
    """

    text: str
    start: float | None = None


@dataclass(frozen=True)
class Syllable:
    """One syllable.

    Attributes:
        text: its letters.
        vowel: phone of the vowel; N for a syllable without one.
        onset, coda: consonants of the lips before and after the vowel, of ``LIPS``.
        line: number of its line.
    """

    text: str
    vowel: str
    onset: tuple[str, ...] = ()
    coda: tuple[str, ...] = ()
    line: int = 0


def read_lyrics(path: Path) -> tuple[Line, ...]:
    """Lines of an .lrc, whose times count, or of any other text.

    Raises:
        ModelError: it cannot be read, has no words, or is an .lrc without times.
    """
    try:
        text = decoded(read_bytes(path, MAX_BYTES))
    except FileError as e:
        raise ModelError(f"cannot read the lyrics {path}: {e.reason}", HINT) from e
    except OSError as e:
        raise ModelError(f"cannot read the lyrics {path}: {e.strerror}", HINT) from e
    except UnicodeDecodeError as e:
        raise ModelError(
            f"cannot read the lyrics {path}: byte {e.start} is no UTF-8 or UTF-16 text",
            "save the file as UTF-8",
        ) from e
    if "\0" in text:
        raise ModelError(f"{path} is no text", HINT)
    rows = [" ".join(row.split()) for row in re.split(r"\r\n|\n|\r", text.lstrip("\ufeff"))]
    if len(rows) > MAX_LINES:
        raise ModelError(f"{path} has {len(rows)} lines, at most {MAX_LINES} are read", HINT)
    timed = path.suffix.lower() == ".lrc" or any(_STAMP.match(row) for row in rows)
    lines = _timed(rows) if timed else [Line(row) for row in rows if row]
    if timed and not lines and any(row and not _TAG.match(row) for row in rows):
        raise ModelError(f"{path} has lyrics without times such as [00:12.50]", HINT)
    if not any(syllables(line.text) for line in lines):
        raise ModelError(f"{path} has no words", HINT)
    return tuple(lines)


def _timed(rows: list[str]) -> list[Line]:
    out, shift = [], 0.0
    for row in rows:
        tag = _TAG.match(row)
        if tag and tag[1].lower() == "offset":
            try:
                shift = max(-600.0, min(600.0, float(tag[2]) / 1000))
            except ValueError:
                shift = 0.0
        stamps, rest = [], row
        while (stamp := _STAMP.match(rest)) is not None:
            part = float(f"0.{stamp[3]}") if stamp[3] else 0.0
            stamps.append(int(stamp[1]) * 60 + int(stamp[2]) + part)
            rest = rest[stamp.end() :].lstrip()
        words = " ".join(_WORD_STAMP.sub(" ", rest).split())
        out += [Line(words, max(0.0, at - shift)) for at in stamps]
    return sorted(out, key=lambda line: line.start or 0.0)


def syllables(text: str, line: int = 0) -> list[Syllable]:
    """Syllables of a line."""
    out: list[Syllable] = []
    for word in latin(text).split():
        out += _of_word(word, line)
    return out


def latin(text: str) -> str:
    """Lower-case Latin letters of a text, words apart. Kana become the syllables of their names."""
    out = []
    for letter in unicodedata.normalize("NFKC", text.replace("’", "'")):
        name = unicodedata.name(letter, "")
        if name.startswith(("HIRAGANA LETTER", "KATAKANA LETTER")):
            out.append(_kana(name.rpartition("LETTER ")[2]))
        elif letter == "ー":
            out.append("-")
        elif letter in "'-":
            out.append("")
        else:
            plain = unicodedata.normalize("NFD", _ROUGH.get(letter.lower(), letter.lower()))
            kept = "".join(c for c in plain if c.isascii() and c.isalpha())
            out.append(kept or ("" if unicodedata.combining(letter) else " "))
    joined = re.sub(r"([a-z])i ~y", r"\1y", "".join(out))
    return re.sub(r"[~\-]", "", joined)


def _kana(name: str) -> str:
    """The letters of a kana by its name: a word of its own. Small ya, yu, yo join the last one."""
    small = name.startswith("SMALL ")
    letters = name.removeprefix("SMALL ").lower()
    if small and letters.startswith("y"):
        return f"~{letters} "
    return "" if small and letters == "tu" else f"{letters} "


def _of_word(word: str, line: int) -> list[Syllable]:
    """Syllables of a word: one for each group of vowel letters, without a silent e at its end."""
    groups = [m.span() for m in re.finditer(f"[{_VOWEL_LETTERS}]+", word)]
    if groups and groups[0][0] == 0 and word[0] == "y" and groups[0][1] > 1:
        groups[0] = (1, groups[0][1])  # y before a vowel is a consonant
    if len(groups) > 1 and word.endswith("e") and groups[-1] == (len(word) - 1, len(word)):
        silent = re.search(r"[^aeiouy]e$", word) is not None and len(word) > 2
        groups = groups[:-1] if silent and not word.endswith("le") else groups
    if not groups:
        return (
            [Syllable(word, "N", _lips(word), (), line)] if word in ("n", "m", "mm", "hm") else []
        )
    out = []
    for k, (a, b) in enumerate(groups):
        first = 0 if k == 0 else _split(groups[k - 1][1], a)
        last = len(word) if k + 1 == len(groups) else _split(b, groups[k + 1][0])
        onset, coda = _lips(word[first:a]), _lips(word[b:last])
        out.append(Syllable(word[first:last], _vowel(word[a:b]), onset, coda, line))
    return out


def _split(end: int, start: int) -> int:
    """Where a word is cut between two vowels: all but one consonant stay with the first."""
    return max(end, start - 1) if start - end > 1 else end


def _vowel(letters: str) -> str:
    for spelled, phone in _VOWELS:
        if letters.startswith(spelled):
            return phone
    return "AH"


def _lips(letters: str) -> tuple[str, ...]:
    """Consonants of the lips among letters; doubled ones count once, ph is an f."""
    spelled = re.sub(r"(.)\1+", r"\1", letters.replace("ph", "f"))
    return tuple(LIPS[c] for c in spelled if c in LIPS)
