"""Songs on the simulated robot, sung and by the speech path: the parts of the song bench."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data import lip_metrics
from mien.models.face.blendshapes import FPS
from mien.models.face.regions import lip_gap
from mien.models.song.hearing import Heard
from mien.models.song.subtitles import MOTIONS, MotionCue, cue, ordered, parse, write
from mien.models.speech.phones import VOWELS
from mien.robot.clip import play_on_rig
from mien.robot.expression.performance import Performance, perform
from mien.robot.expression.song.perform import listen, sing
from mien.robot.expression.song.words import placed
from mien.robot.expression.song.writer import written
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from tests.bench.robot.song_sounds import RATE, Labelled

OPENED: Final = 0.7
"""A vowel is held while the lips are open by more than this share of its widest."""
EDGE_S: Final = 0.25
"""Time after the start of a held vowel in which the mouth still opens, s."""


@dataclass(frozen=True)
class Played:
    """A song on the rig.

    Attributes:
        gap: (T,) lip gap in mm above that of closed lips, at 60 fps.
        landmarks: (T, 478, 3) mm.
    """

    gap: Floats
    landmarks: Floats


class SongRig:
    """Plays songs on one face.

    Args:
        calibrated: the face.
        build: seed of the robot's tolerances.
    """

    def __init__(self, calibrated: Calibrated, build: int) -> None:
        self._calibrated, self._build = calibrated, build

    def play(self, performance: Performance, samples: NDArray[np.float32]) -> Played:
        """Play one performance from neutral."""
        options = play_on_rig.PlayOptions(self._build, height=0)
        found = play_on_rig.play(self._calibrated, performance, samples, options, Path())
        at = np.arange(len(performance.commands)) / FPS
        near = np.clip(np.searchsorted(found.trace.t, at), 0, len(found.trace.t) - 1)
        landmarks = found.trace.landmarks[near]
        return Played(lip_gap(landmarks) - float(lip_gap(found.rest)), landmarks)

    def sung(self, one: Labelled, words: bool = False) -> Played:
        """A song from its sound, or with the words of its score."""
        heard = listen(one.samples)
        cues = written(heard, placed(heard, one.score, None) if words else None)
        print(f"{one.name}: {len(cues)} cues", file=sys.stderr)
        return self.play(sing(self._calibrated, one.samples, heard, cues), one.samples)

    def spoken(self, one: Labelled) -> Played:
        """The same sound by the path of ``mien speak``."""
        return self.play(perform(self._calibrated, one.samples), one.samples)


def held(one: Labelled, gap: Floats) -> tuple[float, float]:
    """Ripple (range over mean) of the last vowel's opening, and ms from its end to shut lips."""
    vowel = next(p for p in reversed(one.phones) if p.name in VOWELS)
    inside = gap[round((vowel.start + EDGE_S) * FPS) : round((vowel.end - 0.1) * FPS)]
    ripple = float(np.ptp(inside) / max(float(inside.mean()), 1e-3))
    limit = lip_metrics.CLOSED * float(np.percentile(gap, 95))
    after = np.flatnonzero(gap[round(vowel.end * FPS) :] < limit)
    return ripple, 1000 * (float(after[0]) / FPS if len(after) else 1.0)


def hold_s(one: Labelled, gap: Floats) -> float:
    """Mean time in s for which the lips hold a vowel."""
    out = []
    for phone in one.phones:
        if phone.name in VOWELS:
            part = gap[round(phone.start * FPS) : round(phone.end * FPS) + 1]
            top = float(part.max(initial=0.0))
            out.append(float((part > OPENED * top).sum()) / FPS if top > 0.5 else 0.0)
    return float(np.mean(out))


def releases(one: Labelled, gap: Floats) -> list[float]:
    """Times in ms from the end of each note before a rest to shut lips."""
    limit = lip_metrics.CLOSED * float(np.percentile(gap, 95))
    out = []
    for k, phone in enumerate(one.phones[:-1]):
        rest = one.phones[k + 1]
        if phone.name in VOWELS and rest.name == "sil" and rest.end - rest.start > 0.4:
            end = voice_end(one.samples, phone.start, rest.end)
            after = np.flatnonzero(gap[round(end * FPS) : round(rest.end * FPS)] < limit)
            out.append(1000 * (float(after[0]) / FPS if len(after) else rest.end - end))
    return out


def voice_end(samples: NDArray[np.float32], start: float, until: float) -> float:
    """When a voice falls for good by 20 dB below its level after ``start``, s."""
    part = samples[int(start * RATE) : int(until * RATE)].astype(np.float64)
    hops = part[: len(part) // 160 * 160].reshape(-1, 160)
    level = 10 * np.log10(np.mean(hops**2, axis=1) + 1e-9)
    loud = np.flatnonzero(level > np.percentile(level, 80) - 20)
    return start + (float(loud[-1]) + 1) / 100 if len(loud) else until


def round_trip(cues: Sequence[MotionCue]) -> bool:
    """Whether nothing is lost between cues and their file."""
    text = write(cues)
    return parse(text) == ordered(cues) and write(parse(text)) == text


def frames_off(calibrated: Calibrated, one: Labelled, heard: Heard) -> float:
    """Largest distance in frames between the times of a cue and those of its motion."""
    cues = written(heard)
    before = sing(calibrated, one.samples, heard, cues)
    worst = 0.0
    start = heard.notes[0].start
    for region, motions in MOTIONS.items():
        motion = next(m for m in reversed(motions) if m != "sway")
        mine = cue(start + 0.313, start + 1.777, region, motion, 0.8)
        after = sing(calibrated, one.samples, heard, [*cues, mine])
        change = np.abs(after.weights - before.weights).max(axis=1)
        change = np.maximum(change, np.abs(after.head - before.head).max(axis=1))
        moved = np.flatnonzero(change > 1e-7) / FPS
        if not len(moved):
            return np.inf
        # The motion begins after the start and is gone at the end: within a frame of both.
        early, late = mine.start * FPS - moved[0] * FPS, moved[-1] * FPS - mine.end * FPS
        worst = max(worst, early, late, -early - 1, -late - 1)
    return float(worst)


def shortened(one: Labelled, seconds: float) -> Labelled:
    """The beginning of a song."""
    return replace(one, samples=one.samples[: int(seconds * RATE)])
