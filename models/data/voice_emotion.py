"""Conversations of acted voices as statistics, to train and test the emotion of a voice.

A conversation is one speaker: sentences in any mixture of emotions, then the one that is asked for.
Speakers show an emotion in their own ways: some by pitch, some by timbre. So what an emotion does
to each group of statistics is scaled at random, and partly taken from another actor. Pitch and
spectrum of a whole conversation are moved too, as other people and microphones move them.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.corpora import emotional, voices200
from mien.models.data.schema import read_audio
from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS
from mien.models.files import whole
from mien.models.reading.arrays import read_npz
from mien.models.speech.features import RATE
from mien.models.style.emotion import CLASSES, inputs
from mien.models.style.prosody import STATISTICS, prosody

Floats = NDArray[np.float64]
MOMENTS: Final = 8
"""Moments of a sentence at which it may be asked for; its end is one more."""
SPEAKERS, EACH, HELD_EACH = 4, 16, 40
HISTORY: Final = 12
"""Most sentences before the one that is asked for."""
GROUPS: Final = ((0,), (1, 2, 3), tuple(range(4, 12)), tuple(range(12, 18)))
"""Statistics that an emotion moves together: pitch, melody, rhythm and level, timbre."""
_LEVEL, _LEAST_S = 0.06, 0.7
_PEOPLE: Final = 0.5
"""Share of conversations of people."""
_SHARE: Final = 0.7
"""Units of voiced time that the sentence itself adds to the memory."""


@dataclass(frozen=True)
class Measured:
    """Sentences as statistics.

    Attributes:
        actor, speaker, emotion, text: (K,) numbers.
        rows: (K, MOMENTS + 1, 18) statistics at moments of the sentence and at its end.
    """

    actor: NDArray[np.int64]
    speaker: NDArray[np.int64]
    emotion: NDArray[np.int64]
    text: NDArray[np.int64]
    rows: Floats

    def of(self, chosen: NDArray[np.bool_]) -> Measured:
        """A part of the sentences."""
        return Measured(*(getattr(self, n)[chosen] for n in self.__dataclass_fields__))


def audio(said: emotional.Said) -> NDArray[np.float32]:
    """Sound (n,) of a sentence at the same level as all others."""
    x = said.samples.astype(np.float32) / 32768.0
    return np.asarray(x * (_LEVEL / np.sqrt(np.mean(x**2) + 1e-9)), np.float32)


def rows_of(samples: NDArray[np.float32]) -> Floats | None:
    """Statistics (MOMENTS + 1, 18) of a sound, or None without enough voice."""
    found = prosody(samples, len(samples) * FPS // RATE)
    at = np.arange(FPS - 1, len(found.seconds), FPS // 4)
    at = at[found.seconds[at] > _LEAST_S]
    if len(at) < 2:
        return None
    chosen = at[np.linspace(0, len(at) - 1, MOMENTS).astype(int)]
    return np.asarray(found.statistics[np.append(chosen, len(found.seconds) - 1)])


def measured(said: Sequence[emotional.Said]) -> Measured:
    """Statistics of sentences; those with too little voice are left out."""
    kept, rows = [], []
    for one in said:
        found = rows_of(audio(one))
        if found is not None:
            rows.append(found)
            kept.append((emotional.ACTORS.index(one.actor), one.speaker, one.emotion, one.text))
    actor, speaker, emotion, text = np.array(kept).T
    return Measured(actor, speaker, emotion, text, np.stack(rows))


def prepared(data: Path, cache: Path) -> tuple[Measured, Measured]:
    """Sentences that train and sentences that test. The first call speaks them (15 minutes).

    Raises:
        ModelError: a voice or open_jtalk is missing.
    """
    out = []
    for held_out in (False, True):
        path = cache / f"voice-emotion-{'test' if held_out else 'train'}.npz"
        if not path.is_file():
            counts = (1, HELD_EACH) if held_out else (SPEAKERS, EACH)
            store(path, measured(list(emotional.spoken(data, *counts, held_out))))
        kept = read_npz(path, own=True)
        out.append(Measured(*(kept[n] for n in Measured.__dataclass_fields__)))
    return out[0], out[1]


def store(path: Path, found: Measured) -> None:
    """Write statistics to a file of ``prepared``."""
    with whole(path) as part, part.open("wb") as file:
        np.savez(file, **{n: getattr(found, n) for n in found.__dataclass_fields__})


def people(data: Path, held_out: bool = False) -> list[Floats]:
    """Statistics (K, 18) of each person of voices200, who reads without emotion.

    Raises:
        ModelError: the corpus is not there.
    """
    folder = data / "voices200"
    if not (folder / "words.csv").is_file():
        raise ModelError(f"no {folder}/words.csv", "python -m mien.models.train.style.emotion")
    found: dict[str, list[Floats]] = {n: [] for n in voices200.speakers(folder, held_out)}
    with (folder / "words.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["speaker"] in found:
                samples = read_audio(folder / "audio" / f"{row['clip']}.flac")
                rows = rows_of(samples.astype(np.float32) / 32768.0)
                found[row["speaker"]] += [] if rows is None else [rows[-1]]
    return [np.stack(rows) for rows in found.values() if rows]


class Speakers:
    """Speakers who train: sentences by emotion, and what each emotion does to their statistics.

    Args:
        found: sentences of them.
        people: statistics (K, 18) of each of many people without emotion, who get those of actors.
    """

    def __init__(self, found: Measured, people: list[Floats]) -> None:
        self.people = people
        keys = sorted(set(zip(found.actor.tolist(), found.speaker.tolist(), strict=True)))
        self.actors = [a for a, _ in keys]
        self.rows = [
            [
                found.rows[(found.actor == a) & (found.speaker == s) & (found.emotion == e)]
                for e in range(len(CLASSES))
            ]
            for a, s in keys
        ]
        ends = [[r[:, -1].mean(axis=0) for r in rows] for rows in self.rows]
        self.effects = np.array(ends) - np.array(ends)[:, :1]
        own = np.mean([e[0] for e in ends], axis=0)
        self.mean = 0.5 * (own + np.mean(np.concatenate(people), axis=0))
        self.spread = np.mean(
            [np.concatenate([r[:, -1] for r in rows]).std(axis=0) for rows in self.rows], axis=0
        )


def conversations(speakers: Speakers, count: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Inputs (count, 21) of the network after conversations, and the emotions (count,).

    Args:
        speakers: who talk.
        count: number of conversations.
        seed: of the choice.
    """
    rng = np.random.default_rng(seed)
    emotions = rng.integers(0, len(CLASSES), count)
    histories, now = [], np.zeros((count, len(STATISTICS)))
    for k, emotion in enumerate(emotions):
        rows = _conversation(speakers, int(emotion), rng)
        histories.append((rows[:-1] - speakers.mean) / (speakers.spread + 1e-3))
        now[k] = (rows[-1] - speakers.mean) / (speakers.spread + 1e-3)
    return remembered(histories, now), emotions


def remembered(histories: Sequence[Floats], now: Floats) -> Floats:
    """Inputs (N, 21) for standardised statistics (N, 18) after sentences (H, 18) of each."""
    sums = np.stack([h.sum(axis=0) for h in histories]) + _SHARE * now
    squares = np.stack([np.square(h).sum(axis=0) for h in histories]) + _SHARE * now**2
    return inputs(now, sums, squares, np.array([len(h) for h in histories]) + _SHARE)


def _conversation(speakers: Speakers, emotion: int, rng: np.random.Generator) -> Floats:
    """Statistics (H + 1, 18) of sentences; the last one is in ``emotion``."""
    who = int(rng.integers(len(speakers.rows)))
    rows = speakers.rows[who]
    count = int(rng.integers(0, HISTORY + 1)) if rng.random() > 0.15 else 0
    share = rng.dirichlet(np.full(len(CLASSES), rng.choice([0.3, 1.0, 3.0])))
    if rng.random() < 0.3:
        share = 0.3 * share + 0.7 * np.eye(len(CLASSES))[0]
    order = np.append(rng.choice(len(CLASSES), count, p=share), emotion)
    said = [rows[e][rng.integers(len(rows[e])), -1] for e in order[:-1]]
    said.append(rows[emotion][rng.integers(len(rows[emotion])), rng.integers(MOMENTS)])
    others = [k for k, a in enumerate(speakers.actors) if a != speakers.actors[who]]
    own, other = speakers.effects[who], speakers.effects[int(rng.choice(others or [who]))]
    change = np.zeros_like(own)
    for group in GROUPS:
        part, gain = rng.random(), rng.uniform(0.3, 1.5)
        columns = list(group)
        change[:, columns] = (gain * ((1 - part) * own + part * other) - own)[:, columns]
    if rng.random() < _PEOPLE:  # the emotions of actors in another's voice
        person = speakers.people[int(rng.integers(len(speakers.people)))]
        said = list(person[rng.integers(len(person), size=len(order))] + own[order])
    moved = rng.normal(0.0, 0.8, len(STATISTICS)) * speakers.spread
    moved[0] = rng.normal(0.0, 0.35)
    return np.asarray(np.stack(said) + change[order] + moved)
