"""Trains the hidden layers of a self-model with Adam. This file needs torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from mien.models.self_model.model import POWERS, Floats
from mien.models.self_model.network import NetConfig, SelfModelNet
from mien.models.train.self_model.fit_config import FitConfig


@dataclass(frozen=True, eq=False)
class TrainedLayers:
    """Weights of a trained network, in double precision.

    Attributes:
        w1 (H1, m), b1 (H1,), w2 (H2, H1), b2 (H2,): hidden layers.
        out: (F, K) features -> latents.
        loss: mm^2, about a hundred values over the training.
    """

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    out: Floats
    loss: list[float]


def train(
    inputs: Floats,
    latents: Floats,
    config: FitConfig,
    progress: Callable[[int, int], None],
) -> TrainedLayers:
    """Train on the whole data set at every step, under one cosine schedule.

    Args:
        inputs: (N, m) network inputs.
        latents: (N, K) mm.
        config: sizes, steps, rates and seed.
        progress: called with (steps done, steps).
    """
    torch.manual_seed(config.seed)
    net = SelfModelNet(NetConfig(inputs.shape[1], latents.shape[1], config.hidden))
    spread = latents.std(0) + 1e-6
    x = torch.from_numpy(inputs).float()
    target = torch.from_numpy(latents / spread).float()
    # A compromise: with plain mm, small modes are never learned; with whitened modes, modes of
    # noise count as much as the jaw.
    weight = torch.from_numpy(spread / spread.sum()).float()
    hidden = [net.first.weight, net.second.weight]
    rest = [net.first.bias, net.second.bias, net.out.weight]
    torch.nn.init.zeros_(net.out.weight)
    optimiser = torch.optim.AdamW(
        [
            {"params": hidden, "weight_decay": config.decay / config.rate},
            {"params": rest, "weight_decay": 0.0},
        ],
        lr=config.rate,
        betas=(0.9, 0.99),
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.rate, config.steps, pct_start=0.1
    )
    losses = []
    for step in range(config.steps):
        optimiser.zero_grad()
        error = net(x) - target
        loss = (error.square().mean(0) * weight).sum()
        sparsity = config.sparse * net.first.weight.abs().sum()
        (loss + sparsity).backward()
        optimiser.step()
        schedule.step()
        if step % max(1, config.steps // 100) == 0:
            losses.append(float(loss.detach()))
            progress(step, config.steps)
    with torch.no_grad():
        net.out.weight.mul_(torch.from_numpy(spread).float()[:, None])
    return TrainedLayers(
        w1=_double(net.first.weight),
        b1=_double(net.first.bias),
        w2=_double(net.second.weight),
        b2=_double(net.second.bias),
        out=_double(net.out.weight.T),
        loss=losses,
    )


def untrained(
    inputs: Floats,
    latents: Floats,
    config: FitConfig,
    progress: Callable[[int, int], None],
) -> TrainedLayers:
    """As ``train``, without a step: the random weights of the seed, and an empty last layer."""
    torch.manual_seed(config.seed)
    net = SelfModelNet(NetConfig(inputs.shape[1], latents.shape[1], config.hidden))
    progress(config.steps, config.steps)
    return TrainedLayers(
        w1=_double(net.first.weight),
        b1=_double(net.first.bias),
        w2=_double(net.second.weight),
        b2=_double(net.second.bias),
        out=np.zeros_like(_double(net.out.weight.T)),
        loss=[],
    )


def no_units(
    inputs: Floats,
    latents: Floats,
    config: FitConfig,
    progress: Callable[[int, int], None],
) -> TrainedLayers:
    """As ``train``, for too few poses: no hidden units, and an empty last layer."""
    progress(config.steps, config.steps)
    m, nothing = inputs.shape[1], np.zeros(0)
    empty = np.zeros((POWERS * m + 1, latents.shape[1]))
    return TrainedLayers(np.zeros((0, m)), nothing, np.zeros((0, 0)), nothing, empty, [])


def _double(parameter: torch.Tensor) -> Floats:
    return np.asarray(parameter.detach().numpy(), dtype=np.float64)
