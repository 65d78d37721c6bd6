"""Training loop of the manner network: noise is added to curves and taken off again."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.models.data.manner import MannerClip
from mien.models.errors import ModelError
from mien.models.files import whole
from mien.models.manner.config import COLUMNS, LIPS, STYLE, Config
from mien.models.train.manner.network import MannerNet
from mien.models.train.manner.style import style_of
from mien.models.train.runs.run_folder import follow, read_checkpoint, restore, state_of

_log = logging.getLogger(__name__)
LENGTH: Final = 64
"""Frames of a training crop."""
_LEAST_STD: Final = 0.01


@dataclass(frozen=True)
class Plan:
    """Plan of a training.

    Attributes:
        steps: batches. batch: crops of each.
        seed: of everything random. rate: largest step size.
        decay: weight decay. average: share of the moving average that is kept in a step.
        unheard: share of crops without sound and style, for guidance.
        unstyled: share of the others without style.
        every: steps from one checkpoint to the next.
    """

    steps: int = 4000
    batch: int = 32
    seed: int = 0
    rate: float = 1.5e-3
    decay: float = 0.02
    average: float = 0.998
    unheard: float = 0.1
    unstyled: float = 0.5
    every: int = 250


def train(
    config: Config, plan: Plan, clips: Sequence[MannerClip], run: Path, resume: bool = False
) -> tuple[MannerNet, list[dict[str, float]]]:
    """Train on clips; write ``curve.json`` and ``last.pt`` to ``run``.

    Args:
        resume: continue from ``last.pt``. The result is bit for bit that of a run without a break.

    Returns:
        The network with averaged weights, and the learning curve.

    Raises:
        ModelError: with ``resume``, the run was started with other settings.
    """
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng([plan.seed, 1])
    clips = [c for c in clips if len(c.curves) >= LENGTH]
    if not clips:
        raise ModelError(f"no clip lasts {LENGTH} frames", "--data FOLDER with grid_s1")
    net = MannerNet(config)
    _standardise(net, clips)
    optimiser = torch.optim.AdamW(net.parameters(), plan.rate, weight_decay=plan.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.rate, total_steps=plan.steps, pct_start=0.05
    )
    average = {k: v.clone() for k, v in net.state_dict().items()}
    curve: list[dict[str, float]] = []
    first, minutes = 0, 0.0
    about = json.dumps({"config": asdict(config), "plan": asdict(plan), "clips": len(clips)})
    run.mkdir(parents=True, exist_ok=True)
    last = run / "last.pt"
    if resume and last.is_file():
        kept = read_checkpoint(last)
        if kept.get("about") != about:
            raise ModelError(f"{last} was started with other settings", "another --run")
        restore(kept, net, optimiser, schedule)
        average, curve, first = kept["average"], kept["curve"], kept["step"]
        minutes = curve[-1]["minutes"]
        rng.bit_generator.state = json.loads(kept["rng"])
    began, total = time.monotonic(), 0.0
    net.train()
    for step in range(first, plan.steps):
        loss = _loss(net, plan, clips, rng)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        follow(average, net, plan.average, step)
        total += float(loss.detach())
        if (step + 1) % plan.every == 0 or step + 1 == plan.steps:
            counted = (step % plan.every) + 1
            now = minutes + (time.monotonic() - began) / 60
            curve.append({"step": step + 1, "minutes": now, "loss": total / counted})
            total = 0.0
            _log.info(" ".join(f"{k} {v:.4g}" for k, v in curve[-1].items()))
            (run / "curve.json").write_text(json.dumps(curve, indent=1))
            with whole(last) as part:
                torch.save(state_of(net, optimiser, schedule) | {
                    "about": about, "average": average, "curve": curve, "step": step + 1,
                    "rng": json.dumps(rng.bit_generator.state),
                }, part)  # fmt: skip
    out = MannerNet(config)
    out.load_state_dict(average)
    return out.eval().requires_grad_(False), curve


def _loss(
    net: MannerNet, plan: Plan, clips: Sequence[MannerClip], rng: np.random.Generator
) -> Tensor:
    """Squared error of what is not known, and of its change from frame to frame."""
    mean, scale = net.mean.numpy(), net.scale.numpy()
    curves, sound, known, given, style = [], [], [], [], []
    for k in rng.integers(len(clips), size=plan.batch):
        clip = clips[k]
        at = int(rng.integers(len(clip.curves) - LENGTH + 1))
        part = slice(at, at + LENGTH)
        x = (clip.curves[part] - mean) / scale
        curves.append(np.where(clip.given, x, 0.0))
        sound.append(clip.sound[part])
        known.append(flags_of(clip.given, rng))
        given.append(np.broadcast_to(clip.given, x.shape))
        own = style_of(clip.curves, mean, scale) if clip.given[list(COLUMNS)].all() else None
        styled = own is not None and rng.random() >= plan.unstyled
        style.append(own if styled and own is not None else np.zeros(STYLE, np.float32))
    x = torch.from_numpy(np.stack(curves)).float()
    flags = torch.from_numpy(np.stack(known)).float()
    heard = (torch.from_numpy(np.stack(sound)) - net.sound_mean) / net.sound_scale
    told = torch.from_numpy(np.stack(style))
    hears = torch.from_numpy(rng.random(plan.batch) >= plan.unheard).float()
    level = torch.from_numpy(rng.random(plan.batch).astype(np.float32))
    a, s = torch.cos(0.5 * torch.pi * level), torch.sin(0.5 * torch.pi * level)
    noisy = a[:, None, None] * x + s[:, None, None] * torch.randn(x.shape)
    inputs = flags * x + (1.0 - flags) * noisy
    found = net(inputs, flags, heard * hears[:, None, None], level, told * hears[:, None])
    free = (1.0 - flags) * torch.from_numpy(np.stack(given)).float()
    # A curve that many clips lack must not count more where it is given.
    weight = free / free.sum(dim=1, keepdim=True).clamp_min(1.0)
    error = (found - x).square()
    change = (found - x).diff(dim=1).square()
    curves_free = (free.sum(dim=1) > 0).float().sum().clamp_min(1.0)
    loss: Tensor = ((weight * error).sum() + (weight[:, 1:] * change).sum()) / curves_free
    return loss


def flags_of(given: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Known values (LENGTH, 55) of a crop: lips, keyframes, all but a span, or some curves."""
    out = np.zeros((LENGTH, len(given)), np.bool_)
    filmed = given[list(COLUMNS)].all()
    speaks = filmed and rng.random() < 0.9
    kind = rng.random()
    if kind < 0.2:  # keyframes
        columns = rng.random(len(given)) < rng.choice([0.3, 1.0])
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(LENGTH))
            out[at : at + int(rng.integers(1, 8))] = columns
    elif kind < 0.4:  # all but a span
        out[:] = True
        at = int(rng.integers(LENGTH - 12))
        out[at : at + int(rng.integers(12, LENGTH))] = False
    elif kind < 0.5:  # some curves
        out[:, rng.random(len(given)) < 0.5] = True
    if speaks:
        out[:, LIPS] = True
    return out & given


def _standardise(net: MannerNet, clips: Sequence[MannerClip]) -> None:
    """Bring inputs to mean 0 and variance 1, each curve over the clips that have it."""
    sound = np.concatenate([c.sound for c in clips])
    net.sound_mean.copy_(torch.from_numpy(sound.mean(axis=0)))
    net.sound_scale.copy_(torch.from_numpy(np.maximum(sound.std(axis=0), 0.05)))
    for k in range(len(net.mean)):
        rows = [c.curves[:, k] for c in clips if c.given[k]]
        if rows:
            values = np.concatenate(rows)
            net.mean[k] = float(values.mean())
            net.scale[k] = max(float(values.std()), _LEAST_STD)
