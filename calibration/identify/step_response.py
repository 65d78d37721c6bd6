"""Fits a dead time and a speed to looks at strokes: a grid of servos, and which would have been
there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.robot.face.config import Floats

Found: TypeAlias = tuple[float, float, float, float]
"""Dead time (s), its error, share of the asked speed, its error."""

_STEP_S = 0.002
_DEAD_S = np.arange(0.0, 0.25, _STEP_S)
_SHARES = np.concatenate([np.geomspace(0.05, 0.5, 20), np.arange(0.525, 1.001, 0.025)])
_CLEAR = 6.0  # times a reading's noise that a whole stroke has to be
_SURE_S = 0.025
_BENT = np.array([0.2, 0.3, 0.2])  # offset, slope and curvature of a model's readings


def fit_stroke(
    trace: dict[str, Floats],
    good: NDArray[np.bool_],
    places: Floats,
    path: Floats,
    seen: Floats,
    moves: Callable[[Floats], Floats],
) -> Found | None:
    """Dead time (s) and share of the speed, each with its error; None where little is seen.

    The model may read the ends of a path wrong; so readings are a parabola of where the face was,
    believed to be a straight line within ``_BENT``.

    Args:
        trace: times and commands.
        good: (S,) pictures that count.
        places: (P,) inputs, and path (P, D): what should be seen there.
        seen: (S', D) what was.
        moves: the servo's way (T, ...) -> inputs.
    """
    half, middle = np.ptp(trace["sent"]) / 2, (trace["sent"].max() + trace["sent"].min()) / 2
    read, weight = _readings(places, path, seen)
    read = (read - middle) / half
    ways, t = _ways(trace, moves)
    when = np.clip((trace["seen_at"][good] - t[0]) / _STEP_S, 0, len(t) - 1.001)
    low, part = when.astype(int), (when % 1.0)[:, None, None]
    q = (ways[low] * (1 - part) + ways[low + 1] * part - middle) / half  # (S', dead times, speeds)
    off = read[:, None, None] - q
    powers = np.stack([np.einsum("s,sdv->dv", weight, q**k) for k in range(5)])
    given = np.stack([np.einsum("s,sdv->dv", weight, off * q**k) for k in range(3)], axis=-1)
    gram = np.stack([powers[k : k + 3] for k in range(3)]).transpose(2, 3, 0, 1)
    whole = np.einsum("s,sdv->dv", weight, off**2)
    noise = 1e-4
    for _ in range(2):  # how far a bend is believed depends on the noise, and that on the bend
        bend = np.linalg.solve(gram + noise / np.square(_BENT) * np.eye(3), given[..., None])
        cost = whole - np.einsum("dvk,dvk->dv", given, bend[..., 0])
        noise = float(cost.min()) / max(len(seen) - 5, 1) + 1e-9
    best = np.unravel_index(cost.argmin(), cost.shape)
    if 2.0 * (1.0 + float(bend[best][1, 0])) < _CLEAR * np.sqrt(noise):
        return None
    likely = np.exp(-0.5 * (cost - cost.min()) / noise)
    dead, dead_error = _moments(likely.sum(1), _DEAD_S)
    share, share_error = _moments(likely.sum(0), _SHARES)
    return None if dead_error > _SURE_S else (dead, dead_error, share, share_error)


def _readings(places: Floats, path: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Where on the path (P, D) each look (S, D) was, and (S,) how sharply it says so, mean 1."""
    off = np.square(seen).sum(1)[:, None] - 2.0 * seen @ path.T + np.square(path).sum(1)
    k = np.clip(off.argmin(1), 1, len(places) - 2)
    row = np.arange(len(seen))
    before, here, after = off[row, k - 1], off[row, k], off[row, k + 1]
    bend = np.maximum(after + before - 2.0 * here, 1e-12)
    read = places[k] + np.clip(0.5 * (before - after) / bend, -1.0, 1.0) * (places[1] - places[0])
    sharp = np.square(np.gradient(path, axis=0)).sum(1)[k]
    return read, sharp / max(float(sharp.mean()), 1e-12)


def _ways(trace: dict[str, Floats], moves: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """(T, dead times, speeds) inputs of servos that are so late and so fast, and (T,) s."""
    sent_at, sent = trace["sent_at"], trace["sent"]
    end = max(sent_at[-1], trace["seen_at"][-1]) + _STEP_S
    t = np.arange(sent_at[0] - _DEAD_S[-1], end, _STEP_S)
    told = np.interp(t, sent_at, sent)
    fastest = float((np.abs(np.diff(sent)) / np.diff(sent_at)).max())
    most = _SHARES * fastest * _STEP_S * (1.0 + 1e-6)
    back = np.round(_DEAD_S / _STEP_S).astype(int)
    way = np.empty((len(t), len(_DEAD_S), len(_SHARES)))
    now = np.full(way.shape[1:], told[0])
    for k in range(len(t)):
        goal = told[np.maximum(k - back, 0)][:, None]
        now = way[k] = now + np.clip(goal - now, -most, most)
    return moves(way), t


def _moments(weight: Floats, at: Floats) -> tuple[float, float]:
    weight = weight / weight.sum()
    mean = float(weight @ at)
    grid = float(np.interp(mean, at[1:], np.diff(at))) / np.sqrt(12.0)
    return mean, float(np.hypot(np.sqrt(weight @ np.square(at - mean)), grid))
