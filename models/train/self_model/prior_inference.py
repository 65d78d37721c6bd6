"""Finds the self-model of a robot from few observations and the prior of its design.

Observations are z[n] = f(x[n], c) B + o + e[n], with f the latents of a robot of coefficients c at
pose n, B what the camera sees of them, o a constant offset and e[n] errors of covariance R. Around
the present estimate of c, f is linear, and posterior mean and covariance are those of a linear
model with a Gaussian prior. Two things are searched for by the evidence (the probability of the
observations with c integrated out): the gain common to all actuators, and how far this robot is
from the design (a factor on the prior's standard deviations). R has an inverse Wishart prior about
the errors that the tracker is known for, and is estimated by expectation maximisation. A tracker's
errors are smooth functions of the pose, so they do not average out. Of tendons the play of the
design is used: a few observations do not show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.model import MAX_LATENTS, POWERS, Floats, SelfModel
from mien.models.self_model.prior import Prior
from mien.models.threads import one_thread
from mien.models.train.self_model.fit import Examples
from mien.models.train.self_model.observed_errors import ObservedErrors, encoder

_GAINS = (0.7, 0.85, 1.0, 1.2, 1.4)
_GAIN_STEP, _MIN_GAIN_STEP = 0.08, 0.01  # of the logarithm, for the search around the best of them
_GAIN_SPREAD = 0.15  # prior standard deviation of the logarithm
_WIDTHS = np.exp(np.linspace(np.log(0.5), np.log(6.0), 14))
_ROUNDS = 3
_MODE_POSES = 2000  # random poses whose motion the robot's own modes hold


@one_thread
def infer(
    prior: Prior,
    examples: Examples,
    rest: Floats,
    known: ObservedErrors,
    moving: tuple[int, ...] | None = None,
) -> SelfModel:
    """The self-model of a robot of the design.

    Args:
        prior: of the design.
        examples: commands and observations; ``inputs`` of the prior are used.
        rest: (478, 3) mm, the observed face at rest.
        known: errors of the camera.
        moving: indices of the actuators that do move; None: all of the prior's.
    """
    to_latents = encoder(prior.decoder, known.factor, known.white)
    z = (examples.landmarks - rest).reshape(len(examples.landmarks), -1) @ to_latents
    factor = known.factor @ to_latents
    r0 = factor.T @ factor + np.diag(prior.truncated**2)
    moves = np.isin(prior.inputs, prior.inputs if moving is None else moving)
    u = np.where(moves, examples.commands[:, prior.inputs], 0.0)
    x = u.copy()
    if len(prior.tendons):
        x[:, prior.tendons] = prior.play.scan(u[:, prior.tendons])
    x = x[examples.observed]
    apart = known.whitening(u[examples.observed])
    seen = np.eye(len(r0)) if known.seen is None else known.seen
    errors, found = r0, np.zeros(len(prior.root))

    def at(gain: float) -> _Problem:
        return _Problem(prior, gain * x, z, found, _Camera(errors, apart, seen))

    gain = _best_gain(lambda gain: at(gain).best_width()[1])
    for _ in range(_ROUNDS):
        problem = at(gain)
        width, _ = problem.best_width()
        errors = problem.errors(width, r0, known.degrees)
        found = prior.root @ problem.coefficients(width)[0]
    constant = (z - prior.latents(gain * x, found) @ seen).mean(0)
    model = _self_model(prior, problem, width, gain, rest, moves, errors, constant, x)
    # The few observations at rest share one error of the head's position.
    off = examples.landmarks - model.sequence(examples.commands)[examples.observed]
    return replace(model, mean=model.mean + off.mean((0, 1)))


def _best_gain(evidence: Callable[[float], float]) -> float:
    """The gain of largest evidence.

    Where 1 is the best of ``_GAINS``, it is kept: small deviations are the coefficients'.
    """

    @cache
    def score(log_gain: float) -> float:
        return evidence(float(np.exp(log_gain))) - 0.5 * (log_gain / _GAIN_SPREAD) ** 2

    now, step = max(np.log(_GAINS).tolist(), key=score), _GAIN_STEP
    while now != 0.0 and step > _MIN_GAIN_STEP:
        best = max((now - step, now, now + step), key=score)
        if best == now:
            step *= 0.4
        now = best
    return float(np.exp(now))


class _Camera(NamedTuple):
    """What is assumed of the observations.

    Attributes:
        errors: (K, K) covariance of their errors.
        apart: (N, N) as ``ObservedErrors.whitening`` gives it.
        seen: (K, K) latents -> latents that are observed.
    """

    errors: Floats
    apart: Floats
    seen: Floats


class _Problem:
    """The linear model at a gain and a covariance of the errors, in rows of independent errors."""

    def __init__(self, prior: Prior, x: Floats, z: Floats, found: Floats, camera: _Camera) -> None:
        self.count, self.latents = z.shape
        self.white = np.linalg.cholesky(np.linalg.inv(camera.errors))
        mixing = camera.seen @ self.white
        rows, off = np.empty((*z.shape, len(prior.root))), np.empty_like(z)
        for part in _parts(self.count):  # all at once would be several times this memory
            design = prior.design(x[part], found)  # (n, G, K)
            off[part] = z[part] - (prior.latents(x[part], found) - found @ design) @ camera.seen
            rows[part] = (design @ mixing).transpose(0, 2, 1) @ prior.root
        flat = rows.reshape(self.count, -1)
        for part in _parts(flat.shape[1], 4096):
            flat[:, part] = camera.apart @ flat[:, part]
        self.rows = rows.reshape(-1, len(prior.root))
        self.target = (camera.apart @ off @ self.white).reshape(-1)
        values, self.basis = np.linalg.eigh(self.rows.T @ self.rows)
        self.values = np.maximum(values, 0.0)
        self.projected = self.basis.T @ (self.rows.T @ self.target)
        self.logs = -2.0 * self.count * float(np.log(np.diag(self.white)).sum())

    def evidence(self, width: float) -> float:
        """Log probability of the observations, up to a constant, for a factor on the prior."""
        grown = 1.0 + width**2 * self.values
        fitted = (width**2 * np.square(self.projected) / grown).sum()
        squares = float(self.target @ self.target - fitted)
        return float(-0.5 * (squares + np.log(grown).sum() + self.logs))

    def best_width(self) -> tuple[float, float]:
        """The factor on the prior with the largest evidence, and this evidence."""
        scores = [self.evidence(width) for width in _WIDTHS]
        return float(_WIDTHS[int(np.argmax(scores))]), max(scores)

    def coefficients(self, width: float) -> tuple[Floats, Floats]:
        """Mean (G,) of the whitened coefficients, and a factor (G, G) F with covariance F F'."""
        shrink = 1.0 / (1.0 + width**2 * self.values)
        mean = width**2 * self.basis @ (shrink * self.projected)
        return mean, width * self.basis * np.sqrt(shrink)

    def errors(self, width: float, known: Floats, degrees: float) -> Floats:
        """Covariance (K, K) of the errors, from the known one and the residuals."""
        mean, factor = self.coefficients(width)
        back = np.linalg.inv(self.white)
        off = (self.target - self.rows @ mean).reshape(self.count, -1) @ back
        rows, unknown = self.rows.reshape(self.count, self.latents, -1), np.zeros_like(known)
        for part in _parts(self.count):
            by_latent = (rows[part] @ factor).transpose(1, 0, 2).reshape(self.latents, -1)
            unknown = unknown + by_latent @ by_latent.T
        total = off.T @ off + back.T @ unknown @ back
        return np.asarray((degrees * known + total) / (degrees + self.count))


def _parts(count: int, size: int = 64) -> list[slice]:
    return [slice(k, k + size) for k in range(0, count, size)]


def _own_modes(robot: SelfModel, x: Floats) -> Floats:
    """Modes (K, M) of one robot's own motion among the prior's latents, at most ``MAX_LATENTS``."""
    random = np.random.default_rng(0).uniform(x.min(0), x.max(0), (_MODE_POSES, x.shape[1]))
    moved = robot.latents(random)
    moved -= moved.mean(0)
    return np.asarray(np.linalg.eigh(moved.T @ moved)[1][:, ::-1][:, :MAX_LATENTS])


def _self_model(
    prior: Prior,
    problem: _Problem,
    width: float,
    gain: float,
    rest: Floats,
    moving: NDArray[np.bool_],
    errors: Floats,
    offset: Floats,
    x: Floats,
) -> SelfModel:
    """The robot's self-model, with the gain folded into the weights.

    Args:
        offset: (K,) constant error of the observations, which is left in the model's mean.
        x: (N, m) network inputs before the gain.
    """
    m = len(prior.inputs)
    whitened, spread = problem.coefficients(width)
    robot = prior.robot(prior.root @ whitened)
    out = robot.out
    modes = _own_modes(robot, gain * x)
    # Posterior covariance of the weights, summed over the latents, in units of the errors.
    factor = (prior.root @ spread).T  # (., G), covariance = factor' factor
    by_feature = np.zeros((len(out), len(factor), prior.decoder.shape[0]))
    powers = by_feature[: POWERS * m].reshape(POWERS, m, *by_feature.shape[1:])
    own = factor[:, : len(prior.own), None, None] * prior.own
    for i in range(m):
        powers[:, i] = own[:, prior.owner == i].sum(1).transpose(1, 0, 2)
    by_feature[POWERS * m : -1] = np.tensordot(
        factor[:, len(prior.own) :], prior.mixed, axes=1
    ).transpose(1, 0, 2)
    flat = by_feature.reshape(len(out), -1)
    noise = np.sqrt(np.diag(errors))
    s = flat @ flat.T / np.square(noise).sum()
    scales = np.concatenate(
        [np.repeat(gain ** np.arange(1, POWERS + 1), m), np.ones(len(out) - POWERS * m)]
    )
    values, basis = np.linalg.eigh(s * np.outer(scales, scales))
    covariance_factor = (basis * np.sqrt(np.maximum(values, 0.0))).T[::-1]
    kept = np.flatnonzero(moving)
    columns = np.concatenate(
        [np.concatenate([kept + p * m for p in range(POWERS)]), np.arange(POWERS * m, len(out))]
    )
    tendons = [k for k in range(len(prior.tendons)) if moving[prior.tendons[k]]]
    return SelfModel(
        names=prior.names,
        inputs=prior.inputs[kept],
        tendons=np.searchsorted(kept, prior.tendons[tendons]).astype(np.intp),
        play=PlayOperator(prior.play.half_width[tendons], prior.play.growth[tendons]),
        w1=gain * prior.w1[:, kept],
        b1=robot.b1,
        w2=prior.w2,
        b2=prior.b2,
        out=(out * scales[:, None])[columns] @ modes,
        mean=rest + (offset @ prior.decoder).reshape(rest.shape),
        decoder=modes.T @ prior.decoder,
        covariance_factor=covariance_factor[:, columns],
        noise=np.sqrt(np.diag(modes.T @ errors @ modes)),
        neck=np.zeros((0, 6)),
        meta={"poses": problem.count, "gain": round(gain, 4), "prior_width": round(width, 3)},
    )
