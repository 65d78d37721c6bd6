"""Phones of other tools and of frames -> those of ``mien.models.speech.phones``, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.speech.phones import NUMBER, PHONES, SILENCE, UNKNOWN, Phone

# Names of other tools. The value is one phone, or several that share the time.
_OTHER: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("", "pau", "h#", "sp", "+nsn+", "ssil", "_"), (SILENCE,)),
    "ax": ("AH",),
    "axr": ("ER",),
    "ix": ("IH",),
    "dx": ("D",),
    "el": ("AH", "L"),
    "em": ("AH", "M"),
    "en": ("AH", "N"),
    "hv": ("HH",),
    "nx": ("N",),
    "ux": ("UW",),
}
# IPA, and the letters that Kokoro-like models use for English diphthongs (A I O Q W Y).
_SPELLED: Final = {
    "AA": "ɑː ɑ ɒ",
    "AE": "æ a",
    "AH": "ʌ ə ᵊ ɐ",
    "AO": "ɔː ɔ",
    "AW": "aʊ W",
    "AY": "aɪ I",
    "EH": "ɛ e",
    "ER": "ɜː ɜ ɝ ɚ",
    "EY": "eɪ A",
    "IH": "ɪ ᵻ",
    "IY": "iː i",
    "OW": "oʊ əʊ o O Q",
    "OY": "ɔɪ Y",
    "UH": "ʊ ɤ ɯ",
    "UW": "uː u y ʉ",
    "B": "b",
    "CH": "tʃ ʧ tɕ",
    "D": "d ɾ T",
    "DH": "ð",
    "F": "f",
    "G": "ɡ g",
    "HH": "h χ ħ",
    "JH": "dʒ ʤ",
    "K": "k x",
    "L": "l ɫ ʎ",
    "M": "m",
    "N": "n ɲ",
    "NG": "ŋ",
    "P": "p",
    "R": "ɹ r ʁ",
    "S": "s",
    "SH": "ʃ ɕ ʂ",
    "T": "t ʔ",
    "TH": "θ",
    "V": "v β",
    "W": "w",
    "Y": "j",
    "Z": "z",
    "ZH": "ʒ ʐ",
}
_IPA: Final[dict[str, tuple[str, ...]]] = {
    **{mark: (phone,) for phone, marks in _SPELLED.items() for mark in marks.split()},
    "aɪə": ("AY", "AH"),
    "aʊə": ("AW", "AH"),
    "əl": ("AH", "L"),
    "ɛɹ": ("EH", "R"),
    "ɪə": ("IH", "AH"),
    "ʊə": ("UH", "AH"),
    "ts.": ("CH",),
    "s.": ("SH",),
}
_IPA_LONGEST: Final = max(map(len, _IPA))


def arpabet(name: str) -> tuple[str, ...]:
    """A phone of CMUdict, Festvox or the Montreal aligner -> ours, without stress digits.

    Raises:
        KeyError: the name is in no supported phone set.
    """
    bare = re.sub(r"\d$", "", name).upper()
    if bare in NUMBER:
        return (bare,)
    lower = name.lower()
    if lower in (SILENCE, "<sil>", "(null)"):
        return (SILENCE,)
    if lower in _OTHER:
        return _OTHER[lower]
    raise KeyError(f"{name!r} is not a phone of CMUdict, Festvox or the Montreal aligner")


def ipa(text: str) -> tuple[str, ...]:
    """An IPA text -> phones, longest match first. Stress and length marks are skipped."""
    out: list[str] = []
    at = 0
    while at < len(text):
        for size in range(_IPA_LONGEST, 0, -1):
            found = _IPA.get(text[at : at + size])
            if found is not None:
                out.extend(found)
                at += size
                break
        else:
            at += 1
    return tuple(out)


def spread(names: Iterable[str], start: float, end: float) -> list[Phone]:
    """Share a span of time evenly among phones."""
    names = list(names)
    step = (end - start) / max(len(names), 1)
    return [Phone(n, start + i * step, start + (i + 1) * step) for i, n in enumerate(names)]


def merge_silence(phones: Sequence[Phone]) -> list[Phone]:
    """Drop empty spans and join adjacent silences."""
    out: list[Phone] = []
    for phone in phones:
        if phone.end - phone.start < 1e-4:
            continue
        touching = bool(out) and phone.start - out[-1].end < 1e-3
        if touching and out[-1].name == phone.name == SILENCE:
            out[-1] = Phone(SILENCE, out[-1].start, phone.end)
        else:
            out.append(phone)
    return out


def frame_labels(phones: Sequence[Phone], frames: int, fps: float) -> NDArray[np.int8]:
    """Phone number at frame k's time k / fps, shape (frames,); UNKNOWN outside of all phones."""
    out = np.full(frames, UNKNOWN, np.int8)
    for phone in phones:
        first, last = int(np.ceil(phone.start * fps)), int(np.ceil(phone.end * fps))
        out[max(first, 0) : max(last, 0)] = NUMBER[phone.name]
    return out


def from_labels(labels: NDArray[np.int8], fps: float) -> list[Phone]:
    """Frame labels (T,) without UNKNOWN -> phones. Equal neighbours become one phone."""
    cuts = np.flatnonzero(np.diff(labels)) + 1
    edges = [0, *cuts.tolist(), len(labels)]
    return [Phone(PHONES[int(labels[a])], a / fps, b / fps) for a, b in pairwise(edges)]
