"""Generators of a take's curves: speech for the lips, and rules with life for all the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT, indices
from mien.models.face.curves import CURVES
from mien.models.face.emotion import Variation
from mien.models.face.minimum_jerk import minimum_jerk
from mien.robot.expression.emotion.track import NAMED_REGIONS, EmotionTrack
from mien.robot.expression.emotion.track import REGIONS as EMOTION_REGIONS
from mien.robot.expression.layers import Life, act
from mien.robot.face.solver import HEAD_RANGE_RAD
from mien.robot.media.audio import RATE
from mien.robot.show.scene import Scene
from mien.robot.show.schema import EASE_S, Regenerate

Curves: TypeAlias = NDArray[np.float32]
"""Curves (T, 55) of a take in the order of ``CURVES``, at 60 fps."""
Generator: TypeAlias = Callable[[Scene, int], Curves]
"""(scene, seed) -> curves. Equal inputs give equal curves, bit by bit."""
HEAD: Final = slice(len(ARKIT), len(CURVES))


def rules(scene: Scene, seed: int) -> Curves:
    """Speech, emotions by their prototypes, and life: the baseline and the fallback."""
    track = EmotionTrack(scene.sources, Variation(seed=seed))
    habits = scene.habits(track.whole(scene.times))
    life = Life(seed=seed, head_gain=scene.head_gain, habits=habits)
    acted = act(scene.spoken, scene.padded, RATE, life, track)
    return curves_of(acted.weights, acted.head)


def curves_of(weights: NDArray[np.floating], head: NDArray[np.floating]) -> Curves:
    """Weights (T, 52) in 0..1 and neck commands (T, 3) -> curves."""
    return np.concatenate([weights, head * HEAD_RANGE_RAD], axis=1).astype(np.float32)


def neck_of(curves: Curves) -> NDArray[np.float64]:
    """Neck commands (T, 3) in -1..1 of curves."""
    return np.asarray(np.clip(curves[:, HEAD] / HEAD_RANGE_RAD, -1.0, 1.0), np.float64)


def columns_of(region: str) -> NDArray[np.intp]:
    """Columns of a region of ``schema.REGIONS``."""
    head = np.arange(len(ARKIT), len(CURVES))
    if region in ("head", "all"):
        return head if region == "head" else np.arange(len(CURVES))
    names = [n for part in NAMED_REGIONS[region] for n in EMOTION_REGIONS[part]]
    return indices(names)


def seed_of(seed: int, take: int, span: Regenerate | None = None) -> int:
    """Seed of a take, or of a span of it that is generated again."""
    words = [seed, take]
    if span is not None:
        words += [
            round(1e3 * span.start),
            round(1e3 * span.end),
            span.attempt,
            *map(ord, span.region),
        ]
    elif take == 1:
        return seed
    return int(np.random.SeedSequence(words).generate_state(1)[0]) >> 1


def generate(
    scene: Scene, seed: int, take: int, spans: tuple[Regenerate, ...], by: Generator
) -> Curves:
    """Curves of a take without its keyframes.

    A span that is generated again comes from another seed. It fades in and out within the span, so
    that nothing outside changes.
    """
    out = by(scene, seed_of(seed, take)).copy()
    t = scene.times
    for span in spans:
        other = by(scene, seed_of(seed, take, span))
        share = window(t, span.start, span.end, min(EASE_S, (span.end - span.start) / 2))
        at = np.ix_(share > 0.0, columns_of(span.region))
        w = share[share > 0.0, None].astype(np.float32)
        out[at] += w * (other[at] - out[at])
    return out


def window(t: NDArray[np.float64], start: float, end: float, ease: float) -> NDArray[np.float64]:
    """Share (T,) that is 0 outside ``start`` to ``end``, and 1 from ``ease`` s inside."""
    return np.asarray(
        minimum_jerk(np.clip((t - start) / ease, 0.0, 1.0))
        * minimum_jerk(np.clip((end - t) / ease, 0.0, 1.0))
    )
