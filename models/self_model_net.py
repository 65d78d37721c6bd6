"""The self-model as a torch network: what is trained, and what the numpy evaluator must equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.play import Play
from models.self_model import POWERS, SelfModel


@dataclass(frozen=True)
class NetConfig:
    """Sizes of a self-model network.

    Attributes:
        inputs: number of actuators that move skin.
        tendons: positions among them that are strings.
        latents: number of linear modes of the landmarks.
        hidden: width of the two hidden layers.
    """

    inputs: int
    tendons: tuple[int, ...]
    latents: int
    hidden: tuple[int, int] = (32, 32)


class PlayScan(torch.autograd.Function):
    """Play over a whole sequence, differentiable in its widths.

    The state is u -+ (width + growth u) at the last command that engaged a flank, so its
    derivative by width is -+1 and by growth -+u there; both are carried along with the state. The
    loop runs in numpy, once a training step.
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, width: Tensor, growth: Tensor) -> Tensor:
        """u (T, k) commands, width (k,), growth (k,) -> states (T, k), from rest."""
        commands = u.detach().numpy().astype(np.float64)
        play = Play(
            width.detach().numpy().astype(np.float64), growth.detach().numpy().astype(np.float64)
        )
        low, high = play.rising(commands), play.falling(commands)
        state = play.rest()
        at = np.zeros_like(state)
        sign = np.zeros_like(state)
        states, by_width, by_growth = (np.empty_like(low) for _ in range(3))
        for t in range(len(low)):
            up, down = low[t] > state, high[t] < state
            state = np.where(up, low[t], np.where(down, high[t], state))
            at = np.where(up | down, commands[t], at)
            sign = np.where(up, -1.0, np.where(down, 1.0, sign))
            states[t], by_width[t], by_growth[t] = state, sign, sign * at
        ctx.save_for_backward(torch.from_numpy(by_width), torch.from_numpy(by_growth))
        return torch.from_numpy(states).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:
        """Gradients by width and growth; the commands are data and get none."""
        by_width, by_growth = ctx.saved_tensors
        return (
            None,
            (grad * by_width.to(grad.dtype)).sum(0),
            (grad * by_growth.to(grad.dtype)).sum(0),
        )


class SelfModelNet(nn.Module):
    """x -> latents; see models.self_model for the formula."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        first, second = config.hidden
        self.config = config
        self.first = nn.Linear(config.inputs, first)
        self.second = nn.Linear(first, second)
        self.out = nn.Linear(POWERS * config.inputs + second + 1, config.latents, bias=False)
        k = len(config.tendons)
        # softplus and sigmoid keep width >= 0 and growth in [0, 0.5): the operator stays monotone.
        self.width_raw = nn.Parameter(torch.full((k,), -4.5))
        self.growth_raw = nn.Parameter(torch.full((k,), -3.0))

    def play(self) -> tuple[Tensor, Tensor]:
        """(width, growth), each (k,)."""
        return nn.functional.softplus(self.width_raw), 0.5 * torch.sigmoid(self.growth_raw)

    def drive(self, commands: Tensor) -> Tensor:
        """Commands (T, m) in the order they happened -> network inputs (T, m)."""
        k = list(self.config.tendons)
        if not k:
            return commands
        scan: Callable[..., Tensor] = PlayScan.apply
        x = commands.clone()
        x[:, k] = scan(commands[:, k], *self.play())
        return x

    def features(self, x: Tensor) -> Tensor:
        """(B, m) -> phi (B, F)."""
        h = torch.tanh(self.second(torch.tanh(self.first(x))))
        return torch.cat([x, x**2, x**3, h, torch.ones_like(x[:, :1])], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, m) network inputs -> (B, K) latents."""
        latents: Tensor = self.out(self.features(x))
        return latents


def from_numpy(model: SelfModel) -> SelfModelNet:
    """The torch network with the weights of a fitted model, in double precision."""
    config = NetConfig(
        inputs=len(model.inputs),
        tendons=tuple(int(i) for i in model.tendons),
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
            (net.width_raw, np.log(np.expm1(np.maximum(model.play.width, 1e-9)))),
            (net.growth_raw, _logit(2.0 * model.play.growth)),
        ):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return net.eval()


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    q = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(q / (1 - q)))
