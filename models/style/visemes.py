"""Viseme classes: phones whose lips one speaker moves far and another little.

Closures of p, b, m, f and v are in no class: they are what is said, and no style changes them. Nor
are the sounds of the tongue, whose lips are those of their neighbours.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.speech.phones import NUMBER, PHONES

VISEMES: Final = ("open", "spread", "round", "sibilant")
"""Classes in the order of their numbers."""
_MEMBERS: Final = (
    ("AA", "AE", "AH", "AW", "AY"),
    ("EH", "EY", "IH", "IY", "Y"),
    ("AO", "OW", "OY", "UH", "UW", "W", "ER", "R"),
    ("S", "Z", "SH", "ZH", "CH", "JH"),
)
MEMBERS: Final[NDArray[np.float64]] = np.zeros((len(PHONES), len(VISEMES)))
"""(phones, classes) 1 where a phone is of a class."""
for _column, _names in enumerate(_MEMBERS):
    MEMBERS[[NUMBER[n] for n in _names], _column] = 1.0
