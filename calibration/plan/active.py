"""Active selection of poses, by a first fit of the self-model.

Half of the poses are random mixtures that together reduce the model's predictive variance most. The
other half are the commands that the model's inverse gives for random human expressions, so that the
training set covers the poses of later use. All poses include the tendon excitation.
"""

from __future__ import annotations

import numpy as np

from mien.calibration.plan.excitation import limited, mixtures, with_tendon_excitation
from mien.models.face.blendshapes import ARKIT, INDEX, MIRROR
from mien.models.self_model.inverse import Inverse
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.retarget import Retarget, limits_of

_CANDIDATES = 2000
_SHAPES = (1, 4)  # blendshapes of an expression, at least and at most
_SYMMETRIC_SHARE = 0.7
_OPEN_JAW_SHARE = 0.4


def choose_poses(face: FaceConfig, model: SelfModel, count: int, seed: int) -> Floats:
    """Poses (count, n), inside limits and interlocks. The same arguments give the same poses."""
    by_expression = count // 2
    pool = limited(face, mixtures(face, _CANDIDATES, seed + 104729))
    phi = model.features(model.network_inputs(pool))
    informative = pool[d_optimal_rows(phi, model.covariance_factor, count - by_expression)]
    limits = limits_of(face)
    targets = Retarget(model, limits).targets(expressions(by_expression, seed))
    expressive = limited(face, Inverse(model, limits).solve_each(targets))
    both = np.concatenate([informative, expressive])
    both = both[np.random.default_rng(seed).permutation(len(both))]
    return limited(face, with_tendon_excitation(face, both, seed))


def expressions(count: int, seed: int) -> Floats:
    """Blendshape weights (count, 52) of random expressions: a few shapes, mostly symmetric."""
    rng = np.random.default_rng([seed, 52])
    weights = np.zeros((count, len(ARKIT)))
    for w in weights:
        for i in rng.choice(len(ARKIT), rng.integers(_SHAPES[0], _SHAPES[1] + 1), replace=False):
            w[i] = rng.uniform(0.3, 1.0)
            if rng.uniform() < _SYMMETRIC_SHARE:
                w[MIRROR[i]] = w[i]
        if rng.uniform() < _OPEN_JAW_SHARE:
            w[INDEX["jawOpen"]] = rng.uniform(0.1, 0.9)
    return weights


def d_optimal_rows(phi: Floats, covariance_factor: Floats, count: int) -> list[int]:
    """Greedy D-optimal choice of rows; each choice updates the posterior covariance.

    Args:
        phi: (C, F) features of the candidates.
        covariance_factor: (F, F) factor L of the posterior covariance L' L.
        count: rows to choose.

    Returns:
        indices of the chosen rows, in the order of choice.
    """
    covariance = covariance_factor.T @ covariance_factor
    gain = np.einsum("if,fg,ig->i", phi, covariance, phi, optimize=True)
    free = np.ones(len(phi), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(count, len(phi))):
        best = int(np.argmax(np.where(free, gain, -np.inf)))
        chosen.append(best)
        free[best] = False
        direction = covariance @ phi[best]
        shrink = 1.0 + float(phi[best] @ direction)
        gain = gain - np.square(phi @ direction) / shrink  # Sherman-Morrison
        covariance = covariance - np.outer(direction, direction) / shrink
    return chosen
