"""Held-out sentences of a filmed speaker: scenes, filmed motion, and their nearest neighbours."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.models.data.manner import MannerClip, filmed
from mien.models.data.schema import read_audio
from mien.models.manner import config
from mien.robot.face.config import Floats
from mien.robot.show.scene import Scene

UPPER = ("browDownLeft", "browDownRight", "eyeBlinkLeft", "eyeBlinkRight")
HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")


@dataclass(frozen=True, eq=False)
class Sentence:
    """One filmed sentence.

    Attributes:
        clip: its motion at 30 fps. scene: its sound.
        words: said, in order.
    """

    clip: MannerClip
    scene: Scene
    words: tuple[str, ...]

    @property
    def filmed(self) -> dict[str, Floats]:
        """Deviations (T,) from rest at 60 fps by name, held beyond the film."""
        t = np.arange(len(self.clip.curves)) / config.FPS
        return {
            name: np.interp(self.scene.times, t, self.clip.curves[:, column])
            for name, column in zip(config.GENERATED, config.COLUMNS, strict=True)
        }


def sentences(folder: Path, held_out: bool, count: int) -> list[Sentence]:
    """Sentences of a corpus in GRID's layout, spread evenly over its names.

    Args:
        folder: with audio, face.npz and words.csv.
        held_out: those that nothing was trained on, or the others.
        count: of sentences, at most.
    """

    def silent(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.zeros((-(-len(samples) * 60 // 16000), 52), np.float32)

    clips = filmed(folder, silent, held_out)  # the lips come from the scene
    said: dict[str, list[str]] = defaultdict(list)
    with (folder / "words.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["word"] != "sil":
                said[row["clip"]].append(row["word"])
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(count, len(clips))).astype(int))
    out = []
    for k in chosen:
        sound = read_audio(folder / "audio" / f"{clips[k].name}.flac").astype(np.float32) / 32768.0
        out.append(Sentence(clips[k], Scene(sound), tuple(said[clips[k].name])))
    return out


def alike(one: Sentence, others: Sequence[Sentence]) -> list[Sentence]:
    """The others, those with the most words in the same place first."""

    def shared(other: Sentence) -> int:
        return sum(a == b for a, b in zip(one.words, other.words, strict=False))

    return sorted((o for o in others if o.clip.name != one.clip.name), key=shared, reverse=True)


def errors(
    made: dict[str, Floats], real: dict[str, Floats], names: Sequence[str], scale: dict[str, float]
) -> float:
    """RMS difference of curves (T,), each in units of its spread over the corpus."""
    parts = []
    for name in names:
        n = min(len(made[name]), len(real[name]))
        parts.append(np.mean(np.square((made[name][:n] - real[name][:n]) / scale[name])))
    return float(np.sqrt(np.mean(parts)))


def spreads(all_of: Sequence[Sentence]) -> dict[str, float]:
    """Standard deviation of each curve within sentences."""
    rows = [s.filmed for s in all_of]
    return {n: float(np.sqrt(np.mean([r[n].var() for r in rows]))) for n in config.GENERATED}
