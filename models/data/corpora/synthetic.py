"""Corpora of synthetic voices: text, sound, phone times, and shapes by rules."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from mien.models.data.corpora.sentences import pinyin, sentences
from mien.models.data.corpora.voices import FLITE, Spoken, Voice, espeak, flite, hibari
from mien.models.data.labels import coarticulation
from mien.models.data.labels.phone_names import frame_labels, from_labels, merge_silence
from mien.models.data.schema import Clip, frame_count
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE
from mien.models.speech.phones import SILENCE, Phone

ESPEAK: Final[tuple[tuple[str, str], ...]] = (
    *(("en-us", v) for v in ("f2", "m3", "steph", "adam", "klatt2", "f4", "m7", "belinda")),
    *(("en-gb-x-rp", v) for v in ("f1", "m1", "linda", "Andy")),
    *(("en-gb-scotland", v) for v in ("f5", "m5")),
    *(("cmn-latn-pinyin", v) for v in ("f2", "m3", "anika", "david", "f3", "m8")),
    *(("es", "f1"), ("it", "m4"), ("de", "f4"), ("pt-br", "m2"), ("nl", "f2"), ("pl", "m1")),
)
"""Languages and variants of espeak-ng in the training data."""


def rule_clip(name: str, corpus: str, speaker: str, spoken: Spoken) -> Clip:
    """Clip of an utterance, with shapes by the fitted rules."""
    frames = frame_count(len(spoken.samples))
    shapes = coarticulation.shapes(spoken.phones, spoken.samples, frames).astype(np.float16)
    labels = frame_labels(spoken.phones, frames, FPS)
    given = coarticulation.GIVEN
    return Clip(name, corpus, speaker, "rules", spoken.samples, shapes, given, labels)


def with_rules(clip: Clip, rules: coarticulation.Rules) -> Clip:
    """The same recording with shapes by ``rules``, delayed by DELAY_S. Phone times have 1/60 s."""
    late = coarticulation.DELAY_S
    phones = [Phone(p.name, p.start + late, p.end + late) for p in from_labels(clip.phones, FPS)]
    shapes = coarticulation.shapes(phones, clip.samples, len(clip.phones), rules)
    return replace(clip, shapes=shapes.astype(np.float16))


def with_pauses(spoken: Spoken, rng: np.random.Generator) -> Spoken:
    """Add silence of random length before and after an utterance."""
    before, after = rng.uniform(0.1, 0.8), rng.uniform(0.1, 0.8)
    pads = [np.zeros(int(s * RATE), np.int16) for s in (before, after)]
    shift = len(pads[0]) / RATE
    moved = [Phone(p.name, p.start + shift, p.end + shift) for p in spoken.phones]
    samples = np.concatenate([pads[0], spoken.samples, pads[1]])
    end = moved[-1].end if moved else shift
    whole = [Phone(SILENCE, 0.0, shift), *moved, Phone(SILENCE, end, len(samples) / RATE)]
    return Spoken(samples, merge_silence(whole))


_GRID: Final = 3  # frames: 3 / 60 s are 800 samples exactly


def joined(clips: Sequence[Clip], seed: int = 0, together: int = 4) -> list[Clip]:
    """Concatenate sentences of one voice, with pauses of 0.1 to 0.8 s between them.

    Single sentences contain no pauses. Real speech does, and lips close in pauses.
    """
    rng = np.random.default_rng(seed)
    out: list[Clip] = []
    row: list[Clip] = []
    for i, clip in enumerate(clips):
        spoken = np.flatnonzero(clip.phones > 0)
        if len(spoken):
            before, after = (int(60 * rng.uniform(0.06, 0.4)) for _ in range(2))
            first = max(int(spoken[0]) - before, 0) // _GRID * _GRID
            last = min(int(spoken[-1]) + after, len(clip.phones) - _GRID) // _GRID * _GRID
            part = slice(first, last)
            sound = slice(first * RATE // FPS, last * RATE // FPS)
            row.append(
                replace(
                    clip,
                    samples=clip.samples[sound],
                    shapes=clip.shapes[part],
                    phones=clip.phones[part],
                )
            )
        ends = i + 1 == len(clips) or clips[i + 1].speaker != clip.speaker
        if row and (ends or len(row) == together):
            out.append(
                replace(
                    row[0],
                    samples=np.concatenate([c.samples for c in row]),
                    shapes=np.concatenate([c.shapes for c in row]),
                    phones=np.concatenate([c.phones for c in row]),
                )
            )
            row = []
    return out


def clips(
    corpus: str,
    speaker: str,
    voice: Voice,
    texts: Sequence[str],
    minutes: float,
) -> list[Clip]:
    """Synthesise ``texts`` in order, until there are ``minutes`` of sound."""
    rng = np.random.default_rng(zlib.crc32(speaker.encode()))
    out: list[Clip] = []
    total = 0.0
    for i, text in enumerate(texts):
        spoken = voice(text, rng)
        if len(spoken.phones) < 4 or len(spoken.samples) < RATE // 2:
            continue
        clip = rule_clip(f"{speaker}-{i:04d}", corpus, speaker, with_pauses(spoken, rng))
        out.append(clip)
        total += len(clip.samples) / RATE / 60
        if total >= minutes:
            break
    return out


def makers(words: Sequence[str], size: float = 1.0) -> dict[str, Callable[[], list[Clip]]]:
    """Name of a synthetic corpus -> function that makes its clips. ``size`` scales the length."""

    def english(speaker: str) -> list[str]:
        return sentences(2000, zlib.crc32(speaker.encode()), words)

    def make_flite() -> list[Clip]:
        out = []
        for v in sorted(FLITE):
            name = f"flite-{v}"
            out += clips("flite", name, flite(v), english(name), 22 * size)
        return out

    def make_hibari() -> list[Clip]:
        return clips("hibari", "hibari", hibari(), english("hibari"), 40 * size)

    def make_espeak() -> list[Clip]:
        out = []
        for language, variant in ESPEAK:
            name = f"espeak-{language}-{variant}"
            seed = zlib.crc32(name.encode())
            texts = pinyin(500, seed) if language.startswith("cmn") else english(name)
            out += clips("espeak", name, espeak(language, variant), texts, 3.5 * size)
        return out

    return {"flite": make_flite, "hibari": make_hibari, "espeak": make_espeak}
