"""Levenberg-Marquardt minimisation in a box, for a batch of frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.models.self_model.model import Floats
from mien.models.self_model.objective import Objective, ProjectedTargets

_ACTIVE_SET_PASSES = 8  # at most; three are usual


@dataclass(frozen=True, eq=False)
class Box:
    """Bounds of the network inputs.

    Attributes:
        low, high: (T, m) or (m,) bounds.
        planes: (c, m) and offsets (c,): interlocks ``planes @ x <= offsets``. They are penalties.
    """

    low: Floats
    high: Floats
    planes: Floats
    offsets: Floats


def minimise(
    objective: Objective,
    projected: ProjectedTargets,
    start: Floats,
    previous: Floats | None,
    box: Box,
    steps: int,
    tolerance: float = 1e-4,
) -> tuple[Floats, Floats]:
    """Minimise the objective E over the box.

    Args:
        objective: of the model.
        projected: T targets.
        start: (T, m) first guess; it is clipped into the box.
        previous: (T, m) inputs of the last frame, for the smoothness term; None: no such term.
        box: bounds and interlocks.
        steps: at most.
        tolerance: the search ends when no input of any frame moves by more in one step.

    Returns:
        inputs (T, m), and their cost (T,).
    """
    weights = objective.weights
    smooth = 0.0 if previous is None else weights.smooth
    before = np.zeros_like(start) if previous is None else previous
    x = np.clip(start, box.low, box.high)
    damping = np.full(len(x), 1e-4)
    r, j = objective.linearise(x, projected)
    cost = _cost(x, r, before, smooth, box, objective)
    at = np.arange(x.shape[1])
    for step in range(steps):
        h = j @ j.transpose(0, 2, 1)
        g = (j @ r[:, :, None])[:, :, 0]
        g += x @ objective.prior + smooth * (x - before)
        h += objective.prior
        h[:, at, at] += smooth
        if len(box.planes):
            beyond = np.maximum(x @ box.planes.T - box.offsets, 0.0)
            g += weights.interlock * beyond @ box.planes
            touched = (beyond > 0)[:, :, None] * box.planes
            h += weights.interlock * touched.transpose(0, 2, 1) @ touched
        h[:, at, at] *= 1.0 + damping[:, None]
        moved = bounded_step(h, g, x, box)
        r_new, j_new = objective.linearise(moved, projected)
        cost_new = _cost(moved, r_new, before, smooth, box, objective)
        better = cost_new <= cost
        largest = float(np.abs(moved - x).max(initial=0.0))
        if better.all():
            x, r, j, cost = moved, r_new, j_new, cost_new
        else:
            pick = better[:, None]
            x, r = np.where(pick, moved, x), np.where(pick, r_new, r)
            j = np.where(pick[:, :, None], j_new, j)
            cost = np.where(better, cost_new, cost)
        damping = np.where(better, damping * 0.3, np.maximum(damping, 1e-3) * 10.0)
        if largest < tolerance or step == steps - 1:
            break
    return x, cost + projected.floor


def bounded_step(h: Floats, g: Floats, x: Floats, box: Box) -> Floats:
    """x + d with d = argmin d'Hd/2 + g'd in the box, by a primal-dual active set method.

    A variable is constrained to a bound where the step would leave the box, or where its multiplier
    is positive. It is released where its multiplier is negative. The active sets usually converge
    in three passes. If they do not, the last step is clipped; ``minimise`` then rejects a step
    that raises the cost. Source: Hintermueller, Ito and Kunisch, "The primal-dual active set
    strategy as a semismooth Newton method", SIAM J. Optim. 13 (2003).

    Args:
        h: (T, m, m) Hessians.
        g: (T, m) gradients.
        x: (T, m) present inputs.
        box: bounds.
    """
    low, high = np.broadcast_to(box.low, x.shape), np.broadcast_to(box.high, x.shape)
    out = np.empty_like(x)
    todo = np.arange(len(x))  # frames whose active sets have not converged
    at_low = (x <= low) & (g > 0)
    at_high = (x >= high) & (g < 0)
    for last in range(_ACTIVE_SET_PASSES):
        d = np.where(at_low, low - x, np.where(at_high, high - x, 0.0))
        d = _solve_free(h, g, d, at_low | at_high)
        target = x + d
        out[todo] = target
        # Multipliers of the bounds: 0 where a variable is free.
        multiplier = -(g + (h @ d[:, :, None])[:, :, 0])
        scale = np.diagonal(h, axis1=1, axis2=2)
        now_low = multiplier + scale * (target - low) < 0
        now_high = multiplier + scale * (target - high) > 0
        new = ((now_low != at_low) | (now_high != at_high)).any(1)
        if last == _ACTIVE_SET_PASSES - 1 or not new.any():
            break
        at_low, at_high = now_low[new], now_high[new]
        todo, h, g, x, low, high = todo[new], h[new], g[new], x[new], low[new], high[new]
    return np.asarray(np.clip(out, box.low, box.high))


def _solve_free(h: Floats, g: Floats, d: Floats, fixed: np.ndarray) -> Floats:
    """Steps d (T, m): the free entries solve H d = -g, the fixed ones stay."""
    if not fixed.any():
        return np.asarray(np.linalg.solve(h, -g[:, :, None])[:, :, 0])
    kept = np.where(fixed, d, 0.0)
    rhs = -(g + (h @ kept[:, :, None])[:, :, 0])
    free = ~fixed
    masked = h * (free[:, :, None] & free[:, None, :])
    at = np.arange(h.shape[1])
    masked[:, at, at] += fixed
    solved = np.linalg.solve(masked, np.where(free, rhs, 0.0)[:, :, None])[:, :, 0]
    return np.where(fixed, kept, solved)


def _cost(
    x: Floats, r: Floats, before: Floats, smooth: float, box: Box, objective: Objective
) -> Floats:
    w = objective.weights
    cost = np.square(r).sum(1) + ((x @ objective.prior) * x).sum(1)
    cost += smooth * np.square(x - before).sum(1)
    if len(box.planes):
        beyond = np.maximum(x @ box.planes.T - box.offsets, 0.0)
        cost += w.interlock * np.square(beyond).sum(1)
    return np.asarray(cost)
