"""Trials of ``mien bench style``: conversations of held-out speakers."""

from __future__ import annotations

import csv
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from mien.models import checkpoint
from mien.models.data import voice_emotion
from mien.models.data.corpora import emotional, voices200
from mien.models.data.schema import read_audio
from mien.models.data.voice_emotion import HISTORY, Floats, Measured
from mien.models.face.blendshapes import FPS
from mien.models.face.emotion_table import table
from mien.models.speech.features import RATE
from mien.models.style.emotion import (
    CLASSES,
    KIND,
    EmotionStream,
    Parameters,
    answer,
    heard,
    layout,
)
from mien.robot.expression.emotion.voice_estimate import VoiceEstimate

SIX: Final = (0, 1, 2, 6, 7, 10)
"""Mean, spread and change of pitch, spread and change of level, share of voiced sound."""
PLANE: Final = np.array([[table()[n].arousal, table()[n].valence] for n in CLASSES])
_STREAMED: Final = 6
"""Sentences of each emotion in a stream."""


def conversations(p: Parameters, held: Measured, state: str) -> tuple[Floats, NDArray[np.int64]]:
    """Inputs of the network at the end of each sentence, twice, and the emotions.

    Args:
        p: of the network.
        held: sentences of one speaker.
        state: what was heard before: ``random`` or ``neutral`` emotions, or ``cold``.
    """
    rng = np.random.default_rng(1)
    ends = (held.rows[:, -1] - p.mean) * p.scale
    order = np.tile(np.arange(len(ends)), 1 if state == "cold" else 2)
    histories = []
    for at in order:
        others = np.flatnonzero(np.arange(len(ends)) != at)
        if state == "neutral":
            others = others[held.emotion[others] == 0]
        count = 0 if state == "cold" else HISTORY
        histories.append(ends[rng.choice(others, count, replace=False)])
    return voice_emotion.remembered(histories, ends[order]), held.emotion[order]


def after(p: Parameters, held: Measured, state: str) -> float:
    """Share of right answers in ``conversations``."""
    x, emotions = conversations(p, held, state)
    return float(np.mean(answer(p, x)[0].argmax(axis=1) == emotions))


def six_numbers(test: Measured) -> float:
    """Share of right answers of the nearest centroid in six prosody numbers, actor by actor."""
    right = []
    z = test.rows[:, -1][:, list(SIX)]
    for a in range(len(emotional.ACTORS)):
        of = test.actor == a
        z[of] = (z[of] - z[of].mean(axis=0)) / z[of].std(axis=0)
    for a in range(len(emotional.ACTORS)):
        of, others = test.actor == a, test.actor != a
        parts = [z[others & (test.emotion == e)] for e in range(len(CLASSES))]
        centres = np.stack([p.mean(axis=0) for p in parts])
        scale = np.mean([p.std(axis=0) for p in parts], axis=0)
        far = np.square((z[of][:, None] - centres) / scale).sum(axis=2)
        right.append(np.mean(far.argmin(axis=1) == test.emotion[of]))
    return float(np.mean(right))


def streamed(p: Parameters, data: Path, actor: str) -> float:
    """Share of right answers at the ends of sentences in one stream of an actor, from its start."""
    rng = np.random.default_rng(emotional.ACTORS.index(actor))
    text = emotional.sentences(data, held_out=True)
    order = rng.permutation(np.repeat(np.arange(len(CLASSES)), _STREAMED))
    right = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fold.safetensors"
        tensors = {n: getattr(p, n).astype(np.float32) for n in layout()}
        checkpoint.save(path, tensors, {"kind": KIND, "version": 1})
        stream = EmotionStream(path)
    for emotion, k in zip(order, rng.permutation(len(text)), strict=False):
        samples, _ = emotional.say(emotional.model(data, actor, int(emotion)), text[k])
        said = emotional.Said(actor, 0, int(emotion), int(k), samples, ())
        found = stream.push(voice_emotion.audio(said))
        right.append(found.shares[-1].argmax() == emotion)
    return float(np.mean(right))


def people(data: Path) -> tuple[float, float]:
    """Held-out people who read a sentence, to the shipped network: share of neutral at its end, and
    mean intensity of what the face shows."""
    folder = data / "voices200"
    held, neutral, shown = set(voices200.speakers(folder, held_out=True)), [], []
    with (folder / "words.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["speaker"] in held:
                samples = read_audio(folder / "audio" / f"{row['clip']}.flac")
                x = np.asarray(samples / 32768.0, np.float32)
                found = heard(x, len(x) * FPS // RATE)
                if found.confidence[-1] > 0:
                    t = np.arange(len(found.confidence)) / FPS
                    mix = VoiceEstimate(found).sample(t).mix
                    neutral.append(found.shares[-1].argmax() == 0)
                    shown.append(mix[-1].max())
    return float(np.mean(neutral)), float(np.mean(shown))


def frame_ms() -> tuple[float, float]:
    """Median and 99th percentile of the time of a frame in ms."""
    stream, rng, spent = EmotionStream(), np.random.default_rng(0), []
    for _ in range(500):
        block = rng.normal(0, 0.05, RATE // 50).astype(np.float32)
        began = time.perf_counter()
        frames = len(stream.push(block).confidence)
        spent += [1e3 * (time.perf_counter() - began) / frames] if frames else []
    return float(np.median(spent)), float(np.percentile(spent, 99))


class Scores:
    """Results by key and seed."""

    def __init__(self) -> None:
        self._found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._pooled: dict[int, list[tuple[Floats, NDArray[np.int64], Floats]]] = defaultdict(list)
        self.last = 0.0

    def add(self, key: str, seed: int, value: float) -> None:
        """A result of one actor."""
        self._found[key][seed].append(value)
        self.last = value

    def plane(self, p: Parameters, held: Measured, seed: int) -> None:
        """Arousal and valence of one actor."""
        x, emotions = conversations(p, held, "random")
        found = answer(p, x)[1]
        for k, name in enumerate(("arousal", "valence")):
            rho = float(spearmanr(found[:, k], PLANE[emotions, k])[0])
            self._found[f"{name}_rho"][seed].append(rho)
            pitch = float(spearmanr(held.rows[:, -1, 0], PLANE[held.emotion, k])[0])
            self._found[f"{name}_rho_pitch"][seed].append(pitch)
        x, emotions = conversations(p, held, "cold")
        self._pooled[seed].append((answer(p, x)[1], emotions, held.rows[:, -1, 0]))

    def summary(self) -> dict[str, float | int | str | None]:
        """Mean and spread of the seeds of each key."""
        for seed, parts in self._pooled.items():
            found, emotions, pitch = (np.concatenate(c) for c in zip(*parts, strict=True))
            where = PLANE[emotions, 0]
            self.add("arousal_rho_pooled_cold", seed, float(spearmanr(found[:, 0], where)[0]))
            self.add("arousal_rho_pooled_cold_pitch", seed, float(spearmanr(pitch, where)[0]))
        out: dict[str, float | int | str | None] = {}
        for key, by_seed in self._found.items():
            means = [float(np.mean(v)) for v in by_seed.values()]
            out[f"style.{key}"] = float(np.mean(means))
            if len(means) > 1:
                out[f"style.{key}_spread"] = float(np.std(means))
        return out
