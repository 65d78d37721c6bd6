"""Performs a song: its sound and its motion subtitles to the commands of a face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mien.models.face.blendshapes import FPS
from mien.models.face.emotion import Variation
from mien.models.song.hearing import Heard, hear, normal
from mien.models.song.subtitles import VOWELS, MotionCue
from mien.robot.expression import speech
from mien.robot.expression.emotion.prosody import stress
from mien.robot.expression.emotion.track import EmotionSource, EmotionTrack
from mien.robot.expression.layers import Life, compose, excitement
from mien.robot.expression.performance import TAIL_S, Performance, solved
from mien.robot.expression.song.motion import Moods, added, bridged, envelope, mouth
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.solver import head_gains
from mien.robot.media.audio import RATE

VIBRATO: Final = 0.018
"""Relative change of a held opening (standard deviation) by a vibrato."""
SWELL_PER_DB: Final = 0.004
"""Relative change of a held opening for each dB of loudness within the note, at most 1.5 %."""
EASED_AFTER_S: Final = 4.0
"""A hold of this length in s begins to ease, so that the servo of the jaw stays cool."""
EASED_S: Final = 6.0
EASED_TO: Final = 0.7
"""Share of its opening that the longest hold keeps: a mouth that sings is never shut by heat."""
CONSONANT_S, CONSONANTS_S = 0.2, 0.5
"""Longest gap between two vowels in s that is a consonant, and that may be several."""
AROUND_S: Final = 0.06
"""Time in s for which a mouth is free to move around its cues."""


def listen(samples: NDArray[np.float32]) -> Heard:
    """Hear a song (n,) at 16 kHz with the speech network that ships, with its tail of silence."""
    return hear(padded(samples), speech.engine())


def padded(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The song and the time after it in which the mouth closes."""
    return np.concatenate([samples, np.zeros(int(TAIL_S * RATE), np.float32)])


def sing(
    calibrated: Calibrated,
    samples: NDArray[np.float32],
    heard: Heard,
    cues: Sequence[MotionCue],
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
    emotions: Sequence[EmotionSource] = (),
    head_gain: float = 1.0,
    sway: float = 1.0,
) -> Performance:
    """The performance of a song.

    Args:
        calibrated: the face.
        samples: (n,) at 16 kHz.
        heard: of ``listen``.
        cues: its motion subtitles.
        seed: of blinks, gaze, head and variation.
        progress: called with the share that is done, 0 to 1.
        emotions: other sources of emotions; moods of the cues come below a label.
        head_gain: factor of all motion of the head, 0 to 2.
        sway: factor of the head's cues, the sway with the beat among them, 0 to 2.
    """
    gains = head_gains(calibrated.face, head_gain)
    life = Life(seed=seed, head_gain=gains)
    lips = sung_lips(heard, cues)
    gate = active(cues, heard.sings)
    track = EmotionTrack(
        (*emotions, Moods(tuple(c for c in cues if c.region == "mood"))), Variation(seed=seed)
    )
    t = np.arange(len(lips)) / FPS
    pressed = stress(normal(padded(samples)), RATE, len(t)) * gate
    mixed = track.whole(t)
    alive = life.weights(t, pressed, gate), life.head(t, pressed, gate, excitement(mixed))
    weights, head = compose(lips, gate, track.shapes(t), mixed, alive, None, gains)
    weights, head = added(weights, head, cues, heard.beat, sway * np.array(gains))
    return solved(calibrated, weights, head, lips, progress)


def sung_lips(heard: Heard, cues: Sequence[MotionCue]) -> NDArray[np.float32]:
    """Mouth (T, 52) of a song from what was heard and its subtitles."""
    free = active(cues, heard.sings)
    base = bridged(heard.lips, cues) * free[:, None].astype(np.float32)
    return mouth(base, cues, ripple(heard), eased(cues, len(base)))


def active(cues: Sequence[MotionCue], sings: NDArray[np.bool_]) -> Floats:
    """Where cues move the mouth (T,), 0 to 1, with soft edges.

    Between two vowels of a phrase the mouth is also free for consonants, where there is a voice.

    Args:
        cues: the subtitles.
        sings: (T,) whether somebody sings.
    """
    t, out = np.arange(len(sings)) / FPS, np.zeros(len(sings))
    voiced = np.asarray(gaussian_filter1d(sings.astype(np.float64), 1.5))
    held = sorted(c for c in cues if c.region == "mouth" and c.motion in VOWELS)
    for one in held:
        start, end = one.start - AROUND_S, one.end + AROUND_S
        near = slice(max(0, int(start * FPS)), int(end * FPS) + 2)
        out[near] = np.maximum(out[near], envelope(t[near], start, end, AROUND_S, AROUND_S))
    for a, b in pairwise(held):
        gap = slice(int(a.end * FPS), int(b.start * FPS) + 2)
        if 0.0 < b.start - a.end < CONSONANTS_S:
            short = b.start - a.end < CONSONANT_S
            out[gap] = np.maximum(out[gap], 1.0 if short else voiced[gap])
    return out


def ripple(heard: Heard) -> Floats:
    """Relative change (T,) of held openings: vibrato, and loudness within the note."""
    out = np.zeros(len(heard.lips))
    level = gaussian_filter1d(heard.frames.level_db, 0.1 * FPS, mode="nearest")
    for note in heard.notes:
        near = slice(int(note.start * FPS), int(note.end * FPS) + 1)
        swell = SWELL_PER_DB * (level[near] - note.level_db)
        out[near] = np.clip(swell, -0.015, 0.015)
        if note.vibrato_hz > 0:
            hertz = heard.frames.hertz[near]
            at = np.flatnonzero(hertz > 0)
            tone = 1200 * np.log2(np.interp(np.arange(len(hertz)), at, hertz[at]))
            tone -= gaussian_filter1d(tone, 0.12 * FPS, mode="nearest")
            wave = gaussian_filter1d(tone, 1.0, mode="nearest")
            out[near] += np.clip(VIBRATO * wave / max(note.vibrato_cents, 8.0), -0.03, 0.03)
    return np.asarray(gaussian_filter1d(out, 1.0, mode="nearest"))


def eased(cues: Sequence[MotionCue], frames: int) -> Floats:
    """Factor (frames,) of held openings: 1, and falling to ``EASED_TO`` in a long hold."""
    t, out = np.arange(frames) / FPS, np.ones(frames)
    for one in cues:
        if one.region == "mouth" and one.motion in VOWELS:
            near = slice(max(0, int(one.start * FPS)), int(one.end * FPS) + 2)
            late = np.maximum(t[near] - one.start - EASED_AFTER_S, 0.0)
            out[near] = EASED_TO + (1.0 - EASED_TO) * np.exp(-late / EASED_S)
    return out
