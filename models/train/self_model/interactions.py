"""Which levers meet on the skin: pairs whose product explains what each alone does not.

A network that hears of each lever's own curve and of sparse mixtures misses most meetings, for one
of them is small beside the noise of a look. But there are few pairs, and each can be asked of all
looks at once: the product's energy in what the model leaves, where both levers move the skin most,
beside that of pairs that do not meet. For each pair that meets, one hidden unit is added to the
network, of the levers' sum where tanh of tanh bends most: beside curves of each lever alone such a
unit tells their product.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from mien.models.self_model.model import Floats, SelfModel
from mien.models.train.self_model.observation_noise import LookErrors

MOST = 40
_CLEAR = 3.0  # standard deviations of a pair that does not meet
_NEAR = 40  # landmarks
_NORMAL = 1.4826  # standard deviations in the median of absolute deviations
_BENT, _STEP = 0.442, 0.35  # where tanh(tanh(z)) has no third derivative; z per command


def find_meetings(x: Floats, phi: Floats, landmarks: Floats) -> list[tuple[int, int]]:
    """Pairs of inputs x (N, m) that meet, beyond features phi (N, F) of looks (N, 478, 3)."""
    errors = LookErrors.beyond(phi, landmarks)
    pairs = list(combinations(range(x.shape[1]), 2))
    if not pairs:
        return []
    own = errors.free_of(phi)
    flat = landmarks.reshape(len(x), -1)
    left = own(flat)
    sigma = np.sqrt(np.square(left).sum(0) / (len(x) - phi.shape[1]))
    sigma = np.maximum(sigma, 1e-9)
    slopes = np.linalg.lstsq(x - x.mean(0), flat - flat.mean(0), rcond=None)[0] / sigma
    reach = np.square(_points(slopes)).sum(-1)  # (m, 478) of each lever
    products = own(np.stack([x[:, i] * x[:, j] for i, j in pairs], axis=1))
    products /= np.maximum(np.linalg.norm(products, axis=0), 1e-9)
    energy = np.square(_points(products.T @ left / sigma)).sum(-1)
    near = np.argsort([-reach[i] * reach[j] for i, j in pairs], axis=1)[:, :_NEAR]
    told = np.take_along_axis(energy, near, axis=1).sum(1)
    chance = 3.0 * near.shape[1]  # of a chi-squared with a degree for every coordinate
    # Errors that go together from point to point make it vary more than independent ones do.
    usual = _NORMAL * float(np.median(np.abs(told - np.median(told))))
    clear = (told - max(chance, float(np.median(told)))) / max(usual, np.sqrt(2.0 * chance))
    best = [int(k) for k in np.argsort(-clear)[:MOST] if clear[k] > _CLEAR]
    return [pairs[k] for k in sorted(best)]


def _points(rows: Floats) -> Floats:
    return rows.reshape(len(rows), -1, 3)


def with_meetings(model: SelfModel, pairs: list[tuple[int, int]]) -> SelfModel:
    """The model with a hidden unit for each pair; its last layer is still to be fitted."""
    more = len(pairs)
    sums = np.zeros((more, model.w1.shape[1]))
    for row, pair in zip(sums, pairs, strict=True):
        row[list(pair)] = _STEP
    w2 = np.zeros((len(model.b2) + more, len(model.b1) + more))
    w2[: len(model.b2), : len(model.b1)] = model.w2
    w2[len(model.b2) :, len(model.b1) :] = np.eye(more)
    return replace(
        model,
        w1=np.concatenate([model.w1, sums]),
        b1=np.concatenate([model.b1, np.full(more, _BENT)]),
        w2=w2,
        b2=np.concatenate([model.b2, np.zeros(more)]),
    )
