"""Which levers meet on the skin: pairs whose product explains what each alone does not.

A network that hears of each lever's own curve and of sparse mixtures misses most meetings, for one
of them is small beside the noise of a look. But there are few pairs, and each can be asked of all
looks at once: the product's energy in what the model leaves, beside that of pairs that do not meet.
For each pair that meets, one hidden unit is added to the network, of the levers' sum where tanh of
tanh bends most: beside curves of each lever alone such a unit tells their product.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from models.self_model import Floats, SelfModel
from models.train.wandering import Wandering

MOST = 16
_CLEAR = 6.0  # standard deviations of a pair that does not meet
_CLEAR_STRINGS = 3.0  # of the few pairs of strings
_NORMAL = 1.4826  # standard deviations in the median of absolute deviations
_BENT, _STEP = 0.442, 0.35  # where tanh(tanh(z)) has no third derivative; z per command


def find_meetings(
    x: Floats, phi: Floats, landmarks: Floats, strings: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Pairs of inputs x (N, m) that meet, beyond features phi (N, F) of looks (N, 478, 3)."""
    wandering = Wandering.beyond(phi, landmarks)
    pairs = list(combinations(range(x.shape[1]), 2))
    if not pairs:
        return []
    basis = np.linalg.qr(wandering.apart(phi))[0]

    def own(rows: Floats) -> Floats:
        new = wandering.apart(rows)
        return new - basis @ (basis.T @ new)

    left = own(landmarks.reshape(len(x), -1))
    freedom = len(x) - phi.shape[1]
    left /= np.maximum(np.sqrt(np.square(left).sum(0) / freedom), 1e-9)
    products = own(np.stack([x[:, i] * x[:, j] for i, j in pairs], axis=1))
    products /= np.maximum(np.linalg.norm(products, axis=0), 1e-9)
    energy = np.square(products.T @ left).sum(1)
    # Errors that go together from point to point make chance larger than independent ones do.
    middle = max(float(np.median(energy)), float(left.shape[1]))
    usual = _NORMAL * float(np.median(np.abs(energy - np.median(energy))))
    clear = (energy - middle) / max(usual, np.sqrt(2.0 * left.shape[1]))
    best = [int(k) for k in np.argsort(-clear)[:MOST]]
    also = [k for k, pair in enumerate(pairs) if set(pair) <= set(strings)]
    return [
        pairs[k]
        for k in sorted({*best, *also})
        if clear[k] > (_CLEAR_STRINGS if k in also else _CLEAR)
    ]


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
