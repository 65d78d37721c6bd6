"""Trains what all robots of a design share, together with each robot's own coefficients.

The network is the prior's own form (mien.models.self_model.prior): hidden layers, mean last-layer
weights, and directions in which a robot deviates from the mean: of the last-layer weights, and of
the bias of the first layer. Every robot of the training set has coefficients of its own (an
auto-decoder: Park et al., "DeepSDF", CVPR 2019), with a penalty that stands for their Gaussian
prior. A robot's coefficients learn only in steps that see it, so the number of steps grows with the
number of robots. This file needs torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mien.models.files import whole
from mien.models.self_model.model import POWERS, Floats
from mien.models.train.runs.run_folder import read_checkpoint, restore, state_of

KEPT_EVERY = 1000
"""Steps between two checkpoints."""
_ROBOTS_PER_STEP = 12
_RATE, _CODE_RATE = 1e-3, 5e-3
_MEAN_RIDGE, _DEVIATION_RIDGE = 1e-4, 0.3
_HIDDEN_SCALE = 0.3  # standard deviation of a hidden unit's weight against that of a command's


@dataclass(frozen=True)
class FamilyConfig:
    """Settings of the training.

    Attributes:
        hidden: width of the hidden layers.
        own: directions of each actuator's polynomial.
        mixed: directions of the hidden units.
        visits: how often each robot is seen, some robots in one step of Adam.
        penalty: mm^2, weight of a squared coefficient against the mean squared error of a landmark.
        seed: of the initial weights.
    """

    hidden: tuple[int, int] = (64, 64)
    own: int = 12
    mixed: int = 64
    visits: int = 1200
    penalty: float = 3e-4
    seed: int = 0


class _Family(nn.Module):
    def __init__(self, robots: int, inputs: int, latents: int, c: FamilyConfig) -> None:
        super().__init__()
        self.inputs = inputs
        self.first = nn.Linear(inputs, c.hidden[0])
        self.second = nn.Linear(c.hidden[0], c.hidden[1])
        self.mean = nn.Parameter(torch.zeros(POWERS * inputs + c.hidden[1] + 1, latents))
        self.own = nn.Parameter(torch.zeros(inputs, c.own, POWERS, latents))
        self.mixed = nn.Parameter(torch.zeros(c.mixed, c.hidden[1], latents))
        self.shift = nn.Parameter(torch.zeros(inputs * c.own + c.mixed, c.hidden[0]))
        self.codes = nn.Parameter(torch.zeros(robots, inputs * c.own + c.mixed))

    def features(self, x: Tensor, codes: Tensor) -> Tensor:
        """(B, P, F) of network inputs (B, P, m) and coefficients (B, G)."""
        shifted = self.first(x) + (codes @ self.shift)[:, None]
        h = torch.tanh(self.second(torch.tanh(shifted)))
        own = [x**power for power in range(1, POWERS + 1)]
        return torch.cat([*own, h, torch.ones_like(x[..., :1])], dim=-1)

    def weights(self, codes: Tensor) -> Tensor:
        """(B, F, K) of coefficients (B, G)."""
        split = self.own.shape[0] * self.own.shape[1]
        own_codes = codes[:, :split].reshape(len(codes), self.inputs, -1)
        own = torch.einsum("bir,irpk->bpik", own_codes, self.own)
        mixed = torch.einsum("bq,qhk->bhk", codes[:, split:], self.mixed)
        deviation = torch.cat([own.flatten(1, 2), mixed, torch.zeros_like(mixed[:, :1])], dim=1)
        return self.mean + deviation


def _start_near(net: _Family, x: Tensor, z: Tensor, importance: Tensor) -> None:
    """Set the last layer and the coefficients by least squares, for the random hidden layers.

    The mean is that of all robots together. The weights of each robot's deviation are found by
    ridge regression, and the directions are their principal axes.

    Args:
        net: of the robots.
        x: (B, P, m) network inputs.
        z: (B, P, K) latents.
        importance: (K,) of a squared error.
    """
    m, robots = net.inputs, len(x)
    with torch.no_grad():
        phi = net.features(x, torch.zeros_like(net.codes))
        flat, goal = phi.flatten(0, 1).double(), z.flatten(0, 1).double()
        gram = flat.T @ flat + _MEAN_RIDGE * len(flat) * torch.eye(flat.shape[1])
        net.mean.copy_(torch.linalg.solve(gram, flat.T @ goal).float())
        left = z - phi @ net.mean
        scale = torch.ones(phi.shape[-1])
        for power in range(POWERS):
            scale[power * m : (power + 1) * m] = 2.0**-power
        scale[POWERS * m :] = _HIDDEN_SCALE
        scale[-1] = 0.0
        wide = phi * scale
        kernel = wide @ wide.transpose(1, 2) + _DEVIATION_RIDGE * torch.eye(x.shape[1])
        weights = scale[:, None] * (wide.transpose(1, 2) @ torch.linalg.solve(kernel, left))
        root = importance.sqrt()
        own = (weights[:, : POWERS * m] * root).reshape(robots, POWERS, m, -1)
        rank = net.own.shape[1]
        for i in range(m):
            codes, directions = _principal(own[:, :, i].flatten(1), rank)
            net.codes[:, i * rank : (i + 1) * rank] = codes
            net.own[i] = directions.reshape(rank, POWERS, -1) / root
        codes, directions = _principal(
            (weights[:, POWERS * m : -1] * root).flatten(1), len(net.mixed)
        )
        net.codes[:, m * rank :] = codes
        net.mixed.copy_(directions.reshape(net.mixed.shape) / root)


def _principal(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Codes (B, count) of unit variance, and directions (count, .), of rows (B, .)."""
    u, size, directions = torch.linalg.svd(rows, full_matrices=False)
    kept = min(count, len(size))
    codes, axes = torch.zeros(len(rows), count), torch.zeros(count, rows.shape[1])
    codes[:, :kept] = u[:, :kept] * len(rows) ** 0.5
    axes[:kept] = size[:kept, None] * directions[:kept] / len(rows) ** 0.5
    return codes, axes


@dataclass(frozen=True, eq=False)
class FamilyLayers:
    """What was trained, in double precision.

    Attributes:
        w1 (H1, m), b1 (H1,), w2 (H2, H1), b2 (H2,): hidden layers.
        mean: (F, K) mean last-layer weights, mm.
        own: (m, R, POWERS, K) directions of the actuators, mm.
        mixed: (Q, H2, K) directions of the hidden units, mm.
        shift: (m R + Q, H1) change of the first layer's bias for a coefficient of 1.
        codes: (B, m R + Q) coefficients of the robots.
        noise: (K,) mm, standard deviation of what is left of each latent.
    """

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats
    mean: Floats
    own: Floats
    mixed: Floats
    shift: Floats
    codes: Floats
    noise: Floats


def train_family(
    x: Sequence[Floats],
    latents: Sequence[Floats],
    weight: Floats,
    config: FamilyConfig,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    last: Path | None = None,
) -> FamilyLayers:
    """Train on poses of robots, all with the same number of poses.

    Args:
        x: (P, m) network inputs of each robot.
        latents: (P, K) mm of each robot.
        weight: (K,) of a squared error of each latent; with it the loss is in mm^2.
        config: settings.
        progress: called with (steps done, steps).
        last: file of a checkpoint, from which an interrupted training of the same data and settings
            goes on; None: none is written.

    Raises:
        ModelError: the checkpoint is damaged.
    """
    torch.manual_seed(config.seed)
    inputs, targets = (torch.from_numpy(np.array(a)).float() for a in (x, latents))
    spread = targets.flatten(0, 1).std(0) + 1e-6
    scaled = targets / spread
    importance = torch.from_numpy(weight).float() * spread**2
    net = _Family(len(x), inputs.shape[2], targets.shape[2], config)
    _start_near(net, inputs, scaled, importance)
    shared = [p for name, p in net.named_parameters() if name != "codes"]
    optimiser = torch.optim.Adam(
        [{"params": shared, "lr": _RATE}, {"params": [net.codes], "lr": _CODE_RATE}]
    )
    steps = max(1, config.visits * len(x) // _ROBOTS_PER_STEP)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [_RATE, _CODE_RATE], steps, pct_start=0.1
    )
    left, first = torch.zeros(targets.shape[2]), 0
    content = inputs.numpy().tobytes() + targets.numpy().tobytes() + repr(config).encode()
    of = sha256(content).hexdigest()
    if last is not None and last.exists():
        kept = read_checkpoint(last, "another --out")
        if kept.get("of") == of:
            restore(kept, net, optimiser, schedule)
            left, first = kept["left"], kept["step"]
    for step in range(first, steps):
        if last is not None and step > first and step % KEPT_EVERY == 0:
            state = state_of(net, optimiser, schedule)
            with whole(last) as part:
                torch.save(state | {"of": of, "step": step, "left": left}, part)
        some = torch.randperm(len(x))[:_ROBOTS_PER_STEP]
        codes = net.codes[some]
        error = net.features(inputs[some], codes) @ net.weights(codes) - scaled[some]
        squares = error.square().mean((0, 1))
        loss = (squares * importance).sum() + config.penalty * codes.square().sum(1).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        left = squares.detach() if step == 0 else 0.98 * left + 0.02 * squares.detach()
        if step % max(1, steps // 100) == 0:
            progress(step, steps)

    def double(tensor: Tensor) -> Floats:
        return np.asarray(tensor.detach().numpy(), dtype=np.float64)

    return FamilyLayers(
        w1=double(net.first.weight),
        b1=double(net.first.bias),
        w2=double(net.second.weight),
        b2=double(net.second.bias),
        mean=double(net.mean * spread),
        own=double(net.own * spread),
        mixed=double(net.mixed * spread),
        shift=double(net.shift),
        codes=double(net.codes),
        noise=double(left.sqrt() * spread),
    )
