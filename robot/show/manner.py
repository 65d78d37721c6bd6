"""Generator by the manner network: brows, lids and head of a filmed speaker, the rest by rule."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from mien.models.face.blendshapes import FPS, INDEX
from mien.models.face.curves import AXES, CURVES
from mien.models.face.emotion import Variation
from mien.models.manner import config
from mien.models.manner.features import features
from mien.models.manner.runtime_numpy import GUIDANCE, Manner
from mien.models.manner.weights import WEIGHTS
from mien.robot.expression.emotion.track import EmotionTrack
from mien.robot.expression.layers import Life, compose, excitement, stress, voice
from mien.robot.expression.life import BROW_REST, LID_REST
from mien.robot.face.solver import HEAD_RANGE_RAD
from mien.robot.media.audio import RATE
from mien.robot.show.generator import Curves, curves_of
from mien.robot.show.scene import Scene

Floats = NDArray[np.float64]
PARTS: Final = ("brows", "lids", "head")
"""What the network moves. Gaze is that of life."""
BROW_GAIN: Final = 4.0
"""Factor of tracked brows. The tracker reads brows weakly: a whole raise is about a quarter."""
TURN_GAIN: Final = 2.0
"""Factor of filmed turns. The speaker sat still before a prompter, with standard deviations of 0.3
to 0.6 degrees; the head of life also moves up to twice as far. Filmed and generated motion have the
same factors."""


@lru_cache(maxsize=2)
def engine(path: Path = WEIGHTS) -> Manner:
    """The network of a weights file.

    Raises:
        ModelError: no such file, or no weights of a manner network.
    """
    return Manner(path)


def manner(
    scene: Scene,
    seed: int,
    parts: tuple[str, ...] = PARTS,
    guidance: float = GUIDANCE,
    path: Path = WEIGHTS,
) -> Curves:
    """Curves of a scene.

    Args:
        scene: its sound, lips and emotions.
        seed: of the network's noise, and of the gaze.
        parts: of ``PARTS``; what is not among them is that of life.
        guidance: weight of the sound.
        path: of the weights.
    """
    return composed(scene, seed, deviations(scene, seed, guidance, path), parts)


def composed(
    scene: Scene, seed: int, made: Mapping[str, Floats], parts: tuple[str, ...] = PARTS
) -> Curves:
    """Curves of a scene whose brows, lids and head are deviations (T,) by name from rest.

    Args:
        scene: its sound, lips and emotions.
        seed: of life.
        made: at 60 fps, by name of ``config.GENERATED``: of the network, or filmed.
        parts: of ``PARTS`` that are used.
    """
    t = scene.times
    pressed, gate = stress(scene.padded, RATE, len(t)), voice(scene.padded, RATE, len(t))
    track = EmotionTrack(scene.sources, Variation(seed=seed))
    mixed = track.whole(t)
    habits = scene.habits(mixed)
    life = Life(seed=seed, head_gain=scene.head_gain, habits=habits)
    brows, nods = BROW_GAIN * habits.brows, np.reshape(habits.head, (-1, 1))
    aroused = excitement(mixed)
    weights, head = life.weights(t, pressed, gate), life.head(t, pressed, gate, aroused)
    if "brows" in parts:
        for side in ("Left", "Right"):
            low = BROW_REST + brows * made[f"browDown{side}"]
            weights[:, INDEX[f"browDown{side}"]] = np.clip(low, 0.0, 1.0)
            weights[:, INDEX[f"browOuterUp{side}"]] = np.clip(-0.7 * low, 0.0, 1.0)
        low = BROW_REST + 0.5 * brows * (made["browDownLeft"] + made["browDownRight"])
        weights[:, INDEX["browInnerUp"]] = np.clip(-low, 0.0, 1.0)
    if "lids" in parts:
        for side in ("Left", "Right"):
            shut = config.shut(made[f"eyeBlink{side}"])
            weights[:, INDEX[f"eyeBlink{side}"]] = LID_REST + (1.0 - LID_REST) * shut
    if "head" in parts:
        turns = TURN_GAIN * nods * np.stack([made[name] for name in AXES], axis=1)
        head = turns / HEAD_RANGE_RAD * aroused[:, None] * (1.0 - np.exp(-t / 0.3))[:, None]
    shapes = track.shapes(t)
    out, neck = compose(scene.spoken, gate, shapes, mixed, (weights, head), None, life.head_gain)
    return curves_of(out, neck)


def deviations(
    scene: Scene, seed: int, guidance: float = GUIDANCE, path: Path = WEIGHTS
) -> dict[str, Floats]:
    """Curves (T,) of the network at 60 fps by name: deviations from rest."""
    frames = -(-scene.frames * config.FPS // FPS)
    known = np.full((frames, len(CURVES)), np.nan, np.float32)
    step = FPS // config.FPS
    at = np.minimum(np.arange(frames) * step, scene.frames - 1)
    known[:, config.LIPS] = scene.said[at][:, config.LIPS]
    heard = features(scene.padded, frames)
    network = engine(path)
    made, spread = network.sample(heard, known, seed, guidance=guidance), network.spread
    t = np.arange(frames) / config.FPS
    now = np.minimum(scene.times, t[-1])
    out = {}
    for name, column in zip(config.GENERATED, config.COLUMNS, strict=True):
        row = spread[name] * made[:, column]
        curve = PchipInterpolator(t, row)(now) if frames > 1 else np.full(len(now), row[0])
        out[name] = np.asarray(curve, np.float64)
    return out
