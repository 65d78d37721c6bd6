"""Interaction features: pairs of actuators whose effects on the skin do not add up.

The network sees each actuator's own polynomial and sparse mixtures. It misses most interactions,
because one of them is small beside the noise of an observation. The pairs are few, so each can be
tested on all observations at once. The statistic is the energy of the product of both inputs in
the residual of the model, over the landmarks that both actuators move most. It is compared with
the same statistic of all pairs, most of which do not interact.

For each pair found, one hidden unit of the sum of both inputs is added to the network. Its bias is
where tanh(tanh(z)) has its largest curvature, so that beside the own polynomials the unit
represents the product.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from mien.models.self_model.model import Floats, SelfModel
from mien.models.train.self_model.observation_noise import EstimateNoise, ObservationNoise

MAX_PAIRS = 40
"""Interaction features of a model, at most."""
_MIN_SIGMAS = 3.0  # standard deviations above a pair that does not interact
_LANDMARKS_PER_PAIR = 40
_SIGMA_PER_MEDIAN_DEVIATION = 1.4826  # of a normal distribution
_BIAS, _GAIN = 0.442, 0.35  # where tanh(tanh(z)) has no third derivative; z per unit of command


def find_interactions(
    x: Floats,
    phi: Floats,
    landmarks: Floats,
    estimate: EstimateNoise = ObservationNoise.estimate,
    most: int = MAX_PAIRS,
) -> list[tuple[int, int]]:
    """Pairs of inputs that interact, beyond what the features explain.

    Args:
        x: (N, m) network inputs.
        phi: (N, F) features of the model so far.
        landmarks: (N, 478, 3) mm, observations.
        estimate: of the observations' noise.
        most: pairs, at most; the strongest are kept.
    """
    noise = estimate(phi, landmarks)
    pairs = list(combinations(range(x.shape[1]), 2))
    if not pairs:
        return []
    project_out = noise.projector(phi)
    flat = landmarks.reshape(len(x), -1)
    residuals = project_out(flat)
    sigma = np.sqrt(np.square(residuals).sum(0) / (len(x) - phi.shape[1]))
    sigma = np.maximum(sigma, 1e-9)
    slopes = np.linalg.lstsq(x - x.mean(0), flat - flat.mean(0), rcond=None)[0] / sigma
    motion = np.square(_by_landmark(slopes)).sum(-1)  # (m, 478) of each actuator
    products = project_out(np.stack([x[:, i] * x[:, j] for i, j in pairs], axis=1))
    products /= np.maximum(np.linalg.norm(products, axis=0), 1e-9)
    energy = np.square(_by_landmark(products.T @ residuals / sigma)).sum(-1)
    shared = np.argsort([-motion[i] * motion[j] for i, j in pairs], axis=1)
    shared = shared[:, :_LANDMARKS_PER_PAIR]
    statistic = np.take_along_axis(energy, shared, axis=1).sum(1)
    expected = 3.0 * shared.shape[1]  # of a chi-squared with one degree of freedom per coordinate
    # Errors of neighbouring landmarks are correlated: the statistic varies more than a chi-squared.
    median = float(np.median(statistic))
    spread = _SIGMA_PER_MEDIAN_DEVIATION * float(np.median(np.abs(statistic - median)))
    sigmas = (statistic - max(expected, median)) / max(spread, np.sqrt(2.0 * expected))
    best = [int(k) for k in np.argsort(-sigmas)[:most] if sigmas[k] > _MIN_SIGMAS]
    return [pairs[k] for k in sorted(best)]


def _by_landmark(rows: Floats) -> Floats:
    return rows.reshape(len(rows), -1, 3)


def with_interactions(model: SelfModel, pairs: list[tuple[int, int]]) -> SelfModel:
    """The model with a hidden unit for each pair. Its last layer is still to be fitted."""
    more = len(pairs)
    sums = np.zeros((more, model.w1.shape[1]))
    for row, pair in zip(sums, pairs, strict=True):
        row[list(pair)] = _GAIN
    w2 = np.zeros((len(model.b2) + more, len(model.b1) + more))
    w2[: len(model.b2), : len(model.b1)] = model.w2
    w2[len(model.b2) :, len(model.b1) :] = np.eye(more)
    return replace(
        model,
        w1=np.concatenate([model.w1, sums]),
        b1=np.concatenate([model.b1, np.full(more, _BIAS)]),
        w2=w2,
        b2=np.concatenate([model.b2, np.zeros(more)]),
    )
