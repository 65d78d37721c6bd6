"""The layout of voices200: ``audio/*.flac`` and ``words.csv``, 200 people who read three sentences.

The words are aligned (``mien.models.data.labels.align``). Every fifth speaker is held out: no
training sees those 40 people, and the bench measures on them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from mien.models.data.corpora.synthetic import rule_clip, with_pauses
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels.align import Aligner
from mien.models.data.schema import Clip, read_audio
from mien.models.errors import ModelError

EVERY: Final = 5
"""One speaker in this many is held out, in the order of the sorted names."""


def speakers(folder: Path, held_out: bool) -> list[str]:
    """Names of the speakers of one of the two sets, sorted."""
    names = sorted({row["speaker"] for row in _rows(folder)})
    return [n for i, n in enumerate(names) if (i % EVERY == EVERY - 1) == held_out]


def spoken(folder: Path, held_out: bool) -> Iterator[tuple[str, str, Spoken]]:
    """(clip, speaker, utterance) of one of the two sets, where the alignment succeeded.

    Raises:
        ModelError: no such data, or pocketsphinx is not installed.
    """
    wanted = set(speakers(folder, held_out))
    aligner = Aligner()
    for row in _rows(folder):
        if row["speaker"] in wanted:
            samples = read_audio(folder / "audio" / f"{row['clip']}.flac")
            phones = aligner.align(samples, row["words"])
            if phones is not None:
                yield row["clip"], row["speaker"], Spoken(samples, phones)


def clips(folder: Path) -> list[Clip]:
    """Clips of the speakers who may train."""
    rng = np.random.default_rng(0)
    return [
        rule_clip(name, "voices200", f"voices200-{speaker}", with_pauses(said, rng))
        for name, speaker, said in spoken(folder, held_out=False)
    ]


def _rows(folder: Path) -> list[dict[str, str]]:
    path = folder / "words.csv"
    if not path.is_file():
        raise ModelError(f"no {path}", "mien train speech --data FOLDER")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
