"""The self-model as a torch network, for training.

It must equal the numpy model (mien.models.self_model.model); a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mien.models.self_model.model import POWERS, SelfModel


@dataclass(frozen=True)
class NetConfig:
    """Layer sizes of a self-model network.

    Attributes:
        inputs: number of actuators that move skin.
        latents: number of principal modes of the landmarks.
        hidden: width of the two hidden layers.
    """

    inputs: int
    latents: int
    hidden: tuple[int, int] = (32, 32)


class SelfModelNet(nn.Module):
    """Network inputs -> latents. The formula stands in mien.models.self_model.model."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        first, second = config.hidden
        self.config = config
        self.first = nn.Linear(config.inputs, first)
        self.second = nn.Linear(first, second)
        self.out = nn.Linear(POWERS * config.inputs + second + 1, config.latents, bias=False)

    def features(self, x: Tensor) -> Tensor:
        """Features phi (B, F) of network inputs x (B, m)."""
        h = torch.tanh(self.second(torch.tanh(self.first(x))))
        own = [x**power for power in range(1, POWERS + 1)]
        return torch.cat([*own, h, torch.ones_like(x[:, :1])], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Latents (B, K) of network inputs x (B, m)."""
        latents: Tensor = self.out(self.features(x))
        return latents


def from_numpy(model: SelfModel) -> SelfModelNet:
    """The torch network with the weights of a fitted model, in double precision and eval mode."""
    config = NetConfig(
        inputs=len(model.inputs),
        latents=model.out.shape[1],
        hidden=(len(model.b1), len(model.b2)),
    )
    net = SelfModelNet(config).double()
    with torch.no_grad():
        for parameter, value in (
            (net.first.weight, model.w1),
            (net.first.bias, model.b1),
            (net.second.weight, model.w2),
            (net.second.bias, model.b2),
            (net.out.weight, model.out.T),
        ):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return net.eval()
