"""The phone set of all labelled speech: ARPAbet without stress, and silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SILENCE: Final = "sil"
VOWELS: Final[tuple[str, ...]] = (
    *("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"),
)
CONSONANTS: Final[tuple[str, ...]] = (
    *("B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH"),
    *("T", "TH", "V", "W", "Y", "Z", "ZH"),
)
PHONES: Final[tuple[str, ...]] = (SILENCE, *VOWELS, *CONSONANTS)
NUMBER: Final[dict[str, int]] = {p: i for i, p in enumerate(PHONES)}
UNKNOWN: Final = -1
"""Label of a frame with an unknown phone."""
BILABIAL: Final = frozenset({"P", "B", "M"})
LABIODENTAL: Final = frozenset({"F", "V"})


@dataclass(frozen=True)
class Phone:
    """One phone in time."""

    name: str
    start: float
    """Seconds."""
    end: float
