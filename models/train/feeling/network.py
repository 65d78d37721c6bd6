"""The encoders of the space of feeling in torch, and the batches that train them."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.models.face.emotion import EMOTIONS, blend, shares
from mien.models.face.emotion_table import table
from mien.models.feeling.space import FEELINGS, HEARD, HIDDEN, LONGEST, SEEN, SIZE

Floats = NDArray[np.float32]
_COLUMNS: Final = [EMOTIONS.index(name) for name in FEELINGS]


class Encoder(nn.Module):
    """Features -> points, by one hidden layer."""

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.first, self.second = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, SIZE)

    def standardise(self, x: Floats, spread: float = 1.0) -> None:
        """Bring inputs to mean 0 and a common scale."""
        self.mean.copy_(torch.from_numpy(x.mean(axis=0)))
        self.scale.fill_(float(spread / x.std(axis=0).mean()))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, 64)."""
        h = torch.tanh(self.first((x - self.mean) * self.scale))
        return bounded(self.second(h))


class Encoders(nn.Module):
    """The encoders of sound and motion, and the axes of the seven feelings."""

    def __init__(self) -> None:
        super().__init__()
        self.sound, self.motion = Encoder(HEARD), Encoder(SEEN)
        self.free_axes = nn.Parameter(
            torch.linalg.qr(torch.randn(SIZE, len(FEELINGS)))[0].T.clone()
        )

    @property
    def axes(self) -> Tensor:
        """(7, 64) points of the whole feelings, of length 1."""
        out: Tensor = nn.functional.normalize(self.free_axes, dim=1)
        return out


def bounded(points: Tensor) -> Tensor:
    """``mien.models.feeling.space.bounded`` in torch."""
    length = points.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    over, room = (length - 0.7).clamp_min(0.0), LONGEST - 0.7
    short: Tensor = length.clamp_max(0.7) + room * (1.0 - torch.exp(-over / room))
    out: Tensor = points * (short / length)
    return out


def faces(mix: Floats, rng: np.random.Generator) -> Floats:
    """Faces (N, 55) that show mixes (N, 7), each by other means, and not all of it within reach."""
    whole = np.zeros((len(mix), len(EMOTIONS)))
    whole[:, _COLUMNS] = mix
    shapes = blend(whole)
    n = shapes.shape
    shapes = shapes * rng.uniform(0.45, 1.1, n) * np.exp(rng.normal(0.0, 0.15, n))
    shapes = np.clip(shapes + np.abs(rng.normal(0.0, 0.015, n)), 0.0, 1.0)
    heads = np.array([(e.head.yaw, e.head.pitch, e.head.roll) for e in table().values()])
    head = shares(whole) @ heads + rng.normal(0.0, 0.03, (len(mix), 3))
    return np.concatenate([shapes, head], axis=1).astype(np.float32)
