"""Landmarks of a whole clip -> commands at once: banded Gauss-Newton over the trajectory.

    sum_t E(x_t)  +  speed sum |x_t - x_t-1|^2  +  bend sum |x_t+1 - 2 x_t + x_t-1|^2
                  +  fast sum max(0, |x_t - x_t-1| - v dt)^2

Its Hessian is a band of two blocks either side of the diagonal, so that a step costs as much as T
small ones. The clip knows its future: a jaw that is too slow starts early instead of arriving
late. Speed limits are a penalty here and exact afterwards: the last pass clips what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from mien.models.errors import ModelError
from mien.models.self_model.inverse import Inverse
from mien.models.self_model.levenberg_marquardt import Box, minimise
from mien.models.self_model.model import Floats
from mien.models.self_model.objective import ProjectedTargets
from mien.models.threads import one_thread


@dataclass(frozen=True)
class ClipWeights:
    """Weights of the trajectory terms; costs of an input step of 1 in one frame."""

    speed: float = 0.05
    bend: float = 0.5
    fast: float = 1e5
    steps: int = 12


@one_thread
def solve_clip(
    inverse: Inverse,
    targets: Floats,
    fps: float,
    lag_s: float = 0.0,
    weights: ClipWeights | None = None,
) -> Floats:
    """Commands (T, n) of targets (T, 478, 3) mm at ``fps``; the inverse's state stays as it is.

    Args:
        inverse: model, limits and weights; its current pose and memory are where the clip starts.
        targets: landmarks wanted at t = k / fps.
        fps: frames per second.
        lag_s: seconds that the face lags behind its commands; commands are that much early.
        weights: weights.

    Raises:
        ModelError: NaN, wrong shape, or fps not positive.
    """
    w = weights or ClipWeights()
    if not fps > 0:
        raise ModelError(f"fps must be positive, is {fps}")
    model = inverse.model
    goal = inverse.objective.project(_advance(np.asarray(targets, dtype=np.float64), lag_s * fps))
    if not len(goal):
        return np.zeros((0, model.n))
    low, high = inverse.limits.command.T
    a, b = low[model.inputs].copy(), high[model.inputs].copy()
    if len(model.tendons):
        a[model.tendons] = np.maximum(0.0, a[model.tendons])
        b[model.tendons] = model.play.loading(b[model.tendons])
    planes = inverse.limits.planes[:, model.inputs]
    box = Box(a, b, planes, inverse.limits.offsets)
    first = model.network_inputs(inverse.commands, inverse.tendon_state)
    start = np.broadcast_to(first, (len(goal), len(first)))
    x, _ = minimise(inverse.objective, goal, start, None, box, 2)
    x = _smooth(inverse, goal, x, first, box, inverse.limits.speed[model.inputs] / fps, w)
    return _commands(inverse, x, inverse.limits.speed / fps)


def _smooth(
    inverse: Inverse,
    goal: ProjectedTargets,
    x: Floats,
    first: Floats,
    box: Box,
    room: Floats,
    w: ClipWeights,
) -> Floats:
    """Damped Gauss-Newton over all frames; a step is kept only when the whole cost fell."""
    damping, cost = 1e-3, _cost(inverse, goal, x, first, box, room, w)
    for _ in range(w.steps):
        band, gradient = _system(inverse, goal, x, first, box, room, w)
        band[0] *= 1.0 + damping
        fixed = ((x <= box.low) & (gradient < 0)) | ((x >= box.high) & (gradient > 0))
        # A variable held at its wall is left out by a diagonal that dwarfs the rest.
        band[0] += np.where(fixed, 1e9, 0.0).ravel()
        step = solveh_banded(band, gradient.ravel(), lower=True, check_finite=False)
        moved = np.clip(x + step.reshape(x.shape), box.low, box.high)
        new = _cost(inverse, goal, moved, first, box, room, w)
        if new < cost:
            done = cost - new < 1e-4 * cost
            x, cost, damping = moved, new, damping * 0.3
            if done:
                break
        else:
            damping = max(damping, 1e-2) * 10.0
    return x


def _system(
    inverse: Inverse,
    goal: ProjectedTargets,
    x: Floats,
    first: Floats,
    box: Box,
    room: Floats,
    w: ClipWeights,
) -> tuple[Floats, Floats]:
    """(lower band (2m + 1, T m) of the Hessian, minus gradient (T, m))."""
    frames, m = x.shape
    weights = inverse.objective.weights
    r, j = inverse.objective.linearise(x, goal)
    h = j @ j.transpose(0, 2, 1)
    g = (j @ r[:, :, None])[:, :, 0] + x @ inverse.objective.prior
    at = np.arange(m)
    h += inverse.objective.prior
    if len(box.planes):
        beyond = np.maximum(x @ box.planes.T - box.offsets, 0.0)
        g += weights.interlock * beyond @ box.planes
        touched = (beyond > 0)[:, :, None] * box.planes
        h += weights.interlock * touched.transpose(0, 2, 1) @ touched
    d = np.diff(x, axis=0, prepend=first[None])
    over = np.sign(d) * np.maximum(np.abs(d) - room, 0.0)
    stiff = w.speed + w.fast * (over != 0)
    pull = w.speed * d + w.fast * over
    g += pull
    g[:-1] -= pull[1:]
    h[:, at, at] += stiff
    h[:-1, at, at] += stiff[1:]
    band = np.zeros((2 * m + 1, frames, m))
    band[m, :-1] -= stiff[1:]
    if frames > 2:
        bend = w.bend * (x[2:] - 2 * x[1:-1] + x[:-2])
        g[2:] += bend
        g[1:-1] -= 2 * bend
        g[:-2] += bend
        h[2:, at, at] += w.bend
        h[1:-1, at, at] += 4 * w.bend
        h[:-2, at, at] += w.bend
        band[m, :-2] -= 2 * w.bend
        band[m, 1:-1] -= 2 * w.bend
        band[2 * m, :-2] += w.bend
    for below in range(m):
        band[below, :, : m - below] += h[:, at[below:], at[: m - below]]
    return band.reshape(2 * m + 1, frames * m), -g


def _cost(
    inverse: Inverse,
    goal: ProjectedTargets,
    x: Floats,
    first: Floats,
    box: Box,
    room: Floats,
    w: ClipWeights,
) -> float:
    weights = inverse.objective.weights
    cost = np.square(inverse.objective.residual(x, goal)).sum()
    cost += ((x @ inverse.objective.prior) * x).sum()
    d = np.diff(x, axis=0, prepend=first[None])
    cost += w.speed * np.square(d).sum()
    cost += w.fast * np.square(np.maximum(np.abs(d) - room, 0.0)).sum()
    cost += w.bend * np.square(np.diff(x, 2, axis=0)).sum()
    if len(box.planes):
        cost += weights.interlock * np.square(np.maximum(x @ box.planes.T - box.offsets, 0.0)).sum()
    return float(cost)


def _commands(inverse: Inverse, x: Floats, room: Floats) -> Floats:
    """Inputs (T, m) -> commands (T, n) through the play operators, at exactly the allowed speed."""
    model = inverse.model
    low, high = inverse.limits.command.T
    memory, now = inverse.tendon_state, inverse.commands
    tendons = model.inputs[model.tendons]
    out = np.empty((len(x), model.n))
    for t in range(len(x)):
        wanted = now.copy()
        wanted[model.inputs] = x[t]
        if len(tendons):
            wanted[tendons] = model.play.command(memory, x[t, model.tendons], now[tendons])
        now = np.clip(np.clip(wanted, now - room, now + room), low, high)
        memory = model.advance(memory, now)
        out[t] = now
    return out


def _advance(targets: Floats, frames: float) -> Floats:
    """Targets as they will be ``frames`` (may be fractional) later; the end is held."""
    if frames == 0.0 or not len(targets):
        return targets
    at = np.clip(np.arange(len(targets)) + frames, 0, len(targets) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(targets) - 1)
    part = (at - low)[:, None, None]
    return np.asarray(targets[low] * (1 - part) + targets[high] * part)
