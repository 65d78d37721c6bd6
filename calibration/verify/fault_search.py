"""The search for faulty actuators: which faults explain what a check saw better than none.

Every fault is another time series of one input: an actuator that stands still has a constant, a
slipped horn a shift, a slack tendon lacks the first part of its pull, a slow one lags behind. The
score of a fault is the logarithm of the likelihood ratio to a healthy actuator. Errors of the
self-model count as small unknown gains, shifts and delays of all inputs, and as the modes that the
residuals of the calibration have. Faults are found one after the other, the likeliest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien.models.threads import one_thread
from mien.robot.face.config import Floats

FaultKind = Literal["still", "slow", "slack", "slipped"]
MIN_SCORES: Final[dict[FaultKind, float]] = {
    "still": 18.0,
    "slow": 12.0,
    "slack": 18.0,
    "slipped": 21.0,
}
"""Score above which a fault is believed. Only the few frames of a moving face tell of a slow
actuator."""
FURTHER = 1.5
"""Factor on it for a second fault: what the model gets wrong about a faulty actuator looks like
small faults of its neighbours."""
MOST = 6
"""Faults of a robot that are searched for; one with more is no case for a check."""
GAIN_STD, SHIFT_STD, DELAY_STD_S = 0.04, 0.015, 0.004
"""Changes of a healthy input from one check to the next: gain, shift (commands) and delay."""
MIN_SHARE = 0.1
"""A further fault explains at least this share of what the first one does: the model is wrong by
some percent about the motion of a faulty actuator, and that is no fault of its neighbours."""
LIMP_GAIN = 0.5
"""An input whose motion follows its commands with a smaller gain does not move by itself."""
_LIMP_STD, _LIMP_COST = 0.5, 3.0  # of its position in each row; logarithm of the likelihood
_STILL = np.linspace(-1.0, 1.0, 9)
_SHIFTS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.55)
_SLACK = (0.12, 0.18, 0.25, 0.33, 0.42, 0.55)
SLOW_SHARES = (0.15, 0.25, 0.35, 0.5, 0.65, 0.8)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs of all rows of a check, in the order of time; R rows, m inputs.

    Attributes:
        x: (R, m) of a healthy robot.
        rate: (R, m) their change, 1/s.
        slow: (S, R, m) the same with a share (``SLOW_SHARES``) of the speed limits.
        tendons: (m,) inputs that only pull.
        weight: (R,) of a row's evidence: successive frames have nearly the same errors.
    """

    x: Floats
    rate: Floats
    slow: Floats
    tendons: NDArray[np.bool_]
    weight: Floats


@dataclass(frozen=True)
class FoundFault:
    """A fault of one input.

    Attributes:
        input: its index.
        kind: of the fault.
        amount: ``still``: where it stands; ``slipped``, ``slack``: the shift in commands;
            ``slow``: the share of its speed limit.
        score: logarithm of the likelihood ratio to a healthy one.
    """

    input: int
    kind: FaultKind
    amount: float
    score: float


@one_thread
def search(
    inputs: Inputs,
    predict: Callable[[Floats], Floats],
    slopes: Callable[[Floats], Floats],
    precision: Floats,
    residual: Callable[[Floats], Floats],
) -> list[FoundFault]:
    """Find the faults, the likeliest first.

    Args:
        inputs: of the check.
        predict: inputs (..., m) -> latents (..., K).
        slopes: inputs (R, m) -> their derivative (R, m, K).
        precision: (K, K) weight of an error of the latents in one row.
        residual: latents (R, K) -> weighted residual (R, K) of the observations: the gradient of
            the log-likelihood with regard to the latents.
    """
    x, out = inputs.x.copy(), list[FoundFault]()
    left, first = set(range(x.shape[1])), 0.0
    while left and len(out) < MOST:
        z = predict(x)
        b = residual(z) * inputs.weight[:, None]
        slope = slopes(x)
        nuisance = _nuisance(inputs, x, slope, out)
        weighted = (nuisance @ precision) * inputs.weight[:, None]
        flat = weighted.reshape(len(nuisance), -1)
        inner = np.eye(len(flat)) + flat @ nuisance.reshape(len(nuisance), -1).T
        inverse = np.linalg.inv(inner)
        shared = inverse @ np.einsum("jrk,rk->j", nuisance, b)
        gradient = b.reshape(-1) - flat.T @ shared
        best: tuple[float, FoundFault, Floats] | None = None
        for k in sorted(left):
            kinds = list(_alternatives(inputs, x, k))
            if (limp := _limp(inputs, x, k, b, slope[:, k], precision)) is not None:
                kinds.append(("still", float(limp.mean()), limp))
            changed = np.repeat(x[None], len(kinds), axis=0)
            changed[:, :, k] = [series for _, _, series in kinds]
            e = predict(changed) - z
            own = np.einsum("ark,r->a", (e @ precision) * e, inputs.weight)
            vectors = e.reshape(len(e), -1)
            across = vectors @ flat.T
            quadratic = own - np.einsum("aj,jk,ak->a", across, inverse, across)
            scores = vectors @ gradient - 0.5 * quadratic
            plain = vectors @ b.reshape(-1) - 0.5 * own
            if limp is not None:
                free = _LIMP_COST * np.count_nonzero(inputs.weight == 1.0)
                scores[-1], plain[-1] = scores[-1] - free, plain[-1] - free
            at = int(plain.argmax())
            if best is None or plain[at] > best[0]:
                kind, amount, series = kinds[at]
                best = float(plain[at]), FoundFault(k, kind, amount, float(scores[at])), series
        if best is None:
            break
        least = MIN_SCORES[best[1].kind] * (FURTHER if out else 1.0)
        if best[1].score < least or best[0] < MIN_SHARE * first:
            break
        first = max(first, best[0])
        out.append(best[1])
        x[:, best[1].input] = best[2]
        left.discard(best[1].input)
    return out


def _nuisance(inputs: Inputs, x: Floats, slope: Floats, found: list[FoundFault]) -> Floats:
    """Latents (j, R, K) of one standard deviation of each small error of a healthy input."""
    healthy = [k for k in range(x.shape[1]) if k not in {f.input for f in found}]
    at = slope.transpose(1, 0, 2)[healthy]
    columns = x.T[healthy, :, None]
    rates = inputs.rate.T[healthy, :, None]
    return np.concatenate([GAIN_STD * columns * at, SHIFT_STD * at, DELAY_STD_S * rates * at])


def _alternatives(inputs: Inputs, x: Floats, k: int) -> Iterator[tuple[FaultKind, float, Floats]]:
    """Series (R,) of a faulty input ``k``, each with its kind and amount."""
    now = x[:, k]
    tendon = bool(inputs.tendons[k])
    for at in _STILL:
        if not tendon or at >= 0.0:
            yield "still", float(at), np.full_like(now, at)
    for shift in _SHIFTS:
        yield "slipped", shift, now + shift
        if not tendon:
            yield "slipped", -shift, now - shift
    if tendon:
        for slack in _SLACK:
            yield "slack", slack, np.maximum(now - slack, 0.0)
    for share, slow in zip(SLOW_SHARES, inputs.slow, strict=True):
        yield "slow", share, slow[:, k]


def _limp(
    inputs: Inputs, x: Floats, k: int, b: Floats, slope: Floats, precision: Floats
) -> Floats | None:
    """Series (R,) of an input that its neighbours move; None where it follows its commands.

    A dead motor is no fixed point: the skin takes it along.
    """
    bend = np.einsum("rk,kl,rl->r", slope, precision, slope) * inputs.weight
    step = (b * slope).sum(1) / (bend + 1.0 / _LIMP_STD**2)
    series = x[:, k] + np.clip(step, -2.0, 2.0)
    own, rows = x[:, k] - x[:, k].mean(), inputs.weight == 1.0
    gain = (own * series)[rows].sum() / max(float(np.square(own[rows]).sum()), 1e-9)
    return series if abs(gain) < LIMP_GAIN else None
