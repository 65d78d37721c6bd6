"""Chooses the next poses by what a first model knows: where it knows least, and where it will be
used.

Half of them are mixtures that lower the model's doubt most, together; the other half are the
commands that it would send today for random human expressions, so that it has seen what it will be
asked to show. Strings are pulled in all of them, as in the mixtures before.
"""

from __future__ import annotations

import numpy as np

from mien.calibration.plan.excitation import allowed, mixtures, pulled
from mien.models.face.blendshapes import ARKIT, INDEX, MIRROR
from mien.models.self_model.inverse import Inverse
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.retarget import Retarget, limits_of

_CANDIDATES = 2000
_SHAPES = (1, 4)  # how many shapes an expression has, at least and at most
_BOTH_SIDES = 0.7
_JAW = 0.4  # share of the expressions with an open jaw


def choose(face: FaceConfig, model: SelfModel, count: int, seed: int) -> Floats:
    """(count, n) commands, inside limits and interlocks; the same input chooses the same."""
    used = count // 2
    pool = allowed(face, mixtures(face, _CANDIDATES, seed + 104729))
    phi = model.features(model.network_inputs(pool))
    unknown = pool[least_known(phi, model.doubt, count - used)]
    limits = limits_of(face)
    targets = Retarget(model, limits).targets(expressions(used, seed))
    shown = allowed(face, Inverse(model, limits).solve_each(targets))
    both = np.concatenate([unknown, shown])
    both = both[np.random.default_rng(seed).permutation(len(both))]
    return allowed(face, pulled(face, both, seed))


def expressions(count: int, seed: int) -> Floats:
    """(count, 52) random human expressions: a few shapes at once, mostly of both sides."""
    rng = np.random.default_rng([seed, 52])
    weights = np.zeros((count, len(ARKIT)))
    for w in weights:
        for i in rng.choice(len(ARKIT), rng.integers(_SHAPES[0], _SHAPES[1] + 1), replace=False):
            w[i] = rng.uniform(0.3, 1.0)
            if rng.uniform() < _BOTH_SIDES:
                w[MIRROR[i]] = w[i]
        if rng.uniform() < _JAW:
            w[INDEX["jawOpen"]] = rng.uniform(0.1, 0.9)
    return weights


def least_known(phi: Floats, doubt: Floats, count: int) -> list[int]:
    """Greedy D-optimal choice of rows of phi (C, F): each one taken lowers the doubt of its like.

    ``doubt`` is the model's, with covariance doubt' doubt.
    """
    cover = doubt.T @ doubt
    gain = np.einsum("if,fg,ig->i", phi, cover, phi, optimize=True)
    free = np.ones(len(phi), dtype=bool)
    taken: list[int] = []
    for _ in range(min(count, len(phi))):
        best = int(np.argmax(np.where(free, gain, -np.inf)))
        taken.append(best)
        free[best] = False
        known = cover @ phi[best]
        shrink = 1.0 + float(phi[best] @ known)
        gain = gain - np.square(phi @ known) / shrink  # Sherman-Morrison
        cover = cover - np.outer(known, known) / shrink
    return taken
