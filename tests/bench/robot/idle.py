"""Idle life of a stream, measured: does it stop, and is it nervous?"""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.models.face.blendshapes import FPS, INDEX
from mien.robot.expression.eyes import directions
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_DEG
from mien.robot.live.streaming_layers import LiveExpression

MOVES_DEG_S: Final = 0.4
"""Speed of the head in degrees/s below which it counts as stopped."""
EYES_DEG: Final = 1.0
"""Motion of the eyes in degrees within 0.1 s that counts as motion."""


def stream(seed: int, seconds: float, head_gain: float = 1.0) -> tuple[Floats, Floats]:
    """Weights (T, 52) and head (T, 3) in degrees of a face that nobody speaks with."""
    face, quiet = LiveExpression(seed, head_gain=head_gain), np.zeros(len(INDEX), np.float32)
    frames = [face.frame(quiet, -80.0, 0.0) for _ in range(round(seconds * FPS))]
    return np.array([w for w, _ in frames]), np.array([h for _, h in frames]) * HEAD_RANGE_DEG


def measured(seed: int, seconds: float, head_gain: float = 1.0) -> dict[str, float]:
    """Stops, speeds and spectrum of ``stream``.

    ``stop_s`` is the longest time in which neither head, eyes nor lids move; ``still_eyes_s`` that
    of the eyes and lids alone; ``head_deg_s_p99`` and ``head_deg_s2_p99`` bound speed and
    acceleration of the head; ``head_share_above_3_hz`` and ``jerk_share_above_5_hz`` the trembling;
    ``saccades_per_min`` and ``blinks_per_min`` the eyes.
    """
    weights, head = stream(seed, seconds, head_gain)
    settled = slice(2 * FPS, None)
    speed = np.linalg.norm(np.diff(head, axis=0), axis=1)[settled] * FPS
    push = np.linalg.norm(np.diff(head, n=2, axis=0), axis=1)[settled] * FPS**2
    yaw, pitch = directions(weights)
    eyes = np.stack([yaw + head[:, 0], pitch + head[:, 1]], axis=1)  # in the room
    shift = np.linalg.norm(eyes[6:] - eyes[:-6], axis=1)
    lid = weights[:, INDEX["eyeBlinkLeft"]]
    alive = (shift > EYES_DEG) | (np.abs(lid[6:] - lid[:-6]) > 0.1)
    size = min(len(alive[settled]), len(speed))
    jumps = np.linalg.norm(np.diff(eyes, axis=0), axis=1) * FPS > 40.0
    starts = np.flatnonzero(jumps[1:] & ~jumps[:-1])
    turned = head[settled]
    return {
        "stop_s": _longest(alive[settled][:size] | (speed[:size] > MOVES_DEG_S)),
        "still_eyes_s": _longest(alive),
        "head_deg_s_p99": float(np.percentile(speed, 99)),
        "head_deg_s2_p99": float(np.percentile(push, 99)),
        "head_share_above_3_hz": _above(turned, 3.0),
        "jerk_share_above_5_hz": _above(np.diff(turned, n=3, axis=0), 5.0),
        "saccades_per_min": 60.0 * len(starts) / seconds,
        "blinks_per_min": 60.0 * float(np.sum((lid[1:] > 0.5) & (lid[:-1] <= 0.5))) / seconds,
    }


def _longest(moves: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Longest run of False, in s."""
    at = np.concatenate([[-1], np.flatnonzero(moves), [len(moves)]])
    return float(np.diff(at).max() - 1) / FPS


def _above(course: Floats, hz: float) -> float:
    """Share of the power of a course (T, 3) above ``hz``; 0 for one that is still."""
    window = np.hanning(len(course))[:, None]
    power = (np.abs(np.fft.rfft((course - course.mean(axis=0)) * window, axis=0)) ** 2).sum(axis=1)
    total = float(power.sum())
    return float(power[np.fft.rfftfreq(len(course), 1 / FPS) > hz].sum()) / total if total else 0.0
