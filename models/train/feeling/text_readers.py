"""Multinomial logistic regression from the features of a text to the kind of its feeling.

It is the contrastive step of the two readers of text: a text is told apart from the other kinds. A
ridge beside it gives the intensity. A perceptron with the same features did worse on scenes that
were left out.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.models.feeling.space import LOGITS

Floats = NDArray[np.float32]
ITERATIONS: Final = 40
_FOLDS: Final = 4
_SHARPER: Final = np.linspace(1.0, 6.0, 26)
_RIDGE: Final = 0.3


class Plan(NamedTuple):
    """Penalty of the weights, and the weights of a composition and of any other text beside that of
    a scene, which is 1."""

    penalty: float = 0.1
    beside: float = 0.1
    composed: float = 0.1


class Rows(NamedTuple):
    """Texts: features (N, d), kinds (N,), shares of the kinds (N, 8), intensities (N,), which are
    scenes, and which are composed."""

    x: Tensor
    kind: Tensor
    share: Tensor
    strength: Tensor
    scene: NDArray[np.bool_]
    composed: NDArray[np.bool_]

    def of(self, at: NDArray[np.bool_]) -> Rows:
        """A part of them."""
        which = torch.from_numpy(at)
        return Rows(
            self.x[which],
            self.kind[which],
            self.share[which],
            self.strength[which],
            self.scene[at],
            self.composed[at],
        )


def rows(
    x: Floats,
    kind: NDArray[np.int64],
    mix: Floats,
    scene: NDArray[np.bool_],
    composed: NDArray[np.bool_],
) -> Rows:
    """Texts from features, kinds and mixes (N, 7)."""
    share = np.zeros((len(kind), mix.shape[1] + 1), np.float32)
    total = mix.sum(axis=1, keepdims=True)
    share[:, 1:] = mix / np.maximum(total, 1e-6)
    share[kind == 0] = np.eye(share.shape[1])[0]
    return Rows(
        torch.from_numpy(x), torch.from_numpy(kind), torch.from_numpy(share),
        torch.from_numpy(np.minimum(total[:, 0], 0.95)), scene, composed,
    )  # fmt: skip


def fit(found: Rows, plan: Plan) -> dict[str, Floats]:
    """Mean (d,), scale (1,), weights (9, d) and bias (9,) of a reader."""
    mean = found.x.mean(dim=0)
    scale = 1.0 / (found.x - mean).std(dim=0).mean()
    x = (found.x - mean) * scale
    scaled = found._replace(x=x)
    # Penalised answers are too unsure. How much surer they may be is asked of texts that are left
    # out.
    logits, kinds = [], []
    number = np.arange(len(x)) % _FOLDS
    for fold in range(_FOLDS):
        held = number == fold
        weight, bias = _logistic(scaled.of(~held), plan)
        own = held & found.scene
        logits.append(x[torch.from_numpy(own)] @ weight + bias)
        kinds.append(found.kind[torch.from_numpy(own)])
    every, true = torch.cat(logits), torch.cat(kinds)
    losses = [torch.nn.functional.cross_entropy(float(s) * every, true) for s in _SHARPER]
    sharper = float(_SHARPER[int(np.argmin(losses))])
    weight, bias = _logistic(scaled, plan)
    felt = torch.from_numpy(found.scene) & (found.kind > 0)
    slope, level = _ridge(x[felt], found.strength[felt])
    first = torch.cat([sharper * weight.T, slope[None]])
    biases = torch.cat([sharper * bias, level[None]])
    assert len(first) == LOGITS
    out: dict[str, Any] = {
        "mean": mean.numpy(), "scale": np.array([float(scale)], np.float32),
        "first": first.numpy(), "bias": biases.numpy(),
    }  # fmt: skip
    return out


def _logistic(found: Rows, plan: Plan) -> tuple[Tensor, Tensor]:
    kinds = found.share.shape[1]
    weight = torch.zeros(found.x.shape[1], kinds, requires_grad=True)
    bias = torch.zeros(kinds, requires_grad=True)
    counts = torch.from_numpy(
        np.where(found.scene, 1.0, np.where(found.composed, plan.composed, plan.beside))
    ).float()
    counts = (counts / counts.sum())[:, None]
    optimiser = torch.optim.LBFGS(
        [weight, bias], max_iter=ITERATIONS, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        likely = torch.log_softmax(found.x @ weight + bias, dim=1)
        out = -(counts * found.share * likely).sum() + plan.penalty * weight.square().sum()
        torch.autograd.backward(out)
        return out

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


def _ridge(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    level, mean = y.mean(), x.mean(dim=0)
    kernel = (x - mean) @ (x - mean).T
    kernel = kernel + _RIDGE * 30.0 * kernel.trace() / len(kernel) * torch.eye(len(kernel))
    slope = (x - mean).T @ torch.linalg.solve(kernel, y - level)
    return slope, level - mean @ slope
