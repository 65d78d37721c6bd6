"""Scores of a speech network on sounds that are no clean sentence of a known voice.

Every score takes a system ``samples (n,) at 16 kHz -> shapes (T, 52) at 60 Hz``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data import lip_metrics
from mien.models.data.corpora import grid, voices200
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels import textgrid
from mien.models.data.labels.lips import from_measures, gap_of
from mien.models.data.schema import read_audio
from mien.models.face.blendshapes import FPS, INDEX, lip_opening
from mien.models.speech import metrics
from mien.models.speech.features import RATE
from mien.models.speech.phones import BILABIAL, LABIODENTAL, SILENCE, Phone
from mien.models.train.speech.evaluate import Speak, audio, sample
from tests.bench.models import speech_sounds as sounds

Scores = dict[str, float | None]
Utterance = tuple[str, Spoken]
EVERY_TAKE: Final = 5
"""One of this many test clips of GRID is measured in each condition."""
EDGE_S: Final = 0.1
"""Edge of a recording, s."""
MUSIC_S: Final = 30.0
"""Part of a piece that is heard, s."""
ROUND: Final = frozenset({"W", "UW", "OW", "SH"})
SPREAD: Final = frozenset({"IY", "EH", "S"})
MOVED: Final = ("mouthPucker", "mouthSmileLeft", "mouthStretchLeft", "mouthRollUpper", "jawOpen")
"""Shapes that a camera sees GRID's speaker move."""


def recordings(folder: Path) -> list[Utterance]:
    """Utterances of a folder of .flac with phone .TextGrid."""
    return [
        (path.stem, Spoken(read_audio(path.with_suffix(".flac")), textgrid.phones(path)))
        for path in sorted(folder.glob("*.TextGrid"))
    ]


def held_out_voices(folder: Path) -> list[Utterance]:
    """Utterances of the 40 people of voices200 that no training saw."""
    return [(name, said) for name, _, said in voices200.spoken(folder, held_out=True)]


def samples_of(spoken: Spoken) -> NDArray[np.float32]:
    """Samples (n,) in -1..1."""
    return spoken.samples.astype(np.float32) / np.float32(32768)


def held_vowels(system: Speak, said: Sequence[Utterance], most: int = 120) -> Scores:
    """Vowels stretched to 2 s by WORLD, with silence after them; at three pitches in turn.

    ``held_vowel_ratio``: the opening at 1.5 to 1.9 s over that at 0.3 s, median.
    ``held_vowel_shut``: share of vowels with a shut frame after 0.3 s. ``release_ms_p95``: time
    from the voice's end to shut lips.
    """
    ratios, shut, release = [], [], []
    for i, (_, spoken) in enumerate(list(said)[:: max(1, len(said) // most)][:most]):
        made = sounds.held_vowel(spoken, i % 4, (0.8, 1.0, 1.5)[i % 3])
        if made is None:
            continue
        samples, begin, end = made
        gap = lip_opening(system(samples))
        closed = gap < lip_metrics.CLOSED * _speech_p95(system, spoken)
        early = gap[_frames(begin + 0.25, begin + 0.35)].mean()
        ratios.append(float(gap[_frames(begin + 1.5, end - 0.1)].mean() / max(early, 1e-3)))
        shut.append(bool(closed[_frames(begin + 0.3, end - 0.1)].any()))
        after = np.flatnonzero(closed[round(end * FPS) :])
        release.append(1000 * (after[0] / FPS if len(after) else sounds.SILENCE_S))
    return {
        "held_vowel_ratio": float(np.median(ratios)),
        "held_vowel_shut": float(np.mean(shut)),
        "release_ms_p95": float(np.percentile(release, 95)),
        "held_vowels": float(len(ratios)),
    }


def _speech_p95(system: Speak, spoken: Spoken) -> float:
    return float(np.percentile(lip_opening(system(samples_of(spoken))), 95))


def _frames(begin: float, end: float) -> slice:
    return slice(round(begin * FPS), max(round(end * FPS), round(begin * FPS) + 1))


def in_noise(
    system: Speak, takes: Sequence[grid.Take], others: Sequence[NDArray[np.float32]], delay_s: float
) -> Scores:
    """Median r of the lip gap on GRID's test clips in each condition.

    ``_envelope`` beside it is the causal log-RMS of the same sound at the same delay.
    """
    rows: dict[str, list[float]] = {}
    for i, take in enumerate(takes[::EVERY_TAKE]):
        clean = audio(take.audio)
        times = np.arange(len(take.gap)) / take.fps
        rng = np.random.default_rng(i)
        heard = {
            "clean": clean,
            "white_10": sounds.added(clean, rng.normal(size=len(clean)), 10),
            "telephone": sounds.telephone(clean),
            "room": sounds.room(clean, rng),
        }
        if others:
            noise = sounds.babble(others, len(clean), rng)
            heard["babble_20"] = sounds.added(clean, noise, 20)
            heard["babble_10"] = sounds.added(clean, noise, 10)
        for name, sound in heard.items():
            gap = sample(gap_of(system(sound)), times)
            rms = lip_metrics.envelope(sound, RATE, times + delay_s - 0.025)
            level = lip_metrics.log_envelope(rms)
            rows.setdefault(f"{name}_r", []).append(metrics.pearson(gap, take.gap))
            rows.setdefault(f"{name}_envelope", []).append(metrics.pearson(level, take.gap))
    return {k: float(np.median(v)) for k, v in rows.items()}


def on_music(system: Speak, folder: Path | None, said: Sequence[Utterance]) -> Scores:
    """95th percentile of the opening in each piece without a voice, over that of speech."""
    keys = ("music_p95", "music_above_half", "music_pieces")
    paths = sorted(folder.rglob("*.ogg")) if folder is not None else []
    if not paths:
        return dict.fromkeys(keys)
    gaps = [lip_opening(system(samples_of(s))) for _, s in said[::4]]
    speech = np.percentile(np.concatenate(gaps), 95)
    count = int(MUSIC_S * RATE)
    found = []
    for path in paths:
        piece = audio(path)
        begin = max(0, len(piece) // 2 - count // 2)
        opening = lip_opening(system(piece[begin : begin + count]))
        found.append(float(np.percentile(opening, 95) / speech))
    return dict(
        zip(
            keys,
            (np.median(found), float(np.sum(np.asarray(found) > 0.5)), len(found)),
            strict=True,
        )
    )


def on_phones(system: Speak, said: Iterable[Utterance]) -> Scores:
    """Closures, bites of f and v, rounding and edges, over recordings with phone times.

    ``fv_shut``: share of f and v with a shut frame in their middle 60 %, away from p, b and m.
    ``rounding_auc``: chance that pucker + funnel is larger in w, uw, ow, sh than in iy, eh, s.
    ``edge_open``: share of the first and last 100 ms in which the lips are open without speech.
    """
    total = lip_metrics.Contact()
    bites, edges = [], []
    rounded: dict[bool, list[float]] = {True: [], False: []}
    for _, spoken in said:
        shapes = system(samples_of(spoken))
        gap = lip_opening(shapes)
        total = total + lip_metrics.contact(gap, spoken.phones, FPS)
        closed = gap < lip_metrics.CLOSED * np.percentile(gap, 95)
        lips = shapes[:, INDEX["mouthPucker"]] + shapes[:, INDEX["mouthFunnel"]]
        for i, phone in enumerate(spoken.phones):
            near = {p.name for p in spoken.phones[max(i - 1, 0) : i + 2]}
            part = _middle(phone)
            if phone.name in LABIODENTAL and not near & {*BILABIAL, SILENCE}:
                bites.append(bool(closed[part].any()))
            if phone.name in ROUND | SPREAD and len(lips[part]):
                rounded[phone.name in ROUND].append(float(lips[part].mean()))
        edges += _edges(closed, spoken.phones)
    return {
        "closure_recall": total.closure_recall,
        "closure_false": total.closure_false,
        "vowel_closed": total.vowel_closed,
        "silence_open": total.silence_open,
        "fv_shut": float(np.mean(bites)) if bites else None,
        "rounding_auc": _auc(rounded[True], rounded[False]),
        "edge_open": float(1 - np.mean(edges)) if edges else None,
    }


def _middle(phone: Phone) -> slice:
    edge = 0.2 * (phone.end - phone.start)
    return _frames(phone.start + edge, phone.end - edge)


def _edges(closed: NDArray[np.bool_], phones: Sequence[Phone]) -> list[bool]:
    """Whether the lips are shut, for each frame of silence at one of the two edges.

    A frame next to speech does not count: lips move before the sound.
    """
    size = round(EDGE_S * FPS)
    margin = lip_metrics.SILENCE_MARGIN
    times = np.arange(len(closed)) / FPS
    quiet = np.zeros(len(closed), np.bool_)
    for i, p in enumerate(phones):
        if p.name == SILENCE:
            first = p.start + (margin if i else 0.0)
            last = p.end - (margin if i + 1 < len(phones) else 0.0)
            quiet |= (times >= first) & (times < last)
    out = np.concatenate([closed[:size][quiet[:size]], closed[-size:][quiet[-size:]]])
    return [bool(x) for x in out]


def _auc(high: Sequence[float], low: Sequence[float]) -> float | None:
    """Chance that a value of ``high`` is above one of ``low``."""
    if not high or not low:
        return None
    a, b = np.asarray(high)[:, None], np.asarray(low)[None]
    return float(np.mean((a > b) + 0.5 * (a == b)))


def amplitudes(system: Speak, takes: Sequence[grid.Take]) -> Scores:
    """Spread (5th to 95th percentile) of each shape over that of the filmed face, and the width."""
    mine, real = [], []
    for take in takes[::EVERY_TAKE]:
        times = np.arange(len(take.gap)) / take.fps
        shapes = system(audio(take.audio))
        mine.append(np.stack([sample(shapes[:, INDEX[n]], times) for n in MOVED], axis=1))
        filmed = from_measures(take.shapes, take.gap, take.width, grid.rest_width(take))
        real.append(filmed[:, [INDEX[n] for n in MOVED]])
    ends = [np.percentile(np.concatenate(x), (5, 95), axis=0) for x in (mine, real)]
    spread = [high - low for low, high in ends]
    return {
        f"amplitude_{n}": float(a / max(b, 1e-6)) for n, a, b in zip(MOVED, *spread, strict=True)
    }


@dataclass(frozen=True)
class Heard:
    """What every system hears, read and aligned once."""

    read: tuple[Utterance, ...]
    """lj_phones."""
    voices: tuple[Utterance, ...]
    """The held-out people of voices200."""
    takes: tuple[grid.Take, ...]
    """GRID's test clips."""
    music: Path | None
    """Folder of pieces without a voice."""


def heard(corpora: Path, music: Path | None) -> Heard:
    """The recordings below a folder with grid_s1, lj_phones and voices200."""
    folder = corpora / "voices200"
    return Heard(
        tuple(recordings(corpora / "lj_phones")),
        tuple(held_out_voices(folder)) if folder.is_dir() else (),
        tuple(grid.takes(corpora / "grid_s1", held_out=True)),
        music,
    )


def conditions(
    system: Speak, sounds_of: Heard, lookahead_ms: float
) -> dict[str, float | int | str | None]:
    """All scores of this file; those of a missing corpus are left out.

    Args:
        system: the system under test.
        sounds_of: what it hears.
        lookahead_ms: sound after a frame that the system hears, for the envelope beside it.
    """
    system = _remembered(system)
    out: dict[str, float | int | str | None] = {}
    read, voices = sounds_of.read, sounds_of.voices
    both = [*read, *voices]
    if voices:
        out |= {f"voices_{k}": v for k, v in on_phones(system, voices).items()}
    if both:
        out |= {f"all_{k}": v for k, v in on_phones(system, both).items()}
        out |= {k: out[f"all_{k}"] for k in ("fv_shut", "rounding_auc", "edge_open")}
        out |= held_vowels(system, both)
    if read:
        out |= on_music(system, sounds_of.music, read)
    others = [samples_of(said) for _, said in voices]
    out |= in_noise(system, sounds_of.takes, others, lookahead_ms / 1000)
    out |= amplitudes(system, sounds_of.takes)
    return out


def _remembered(system: Speak) -> Speak:
    """The same system, which is asked once for each sound: several scores hear the same."""
    known: dict[bytes, NDArray[np.float32]] = {}

    def answer(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        key = sha256(samples.tobytes()).digest()
        if key not in known:
            known[key] = system(samples)
        return known[key]

    return answer
