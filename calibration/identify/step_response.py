"""Fits a dead time and a maximum speed to the frames of a step response, on a grid of servos."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.robot.face.config import Floats

_STEP_S = 0.002
_DEAD_S = np.arange(0.0, 0.25, _STEP_S)
_SPEED_SHARES = np.concatenate([np.geomspace(0.05, 0.5, 20), np.arange(0.525, 1.001, 0.025)])
_MIN_STROKE_SIGMAS = 6.0  # size of a whole stroke in standard deviations of a position estimate
_MAX_DEAD_ERROR_S = 0.025
_BEND_STD = np.array([0.2, 0.3, 0.2])  # prior: offset, slope and curvature of position estimates


class StepResponse(NamedTuple):
    """Dead time and maximum speed of an actuator.

    Attributes:
        dead_s, dead_error_s: dead time and its standard error, s.
        share, share_error: maximum speed and its standard error, as shares of the commands' speed.
    """

    dead_s: float
    dead_error_s: float
    share: float
    share_error: float

    @classmethod
    def unknown(cls) -> StepResponse:
        """All values NaN."""
        return cls(*[float("nan")] * 4)


def fit_step_response(
    trace: dict[str, Floats],
    good: NDArray[np.bool_],
    positions: Floats,
    path: Floats,
    seen: Floats,
    to_inputs: Callable[[Floats], Floats],
) -> StepResponse | None:
    """Dead time and maximum speed; None where the camera sees too little.

    The self-model may be wrong near the ends of the path. Position estimates are therefore modelled
    as a parabola of the true position, with a prior for a straight line (``_BEND_STD``).

    Args:
        trace: ``sent_at`` (T,) s, ``sent`` (T,) commands, ``seen_at`` (S,) s.
        good: (S,) frames to use.
        positions: (P,) inputs along the path.
        path: (P, D) predicted observation at each position.
        seen: (S', D) observations of the good frames.
        to_inputs: servo positions (T, ...) -> network inputs; a tendon's play operator.
    """
    half, middle = np.ptp(trace["sent"]) / 2, (trace["sent"].max() + trace["sent"].min()) / 2
    estimate, weight = _estimated_positions(positions, path, seen)
    estimate = (estimate - middle) / half
    simulated, t = _simulated_servos(trace, to_inputs)
    when = np.clip((trace["seen_at"][good] - t[0]) / _STEP_S, 0, len(t) - 1.001)
    low, part = when.astype(int), (when % 1.0)[:, None, None]
    # (S', dead times, speeds)
    q = (simulated[low] * (1 - part) + simulated[low + 1] * part - middle) / half
    residual = estimate[:, None, None] - q
    powers = np.stack([np.einsum("s,sdv->dv", weight, q**k) for k in range(5)])
    given = np.stack([np.einsum("s,sdv->dv", weight, residual * q**k) for k in range(3)], axis=-1)
    gram = np.stack([powers[k : k + 3] for k in range(3)]).transpose(2, 3, 0, 1)
    whole = np.einsum("s,sdv->dv", weight, residual**2)
    noise = 1e-4
    for _ in range(2):  # the weight of the prior depends on the noise, and the noise on the fit
        prior = noise / np.square(_BEND_STD) * np.eye(3)
        bend = np.linalg.solve(gram + prior, given[..., None])
        cost = whole - np.einsum("dvk,dvk->dv", given, bend[..., 0])
        noise = float(cost.min()) / max(len(seen) - 5, 1) + 1e-9
    best = np.unravel_index(cost.argmin(), cost.shape)
    if 2.0 * (1.0 + float(bend[best][1, 0])) < _MIN_STROKE_SIGMAS * np.sqrt(noise):
        return None
    likelihood = np.exp(-0.5 * (cost - cost.min()) / noise)
    dead, dead_error = _moments(likelihood.sum(1), _DEAD_S)
    share, share_error = _moments(likelihood.sum(0), _SPEED_SHARES)
    if dead_error > _MAX_DEAD_ERROR_S:
        return None
    return StepResponse(dead, dead_error, share, share_error)


def _estimated_positions(positions: Floats, path: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Nearest position on the path (P, D) of each observation (S, D), and its weight of mean 1."""
    distance = np.square(seen).sum(1)[:, None] - 2.0 * seen @ path.T + np.square(path).sum(1)
    k = np.clip(distance.argmin(1), 1, len(positions) - 2)
    row = np.arange(len(seen))
    before, here, after = distance[row, k - 1], distance[row, k], distance[row, k + 1]
    curvature = np.maximum(after + before - 2.0 * here, 1e-12)
    offset = np.clip(0.5 * (before - after) / curvature, -1.0, 1.0)
    estimate = positions[k] + offset * (positions[1] - positions[0])
    sensitivity = np.square(np.gradient(path, axis=0)).sum(1)[k]
    return estimate, sensitivity / max(float(sensitivity.mean()), 1e-12)


def _simulated_servos(
    trace: dict[str, Floats], to_inputs: Callable[[Floats], Floats]
) -> tuple[Floats, Floats]:
    """Inputs (T, dead times, speeds) of all servos of the grid, and their times (T,) in s."""
    sent_at, sent = trace["sent_at"], trace["sent"]
    end = max(sent_at[-1], trace["seen_at"][-1]) + _STEP_S
    t = np.arange(sent_at[0] - _DEAD_S[-1], end, _STEP_S)
    commanded = np.interp(t, sent_at, sent)
    fastest = float((np.abs(np.diff(sent)) / np.diff(sent_at)).max())
    max_step = _SPEED_SHARES * fastest * _STEP_S * (1.0 + 1e-6)
    back = np.round(_DEAD_S / _STEP_S).astype(int)
    position = np.empty((len(t), len(_DEAD_S), len(_SPEED_SHARES)))
    now = np.full(position.shape[1:], commanded[0])
    for k in range(len(t)):
        goal = commanded[np.maximum(k - back, 0)][:, None]
        now = position[k] = now + np.clip(goal - now, -max_step, max_step)
    return to_inputs(position), t


def _moments(weight: Floats, at: Floats) -> tuple[float, float]:
    """Mean of a distribution on a grid, and its standard deviation with that of the grid's step."""
    weight = weight / weight.sum()
    mean = float(weight @ at)
    grid = float(np.interp(mean, at[1:], np.diff(at))) / np.sqrt(12.0)
    return mean, float(np.hypot(np.sqrt(weight @ np.square(at - mean)), grid))
