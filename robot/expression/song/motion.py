"""Motion subtitles to motion: the mouth of a song, and what cues add to the rest of the face.

Everything of a cue lies between its start and its end: it rises with a minimum jerk from the start,
and is gone at the end. So an edited cue changes its own region in its own time and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS, INDEX, lip_opening
from mien.models.face.emotion import EMOTIONS, prototypes
from mien.models.face.minimum_jerk import minimum_jerk
from mien.models.song.beat import Beat
from mien.models.song.subtitles import VOWELS, MotionCue
from mien.robot.expression.emotion.track import REGIONS, EmotionSamples
from mien.robot.expression.eyes import EYE_RANGE_DEG, look
from mien.robot.expression.eyes import LOOKS as LOOK_COLUMNS
from mien.robot.expression.song import shapes
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_DEG

OPEN_S: Final = 0.09
"""Time in which a mouth opens to a vowel, s."""
SHUT_S: Final = 0.07
"""Time in which it leaves a vowel, s."""
CLOSE_S: Final = 0.05
"""Time in which lips close for a p, b or m and open again, s."""
EASE_S: Final = 0.5
"""Longest time in s in which any other cue rises or falls."""
BETWEEN: Final = 0.45
"""Share of its neighbours' opening that a mouth keeps in a consonant that does not shut it."""
_MOUTH: Final = list(REGIONS).index("mouth")
JAW: Final = INDEX["jawOpen"]
SHUT_LIPS: Final = INDEX["mouthClose"]


def envelope(t: Floats, start: float, end: float, rise: float, fall: float) -> Floats:
    """Course (T,) in 0..1 of a cue that moves only between ``start`` and ``end``, s."""
    length = max(end - start, 1e-3)
    scale = min(1.0, length / max(rise + fall, 1e-6))
    up = np.clip((t - start) / max(rise * scale, 1e-3), 0.0, 1.0)
    down = np.clip((end - t) / max(fall * scale, 1e-3), 0.0, 1.0)
    return np.asarray(minimum_jerk(up) * minimum_jerk(down))


def slow(t: Floats, one: MotionCue) -> Floats:
    """Course (T,) in 0..1 of a cue that is neither a vowel nor a closure."""
    ease = min(EASE_S, 0.45 * (one.end - one.start))
    return envelope(t, one.start, one.end, ease, ease)


def mouth(
    base: NDArray[np.float32], cues: Iterable[MotionCue], ripple: Floats, held: Floats
) -> NDArray[np.float32]:
    """Mouth of a song (T, 52): vowels held, lips shut where cues shut them.

    Args:
        base: (T, 52) lips between the cues, at rest where nobody sings.
        cues: of the region mouth; others are ignored.
        ripple: (T,) relative change of a held opening, such as a vibrato's.
        held: (T,) factor of a held opening, below 1 where a hold has lasted long.
    """
    t = np.arange(len(base)) / FPS
    out = base.astype(np.float64)
    shares, held_shapes = np.zeros(len(t)), np.zeros_like(out)
    shut = np.zeros(len(t))
    for one in cues:
        if one.region != "mouth":
            continue
        near = slice(max(0, int(one.start * FPS) - 1), int(one.end * FPS) + 2)
        at = t[near]
        if one.motion in VOWELS:
            share = envelope(at, one.start, one.end, OPEN_S, SHUT_S)
            row = vowel(one.motion, one.intensity)[None] * np.ones((len(at), 1))
            row[:, JAW] *= held[near] * (1.0 + ripple[near])
            shares[near] += share
            held_shapes[near] += share[:, None] * row
        elif one.motion == "close":
            close = envelope(at, one.start, one.end, CLOSE_S, CLOSE_S)
            shut[near] = np.maximum(shut[near], one.intensity * close)
    columns = shapes.MOUTH
    over = np.maximum(shares, 1.0)[:, None]
    rest = np.clip(1.0 - shares, 0.0, 1.0)[:, None]
    out[:, columns] = rest * out[:, columns] + held_shapes[:, columns] / over
    out[:, JAW] -= shut * np.maximum(out[:, JAW] - out[:, SHUT_LIPS], 0.0)
    for name in ("mouthLowerDown", "mouthUpperUp", "mouthFunnel", "mouthStretch"):
        for column in _sides(name):
            out[:, column] *= 1.0 - shut
    return np.asarray(np.clip(out, 0.0, 1.0), np.float32)


def _sides(name: str) -> list[int]:
    return [INDEX[n] for n in ((name,) if name in INDEX else (name + "Left", name + "Right"))]


def vowel(motion: str, opening: float) -> Floats:
    """Weights (52,) of a vowel that is held with a lip opening."""
    row = min(1.0, opening / shapes.FULL_OPENING) * shapes.VOWELS[motion]
    row[JAW] = opening
    return row


def bridged(base: NDArray[np.float32], cues: Sequence[MotionCue]) -> NDArray[np.float32]:
    """Lips (T, 52) of the network between two vowels, kept open where no cue shuts them.

    A consonant that follows one vowel and leads to the next narrows the mouth and does not shut it.
    """
    out = base.copy()
    held = sorted(c for c in cues if c.region == "mouth" and c.motion in VOWELS)
    shut = [c for c in cues if c.region == "mouth" and c.motion == "close"]
    opening = lip_opening(out)
    for a, b in pairwise(held):
        if not 0.0 <= b.start - a.end < 0.25 or any(
            c.start < b.start + 0.05 and c.end > a.end - 0.05 for c in shut
        ):
            continue
        near = slice(max(0, round((a.end - OPEN_S) * FPS)), round((b.start + OPEN_S) * FPS) + 1)
        least = BETWEEN * min(a.intensity, b.intensity)
        out[near, JAW] += np.maximum(least - opening[near], 0.0)
    return np.asarray(np.minimum(out, 1.0), np.float32)


@dataclass(frozen=True)
class Moods:
    """Moods of the subtitles as a source of emotions. They never open the mouth, which sings.

    Attributes:
        cues: those of the region mood.
        rank: priority, that of a timeline.
    """

    cues: tuple[MotionCue, ...]
    rank: int = 1

    def sample(self, t: Floats) -> EmotionSamples:
        """Samples of the cues at times ``t`` (T,) s. Where they overlap, the stronger wins."""
        out = EmotionSamples.nothing(len(t))
        for one in self.cues:
            course = slow(t, one)
            column = EMOTIONS.index(one.motion)
            wide = np.repeat((one.intensity * course)[:, None], len(REGIONS), axis=1)
            if lip_opening(prototypes()[column]) > 0.02:
                wide[:, _MOUTH] = 0.0
            out.mix[:, :, column] = np.maximum(out.mix[:, :, column], wide)
            out.presence[:] = np.maximum(out.presence, course[:, None])
        return out


def added(
    weights: NDArray[np.float32], head: Floats, cues: Iterable[MotionCue], beat: Beat, gain: Floats
) -> tuple[NDArray[np.float32], Floats]:
    """Weights (T, 52) and neck (T, 3) with everything that cues add to them.

    Args:
        weights, head: of speech, emotions and life.
        cues: of all regions.
        beat: the pulse with which the head sways.
        gain: (3,) factor of the cues of the head.
    """
    t = np.arange(len(weights)) / FPS
    out, neck = weights.astype(np.float64), head.astype(np.float64)
    for one in cues:
        course = one.intensity * slow(t, one)
        if one.region == "head":
            way = sway(t, beat) if one.motion == "sway" else shapes.HEAD[one.motion][None]
            neck += course[:, None] * way * gain
        elif one.region == "eyes" and one.motion in shapes.LOOKS:
            yaw, pitch = np.array(shapes.LOOKS[one.motion]) * EYE_RANGE_DEG
            full = look(np.array([yaw]), np.array([pitch]))[0]
            mixed = slow(t, one)[:, None]
            goal = one.intensity * full
            out[:, LOOK_COLUMNS] += mixed * (goal - out[:, LOOK_COLUMNS])
            if one.motion == "up":  # lids rise with the eyes
                out += course[:, None] * shapes.LIDS_UP * (1.0 - out)
        elif (one.region, one.motion) in shapes.ADDED:
            row = shapes.ADDED[one.region, one.motion]
            # What is there already leaves so much less room, so that nothing is clipped.
            out += course[:, None] * row * (1.0 - np.clip(out, 0.0, 1.0) * (row > 0))
    return np.clip(out, 0.0, 1.0).astype(np.float32), np.clip(neck, -1.0, 1.0)


def sway(t: Floats, beat: Beat) -> Floats:
    """Neck commands (T, 3) of a head that sways with the beat."""
    if beat.period_s <= 0:
        return np.zeros((len(t), 3))
    phase = np.pi * (t - beat.first_s) / beat.period_s
    side, dip = np.cos(phase), np.cos(2 * phase)
    yaw, pitch, roll = shapes.SWAY_DEG
    return np.stack([yaw * side, -pitch * dip, roll * side], axis=1) / HEAD_RANGE_DEG
