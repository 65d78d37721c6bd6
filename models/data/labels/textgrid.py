"""Phone and word times from Praat TextGrids in the long text format (the Montreal aligner's)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from mien.models.data.labels.phone_names import arpabet, merge_silence
from mien.models.errors import ModelError
from mien.models.speech.phones import Phone

SPOKEN_NOISE: Final = "spn"
"""The Montreal aligner's label of a word outside its dictionary. It is speech, not silence."""
_TIER = re.compile(r'name = "([^"]*)"')
_SPAN = re.compile(r'xmin = ([\d.eE+-]+)\s+xmax = ([\d.eE+-]+)\s+text = "((?:[^"]|"")*)"')


def tier(path: Path, name: str) -> list[tuple[float, float, str]]:
    """(start s, end s, text) of every interval of one tier.

    Raises:
        ModelError: no such tier.
    """
    parts = re.split(r"item \[\d+\]:", path.read_text())[1:]
    for part in parts:
        found = _TIER.search(part)
        if found is not None and found.group(1) == name:
            return [(float(a), float(b), text) for a, b, text in _SPAN.findall(part)]
    raise ModelError(f"{path} has no tier {name!r}")


def phones(path: Path) -> list[Phone]:
    """The tier ``phones`` in our phone set, without words outside the dictionary."""
    return merge_silence(
        [
            Phone(arpabet(text)[0], start, end)
            for start, end, text in tier(path, "phones")
            if text != SPOKEN_NOISE
        ]
    )
