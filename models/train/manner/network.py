"""The manner network: a small 1-D U-Net that takes the noise off curves (torch, for training).

    curves with noise (B, T, 55), flags of those that are known, sound (B, T, 13)
    -> curves without noise (B, T, 55)

Noise level and style act by FiLM (Perez et al. 2018) in every block. Known curves (the lips of
speech, keyframes, all that an edit leaves alone) stand in the input without noise and are flagged.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models import checkpoint
from mien.models.manner.config import Config
from mien.models.manner.weights import KIND, VERSION

LEVELS = 32
"""Frequencies that describe a noise level."""


class Block(nn.Module):
    """Two convolutions around a FiLM, added to the input."""

    def __init__(self, before: int, width: int, hidden: int, dilation: int = 1) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(before)
        self.first = nn.Conv1d(before, width, 3)
        self.film = nn.Linear(hidden, 2 * width)
        self.second = nn.Conv1d(width, width, 3)
        self.skip = nn.Conv1d(before, width, 1) if before != width else nn.Identity()
        nn.init.zeros_(self.second.weight)
        assert self.second.bias is not None
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """(B, C, T) and (B, hidden) -> (B, width, T)."""
        normed: Tensor = self.norm(x.transpose(1, 2)).transpose(1, 2)
        h = _conv(self.first, functional.silu(normed), self.dilation)
        scale, shift = self.film(told)[..., None].chunk(2, dim=1)
        h = functional.silu(h * (1.0 + scale) + shift)
        out: Tensor = self.skip(x) + _conv(self.second, h, self.dilation)
        return out


def _conv(layer: nn.Conv1d, x: Tensor, dilation: int) -> Tensor:
    edged = functional.pad(x, (dilation, dilation), mode="replicate")
    return functional.conv1d(edged, layer.weight, layer.bias, dilation=dilation)


class MannerNet(nn.Module):
    """The network of a ``Config``."""

    mean: Tensor
    scale: Tensor
    sound_mean: Tensor
    sound_scale: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        h = config.hidden
        self.register_buffer("mean", torch.zeros(config.curves))
        self.register_buffer("scale", torch.ones(config.curves))
        self.register_buffer("sound_mean", torch.zeros(config.features))
        self.register_buffer("sound_scale", torch.ones(config.features))
        self.level = nn.Linear(2 * LEVELS, h)
        self.style = nn.Linear(config.style, h)
        self.told = nn.Linear(h, h)
        self.stem = nn.Conv1d(2 * config.curves + config.features, a, 3)
        self.down_a = Block(a, a, h)
        self.down_b = Block(a, b, h)
        self.middle_1 = Block(b, c, h, dilation=2)
        self.middle_2 = Block(c, c, h, dilation=4)
        self.up_b = Block(c + b, b, h)
        self.up_a = Block(b + a, a, h)
        self.head = nn.Conv1d(a, config.curves, 1)

    def forward(
        self, x: Tensor, known: Tensor, sound: Tensor, level: Tensor, style: Tensor
    ) -> Tensor:
        """Standardised curves (B, T, 55) with noise -> their estimate without noise.

        Args:
            x: known values stand where ``known`` is 1.
            known: (B, T, 55) of 0 and 1.
            sound: (B, T, 13) standardised; zeros where it is withheld.
            level: (B,) noise level in 0..1.
            style: (B, 64); zeros for no style.
        """
        told = functional.silu(self.level(levels(level)) + self.style(style))
        told = functional.silu(self.told(told))
        h = torch.cat([x, known, sound], dim=2).transpose(1, 2)
        h = _conv(self.stem, h, 1)
        fine = self.down_a(h, told)
        mid = self.down_b(functional.avg_pool1d(fine, 2), told)
        deep = self.middle_1(functional.avg_pool1d(mid, 2), told)
        deep = self.middle_2(deep, told)
        h = self.up_b(torch.cat([_twice(deep), mid], dim=1), told)
        h = self.up_a(torch.cat([_twice(h), fine], dim=1), told)
        out: Tensor = self.head(functional.silu(h)).transpose(1, 2)
        return out


def _twice(x: Tensor) -> Tensor:
    return torch.repeat_interleave(x, 2, dim=2)


def levels(level: Tensor) -> Tensor:
    """Noise levels (B,) -> (B, 64) sines and cosines."""
    hz = torch.exp(torch.arange(LEVELS, device=level.device) * (math.log(200.0) / (LEVELS - 1)))
    phase = level[:, None] * hz
    return torch.cat([phase.sin(), phase.cos()], dim=1)


def save(path: Path, net: MannerNet, meta: dict[str, Any]) -> None:
    """Write the weights in half precision, with their config."""
    tensors = {
        k: v.detach().half() if v.ndim > 1 else v.detach() for k, v in net.state_dict().items()
    }
    about = {"kind": KIND, "version": VERSION, "config": asdict(net.config)}
    checkpoint.save(path, tensors, meta | about)
