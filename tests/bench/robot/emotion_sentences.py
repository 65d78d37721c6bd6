"""Sentences with phone times for benches: real speech of a folder, or a synthetic voice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.corpora.voices import flite
from mien.models.data.labels import textgrid
from mien.models.speech.features import RATE
from mien.models.speech.phones import SILENCE, Phone
from mien.robot.errors import InputError
from mien.robot.media import audio

SHORTEST_S, LONGEST_S = 1.5, 3.2
"""A sentence is cut at the last pause or word end in between, so that a bench stays short."""

TEXTS: Final = (
    "Put the blue book back on the table.", "My brother plays the piano by ear.",
    "Nobody knew about the broken lamp.", "Please bring some more bread and butter.",
    "The farmer moved his sheep up the hill.", "A small boat came past the harbour.",
    "Maybe we should open the window.", "Paper boats float better than you think.",
    "They bought a lovely house by the river.", "The museum opens at half past nine.",
    "Some people prefer apples to plums.", "I will meet you in front of the bank.",
    "The baby smiled at the big brown bear.", "Rain began to fall before the match.",
    "Both of them remember the old bridge.", "Your package may be late this month.",
    "We climbed up to the top of the tower.", "Her piano teacher lives above the shop.",
    "Pumpkin soup is best in November.", "The bus stopped beside the post office.",
    "He mixed a bit of pepper with the beans.", "Our team won the cup for the first time.",
    "Simple problems may have simple answers.", "The plumber fixed the pipe by noon.",
    "A purple umbrella lay upon the bench.", "My mother bakes the bread herself.",
    "The map shows a path beyond the swamp.", "Big dogs bark, but small ones bite.",
    "Bring me the hammer and the paint.", "The lamb jumped over the muddy pond.",
    "Probably nobody will ever find it.", "Remember to shut the gate behind you.",
)  # fmt: skip
"""Said by a synthetic voice where there is no recorded speech."""


@dataclass(frozen=True)
class Sentence:
    """Something that was said.

    Attributes:
        name: of the recording, or the text.
        samples: (n,) float at 16 kHz.
        phones: with their times, s.
    """

    name: str
    samples: NDArray[np.float32]
    phones: tuple[Phone, ...]


def recorded(folder: Path, count: int) -> list[Sentence]:
    """The first sentences of a folder with sound and TextGrids of the same name, cut short.

    Raises:
        InputError: there are fewer.
    """
    out = []
    for grid in sorted(folder.glob("*.TextGrid"))[:count]:
        sound = next((p for p in folder.glob(f"{grid.stem}.*") if p != grid), None)
        if sound is not None:
            out.append(_short(grid.stem, audio.load(sound), textgrid.phones(grid)))
    if len(out) < count:
        raise InputError(f"{folder} has {len(out)} sentences with TextGrids, wanted {count}")
    return out


def synthetic(count: int) -> list[Sentence]:
    """Sentences of flite, its own phone times.

    Raises:
        ModelError: flite is not installed.
        InputError: there are fewer.
    """
    if count > len(TEXTS):
        raise InputError(f"there are {len(TEXTS)} sentences, wanted {count}")
    speak, rng = flite("slt"), np.random.default_rng(0)
    out = []
    for text in TEXTS[:count]:
        said = speak(text, rng)
        out.append(_short(text, np.asarray(said.samples / 32768, np.float32), said.phones))
    return out


def _short(name: str, samples: NDArray[np.float32], phones: list[Phone]) -> Sentence:
    ends = [p.end for p in phones if p.end <= LONGEST_S]
    quiet = [p.start + 0.02 for p in phones if p.name == SILENCE and p.start >= SHORTEST_S]
    quiet = [t for t in quiet if t <= LONGEST_S]
    end = max(quiet or ends, default=LONGEST_S)
    cut = samples[: int(end * RATE)].copy()
    fade = min(len(cut), RATE // 50)
    cut[len(cut) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return Sentence(name, cut, tuple(p for p in phones if p.end <= end + 1e-9))
