"""The minimisation of levenberg_marquardt.c, written in numpy: what it is held against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.models.self_model.levenberg_marquardt import Box
from mien.models.self_model.model import POWERS, Floats
from mien.models.self_model.objective import Objective, ProjectedTargets

_ACTIVE_SET_PASSES = 8  # at most; three are usual


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
    hold = np.zeros_like(x) if projected.hold is None else projected.hold
    own = np.zeros_like(x) if projected.own is None else projected.own
    r, j = linearise(objective, x, projected)
    cost = _cost(x, r, before, smooth, box, objective, hold, own)
    at = np.arange(x.shape[1])
    crossed = np.zeros((len(x), len(box.planes)), np.bool_)
    for step in range(steps):
        h = j @ j.transpose(0, 2, 1)
        g = (j @ r[:, :, None])[:, :, 0]
        g += x @ objective.prior + hold * (x - own) + smooth * (x - before)
        h += objective.prior
        h[:, at, at] += smooth + hold
        if len(box.planes):
            beyond = x @ box.planes.T - box.offsets
            counts = (beyond > 0) | crossed
            g += weights.interlock * (beyond * counts) @ box.planes
            touched = counts[:, :, None] * box.planes
            h += weights.interlock * touched.transpose(0, 2, 1) @ touched
        h[:, at, at] *= 1.0 + damping[:, None]
        moved = bounded_step(h, g, x, box)
        r_new, j_new = linearise(objective, moved, projected)
        cost_new = _cost(moved, r_new, before, smooth, box, objective, hold, own)
        better = cost_new <= cost
        largest = float(np.abs(moved - x).max(initial=0.0))
        if better.all():
            x, r, j, cost = moved, r_new, j_new, cost_new
        else:
            pick = better[:, None]
            x, r = np.where(pick, moved, x), np.where(pick, r_new, r)
            j = np.where(pick[:, :, None], j_new, j)
            cost = np.where(better, cost_new, cost)
        # A step that crossed an interlock is taken again with it, and with the same damping.
        outside = moved @ box.planes.T > box.offsets
        again = ~better & (outside & ~crossed).any(1)
        crossed = np.where(better[:, None], False, crossed | outside)
        further = np.where(again, damping, np.maximum(damping, 1e-3) * 10.0)
        damping = np.where(better, damping * 0.3, further)
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
    x: Floats,
    r: Floats,
    before: Floats,
    smooth: float,
    box: Box,
    objective: Objective,
    hold: Floats,
    own: Floats,
) -> Floats:
    w = objective.weights
    cost = np.square(r).sum(1) + ((x @ objective.prior) * x).sum(1)
    cost += (hold * np.square(x - own)).sum(1)
    cost += smooth * np.square(x - before).sum(1)
    if len(box.planes):
        beyond = np.maximum(x @ box.planes.T - box.offsets, 0.0)
        cost += w.interlock * np.square(beyond).sum(1)
    return np.asarray(cost)


def residual(
    objective: Objective, x: Floats, projected: ProjectedTargets
) -> tuple[Floats, NDArray[np.bool_]]:
    """Residuals (T, Q), and whether each pair of lip landmarks touches, (T, pairs)."""
    predicted = objective.model.features(x) @ objective.readout
    gaps, contact = predicted[:, objective.contact.columns], objective.contact
    missing = np.maximum(contact.least - gaps, 0.0)
    touching = missing > 0.0
    if touching.any():
        gaps += missing
        predicted[:, : contact.parted.shape[1]] += missing @ contact.parted
    return np.asarray((predicted - projected.b) * projected.scale), touching


def linearise(
    objective: Objective, x: Floats, projected: ProjectedTargets
) -> tuple[Floats, Floats]:
    """Residuals (T, Q) and their transposed Jacobian (T, m, Q) at x (T, m).

    A slack tendon has a slope of 0, and a descent step would never tighten it. Its slope is
    therefore taken where it becomes taut (``taut_inputs``).
    """
    model, (r, touching) = objective.model, residual(objective, x, projected)
    m = len(model.inputs)
    on_h = objective.readout[POWERS * m : -1]
    by_power = objective.readout[: POWERS * m].reshape(POWERS, m, -1)
    all_slopes = by_power * np.arange(1.0, POWERS + 1)[:, None, None]
    at = np.maximum(x, objective.taut)
    h1 = np.tanh(at @ model.w1.T + model.b1)
    h2 = np.tanh(h1 @ model.w2.T + model.b2)
    inner = model.w1.T * (1.0 - h1**2)[:, None, :]
    dh = (inner.reshape(-1, inner.shape[-1]) @ model.w2.T).reshape(*x.shape, -1)
    dh *= (1.0 - h2**2)[:, None, :]
    j = (dh.reshape(-1, dh.shape[-1]) @ on_h).reshape(*x.shape, -1)
    own = at[:, :, None] * all_slopes[-1]  # derivative of the polynomials, by Horner's rule
    for slopes in all_slopes[-2:0:-1]:
        own += slopes
        own *= at[:, :, None]
    own += all_slopes[0]
    own += j
    if touching.any():
        gaps = own[:, :, objective.contact.columns]
        closing = gaps * touching[:, None, :]
        gaps -= closing
        own[:, :, : objective.contact.parted.shape[1]] -= closing @ objective.contact.parted
    own *= projected.scale[:, None, :]
    return r, own
