"""Training of the speech network: corpora in, weights and curves out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models import losses
from models.blendshapes import ARKIT, INDEX, SPEECH, indices
from models.data.batches import Batch, Batches, Settings
from models.data.phones import BILABIAL, NUMBER, PHONES
from models.data.schema import Corpus
from models.errors import ModelError
from models.speech import Config, SpeechNet

_log = logging.getLogger(__name__)
REFERENCE = 0
"""The speaker whose gains are 1 by definition, and all that rules speak for."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides how a run goes."""

    steps: int = 3000
    seed: int = 0
    rate: float = 1.5e-3
    decay: float = 0.01
    temperature: float = 4.0
    average: float = 0.998
    """Of the weights, for the network that is kept."""
    shape: float = 1.0
    width: float = 0.3
    opening: float = 2.0
    velocity: float = 4.0
    closure: float = 2.0
    contact: float = 1.5
    apart: float = 4.0
    silence: float = 1.5
    correlation: float = 0.3
    phone: float = 0.1
    gains: float = 0.01
    dropped: float = 0.1
    """Share of channels in each block that a crop goes without."""
    half: bool = True
    """Multiply in bfloat16."""
    every: int = 250
    """Steps between lines of the curve."""


class Speakers(nn.Module):
    """Gains and offsets of each face, learned beside the network and never shipped with it."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.gain = nn.Embedding(len(names), len(ARKIT))
        self.offset = nn.Embedding(len(names), len(ARKIT))
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.offset.weight)

    def forward(self, shapes: Tensor, speaker: Tensor) -> Tensor:
        """(B, T, 52) of anybody -> of this face."""
        own = (speaker != REFERENCE).float()[:, None, None]
        gain = torch.exp(own * self.gain(speaker)[:, None])
        out: Tensor = shapes * gain + own * self.offset(speaker)[:, None]
        return out

    def size(self) -> Tensor:
        return (self.gain.weight**2).mean() + 10 * (self.offset.weight**2).mean()


def opening(shapes: Tensor) -> Tensor:
    """jawOpen - mouthClose, (B, T, 52) -> (B, T)."""
    return shapes[..., INDEX["jawOpen"]] - shapes[..., INDEX["mouthClose"]]


class Objective:
    """The loss of one batch and its parts."""

    def __init__(self, plan: Plan, corpora: Sequence[Corpus]) -> None:
        self._plan = plan
        self._scale = torch.from_numpy(shape_weights(corpora))
        lips = [NUMBER[p] for p in sorted(BILABIAL)]
        self._bilabial = torch.zeros(len(PHONES) + 1, dtype=torch.bool)
        self._bilabial[lips] = True
        self._mouth = torch.from_numpy(indices(SPEECH).astype(np.int64))

    def __call__(
        self, shapes: Tensor, phones: Tensor, batch: Batch, speakers: Speakers
    ) -> tuple[Tensor, dict[str, float]]:
        """Network outputs for the crop's frames, (B, T, 52) and (B, T, phones)."""
        plan = self._plan
        mine = speakers(shapes, batch.speaker)
        context = losses.context_weights(
            batch.shapes[..., self._mouth] * batch.given[..., self._mouth], plan.temperature
        )
        mask = batch.given * batch.weight[:, None, None]
        weighted = mask * self._scale * context[..., None]
        lips = mask[..., INDEX["jawOpen"]]
        gap, true_gap = opening(mine), opening(batch.shapes)
        width, true_width = _width(mine), _width(batch.shapes)
        real = batch.tracked[:, None] * lips
        labelled = batch.phones >= 0
        closed = (self._bilabial[batch.phones] & labelled).float() * lips
        rules = 1 - batch.tracked[:, None]  # a camera knows better than an alignment
        closed = closed * rules
        parts = {
            "shape": plan.shape * (weighted * (mine - batch.shapes) ** 2).sum() / mask.sum(),
            "width": plan.width * 100 * losses.masked_mse(width - true_width, lips * context),
            "opening": plan.opening * 100 * losses.masked_mse(gap - true_gap, lips * context),
            "velocity": plan.velocity * 100 * losses.velocity(gap, true_gap, lips),
            "closure": plan.closure * 100 * losses.near_closure(gap, true_gap, lips),
            "contact": plan.contact * 100 * losses.masked_mse(opening(shapes), closed),
            "apart": plan.apart * 100 * losses.parted(opening(shapes), true_gap, lips * rules),
            "silence": plan.silence * 100 * losses.stillness(opening(shapes), batch.silent),
            "correlation": plan.correlation
            * (
                losses.decorrelation(gap, true_gap, real)
                + 0.5 * losses.decorrelation(width, true_width, real)
            ),
            "phone": plan.phone
            * functional.cross_entropy(
                phones.flatten(0, 1), batch.phones.flatten(), ignore_index=-1, label_smoothing=0.1
            ),
            "gains": plan.gains * speakers.size(),
        }
        total = torch.stack(list(parts.values())).sum()
        return total, {k: float(v.detach()) for k, v in parts.items()}


def _width(shapes: Tensor) -> Tensor:
    stretch = shapes[..., INDEX["mouthStretchLeft"]] + shapes[..., INDEX["mouthStretchRight"]]
    # In units of the pucker; see models/data/lips.py.
    return 0.33 * stretch - shapes[..., INDEX["mouthPucker"]]


def shape_weights(corpora: Sequence[Corpus]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(52,) one over the variance of each shape where it moves, 0 where none does."""
    total = np.zeros(len(ARKIT))
    count = np.zeros(len(ARKIT))
    for corpus in corpora:
        for clip in corpus.clips[:: max(1, len(corpus) // 100)]:
            var = clip.shapes.astype(np.float32).var(axis=0)
            total += var * clip.given
            count += clip.given
    std = np.sqrt(total / np.maximum(count, 1))
    wanted = np.isin(ARKIT, SPEECH) & (count > 0)
    return np.where(wanted, 1.0 / (std + 0.05) ** 2, 0.0).astype(np.float32)


def train(
    config: Config,
    plan: Plan,
    settings: Settings,
    corpora: Sequence[tuple[Corpus, float]],
    run: Path,
    evaluate: Callable[[SpeechNet], dict[str, float]] | None = None,
    resume: bool = False,
    begin: SpeechNet | None = None,
) -> tuple[SpeechNet, list[dict[str, float]]]:
    """Train on ``corpora`` (with their odds); leaves ``curve.json`` and ``last.pt`` in ``run``.

    ``begin`` is a network of the same shape to go on from, ``resume`` goes on with this very run:
    what comes out is, bit for bit, what it would have been had nothing stopped it.

    Returns:
        The network with averaged weights, and the curve.

    Raises:
        ModelError: ``resume``, and the run began with another plan or other corpora.
    """
    torch.manual_seed(plan.seed)
    names = ["", *sorted({c.speaker for corpus, _ in corpora for c in corpus})]
    numbers = {n: i for i, n in enumerate(names)}
    for corpus, _ in corpora:
        # Rules speak for the face of GRID; anybody else on video has a mouth of their own.
        numbers |= {c.speaker: REFERENCE for c in corpus if c.kind == "rules" or c.corpus == "grid"}
    batches = Batches(corpora, numbers, settings, plan.seed)
    net, speakers = SpeechNet(config), Speakers(names)
    if begin is None:
        _standardise(net, batches)
    else:
        net.load_state_dict(begin.state_dict())
    for block in net.blocks:
        block.dropped = plan.dropped  # type: ignore[assignment]
    objective = Objective(plan, [c for c, _ in corpora])
    average = {k: v.clone() for k, v in net.state_dict().items()}
    learned = [*net.parameters(), *speakers.parameters()]
    optimiser = torch.optim.AdamW(learned, plan.rate, weight_decay=plan.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.rate, total_steps=plan.steps, pct_start=0.05
    )
    curve: list[dict[str, float]] = []
    first = 0
    minutes = 0.0
    about = _about(config, plan, settings, corpora)
    last = run / "last.pt"
    run.mkdir(parents=True, exist_ok=True)
    if resume and last.is_file():
        kept = torch.load(last, weights_only=True)
        _same(about, kept.get("about", {}), last)
        net.load_state_dict(kept["net"])
        speakers.load_state_dict(kept["speakers"])
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        average, curve, first = kept["average"], kept["curve"], kept["step"]
        minutes = curve[-1]["minutes"]
        batches.go_on(kept["batches"])
        torch.set_rng_state(kept["random"])
    began = time.monotonic()
    sums: dict[str, float] = {}
    counted = 0
    for step in range(first, plan.steps):
        batch = batches.next()
        # bfloat16 in the products only: a third faster on processors that have it.
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.half):
            shapes, phones, _ = net(batch.features)
        shapes, phones = shapes.float(), phones.float()
        keep = slice(settings.warmup + settings.lookahead, None)
        loss, parts = objective(shapes[:, keep], phones[:, keep], batch, speakers)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        schedule.step()
        share = min(plan.average, (step + 1) / (step + 10))
        for key, value in net.state_dict().items():
            average[key].lerp_(value, 1 - share)
        counted += 1
        sums = {k: sums.get(k, 0.0) + v for k, v in {**parts, "loss": float(loss.detach())}.items()}
        if (step + 1) % plan.every == 0 or step + 1 == plan.steps:
            line = {"step": step + 1, "minutes": minutes + (time.monotonic() - began) / 60}
            line |= {k: v / counted for k, v in sums.items()}
            counted = 0
            if evaluate is not None:
                line |= evaluate(_copy(config, average))
            sums = {}
            curve.append(line)
            _log.info(" ".join(f"{k} {v:.4g}" for k, v in line.items()))
            (run / "curve.json").write_text(json.dumps(curve, indent=1))
            part = last.with_suffix(".part")  # a run that dies while it writes keeps the one before
            torch.save(
                {
                    "about": about,
                    "net": net.state_dict(),
                    "speakers": speakers.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "average": average,
                    "curve": curve,
                    "step": step + 1,
                    # The curve's sums are empty here; the rest of what a run remembers is chance.
                    "batches": batches.state(),
                    "random": torch.get_rng_state(),
                },
                part,
            )
            part.replace(last)
    (run / "plan.json").write_text(
        json.dumps({"plan": asdict(plan), "settings": asdict(settings), "config": asdict(config)})
    )
    return _copy(config, average), curve


def _about(
    config: Config, plan: Plan, settings: Settings, corpora: Sequence[tuple[Corpus, float]]
) -> dict[str, str]:
    """What a run cannot change on the way, as JSON by name."""
    parts = {"config": asdict(config), "plan": asdict(plan), "settings": asdict(settings)}
    out = {
        f"{part}.{k}": json.dumps(v) for part, fields in parts.items() for k, v in fields.items()
    }
    return out | {f"corpus {c.name}": json.dumps([c.source, len(c), odds]) for c, odds in corpora}


def _same(now: dict[str, str], then: dict[str, str], last: Path) -> None:
    changed = [k for k in sorted({*now, *then}) if now.get(k) != then.get(k)]
    if changed:
        said = "; ".join(f"{k} was {then.get(k)}, now {now.get(k)}" for k in changed)
        raise ModelError(f"{last} began otherwise: {said}", "the same options, or another --run")


def _copy(config: Config, weights: dict[str, Tensor]) -> SpeechNet:
    net = SpeechNet(config)
    net.load_state_dict(weights)
    return net.eval().requires_grad_(False)


def _standardise(net: SpeechNet, batches: Batches) -> None:
    """Bring each input to mean 0 and variance 1 over some batches."""
    x = torch.cat([batches.next().features.flatten(0, 1) for _ in range(8)])
    net.mean.copy_(x.mean(dim=0))
    net.scale.copy_(1 / x.std(dim=0).clamp_min(0.05))
