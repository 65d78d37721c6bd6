"""Layers of expression: speech, emotion and life composed to one face.

Speech is the primary layer. A fusion blends it with the emotion and protects the lips. Life
(blinks,
gaze, breath, brows, head motion) is added on top and never moves the mouth. Everything is a
function of time and of a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS, INDEX, SPEECH, indices
from mien.models.face.emotion import AROUSAL
from mien.models.fusion.learned import LearnedFusion
from mien.models.fusion.rules import Fusion, crossed, plain
from mien.robot.expression.emotion.prosody import stress, voice
from mien.robot.expression.emotion.track import EmotionTrack
from mien.robot.expression.eyes import LOOKS, directions, look
from mien.robot.expression.life import BROWS, LID_REST, Glance, Life
from mien.robot.expression.posture import posture
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_DEG

__all__ = [
    "FUSIONS",
    "ExpressionClip",
    "Glance",
    "Life",
    "act",
    "compose",
    "excitement",
    "fusion",
    "stress",
    "voice",
]

_SPEECH_COLUMNS: Final = indices(SPEECH)
BROW_ROOM: Final = 0.2
"""What an emotion leaves of the raised brows to the stress of a voice."""
FUSIONS: Final = ("crossed", "learned", "plain")
"""Fusions by name, the default first. `mien bench emotion` compares them."""


@dataclass(frozen=True)
class ExpressionClip:
    """A composed clip at 60 fps.

    Attributes:
        weights: (T, 52) ARKit weights of all layers.
        head: (T, 3) neck commands yaw, pitch, roll in -1..1.
        mix: (T, 8) intensities in the order of ``mien.models.face.emotion.EMOTIONS``.
    """

    weights: NDArray[np.float32]
    head: Floats
    mix: Floats


def act(
    spoken: NDArray[np.float32],
    samples: NDArray[np.float32],
    rate: int,
    life: Life | None = None,
    emotion_track: EmotionTrack | None = None,
    fuse: Fusion | None = None,
) -> ExpressionClip:
    """Compose a clip from speech weights (T, 52) and their sound.

    Args:
        spoken: (T, 52) speech weights.
        samples: (n,) sound at ``rate`` Hz.
        rate: sample rate in Hz.
        life: None takes the default life of seed 0.
        emotion_track: None is neutral and leaves the weights exactly as without this layer.
        fuse: blends emotion and speech; None takes the first of FUSIONS.
    """
    life, emotion_track = life or Life(), emotion_track or EmotionTrack()
    t = np.arange(len(spoken)) / FPS
    pressed, gate = stress(samples, rate, len(t)), voice(samples, rate, len(t))
    mixed = emotion_track.whole(t)
    aroused = excitement(mixed)
    alive = life.weights(t, pressed, gate), life.head(t, pressed, gate, aroused)
    shapes = emotion_track.shapes(t)
    weights, head = compose(spoken, gate, shapes, mixed, alive, fuse, life.head_gain)
    return ExpressionClip(weights, head, mixed)


def compose(
    spoken: NDArray[np.float32],
    gate: Floats,
    emotion: Floats,
    mixed: Floats,
    alive: tuple[NDArray[np.floating], Floats],
    fuse: Fusion | None = None,
    head_gain: float | tuple[float, float, float] = 1.0,
    turn: Floats | None = None,
) -> tuple[NDArray[np.float32], Floats]:
    """Compose speech, emotion and life of any number of frames.

    Each frame depends on its own row alone, so a clip and a stream with equal inputs give equal
    outputs.
    Stress, emotion courses and blinks have a memory; they are inputs here.

    Args:
        spoken: (T, 52) speech shapes.
        gate: (T,) voice activity in 0..1. The mouth rests where it is 0.
        emotion: (T, 52) shapes of the emotions.
        mixed: (T, E) intensities of the emotions.
        alive: weights (T, 52) and neck commands (T, 3) of life. Its gaze is that of a still head;
            the eyes turn back by what the head turns (the vestibulo-ocular reflex).
        fuse: blends emotion and speech; None takes the first of FUSIONS.
        head_gain: factor of the neck commands, see ``Life``.
        turn: turn (T, 2) of the head toward a person, degrees of yaw and pitch. A gain above 1 does
            not turn it beyond him.

    Returns:
        Weights (T, 52) in 0..1, and neck commands (T, 3) yaw, pitch, roll in -1..1.
    """
    speech = spoken.astype(np.float64)
    speech[:, _SPEECH_COLUMNS] *= gate[:, None]
    blended, emotional = speech.copy(), emotion.any(axis=1)
    if emotional.any():
        blended[emotional] = (fuse or fusion())(
            speech[emotional], emotion[emotional], gate[emotional]
        )
        # Brows that an emotion holds at the top could not rise on a stressed syllable.
        top = np.where(emotional, 1.0 - BROW_ROOM * gate, 1.0)[:, None]
        blended[:, BROWS] = np.minimum(blended[:, BROWS], top)
    weights, head = alive
    added = weights.astype(np.float64)
    gain = np.asarray(head_gain) * np.ones(3)
    moved = gain * head
    if turn is not None:
        moved[:, :2] += np.minimum(gain, 1.0)[:2] * turn / HEAD_RANGE_DEG[:2]
    yaw, pitch = directions(added)
    yaw, pitch = yaw - HEAD_RANGE_DEG[0] * moved[:, 0], pitch - HEAD_RANGE_DEG[1] * moved[:, 1]
    added[:, LOOKS] = look(yaw, pitch)
    for side in ("Left", "Right"):
        wide, blink, squint = (INDEX[f"eye{shape}{side}"] for shape in ("Wide", "Blink", "Squint"))
        # What an emotion moves does not also hang; a blink closes the lids all the same.
        held = LID_REST * blended[:, [wide, blink, squint]].max(axis=1)
        added[:, blink] = np.maximum(added[:, blink] - held, 0.0) / (1.0 - held)
        added[:, wide] -= blended[:, wide] * added[:, blink]
        brows = [INDEX["browInnerUp"], INDEX[f"browOuterUp{side}"], INDEX[f"browDown{side}"]]
        added[:, brows[-1]] *= 1.0 - blended[:, brows].max(axis=1)
    out = np.clip(blended + added, 0.0, 1.0).astype(np.float32)
    return out, np.clip(moved + gain * posture(mixed), -1.0, 1.0)


def excitement(mixed: Floats) -> Floats:
    """Factor of head motion (T,) for intensities (T, E): 1 calm to 1.5 aroused."""
    return np.asarray(1.0 + 0.5 * np.minimum(mixed @ np.abs(AROUSAL), 1.0))


@lru_cache(maxsize=4)
def fusion(name: str = FUSIONS[0]) -> Fusion:
    """A fusion by name.

    Raises:
        ModelError: no such fusion, or its weights are missing.
    """
    if name == "learned":
        return LearnedFusion.load()
    if name in FUSIONS:
        return crossed if name == "crossed" else plain
    raise ModelError(f"no fusion {name!r}", f"use one of {', '.join(FUSIONS)}")
