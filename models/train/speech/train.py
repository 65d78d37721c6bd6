"""Training loop of the speech network."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.models.data.batches import Batches, Settings
from mien.models.data.schema import Corpus
from mien.models.errors import ModelError
from mien.models.files import whole
from mien.models.speech.network import Config, Heads, SpeechNet
from mien.models.train.runs.run_folder import follow, read_checkpoint, restore, state_of
from mien.models.train.speech.training_objective import REFERENCE, Objective, Plan, Speakers

_log = logging.getLogger(__name__)


def train(
    config: Config,
    plan: Plan,
    settings: Settings,
    corpora: Sequence[tuple[Corpus, float]],
    run: Path,
    evaluate: Callable[[SpeechNet], dict[str, float]] | None = None,
    resume: bool = False,
    begin: SpeechNet | None = None,
    bands: Sequence[NDArray[np.int16]] = (),
) -> tuple[SpeechNet, list[dict[str, float]]]:
    """Train on ``corpora``, each with its odds; write ``curve.json`` and ``last.pt`` to ``run``.

    Args:
        run: folder of the run.
        evaluate: metrics of a network, for the curve.
        resume: continue from ``last.pt``. The result is bit for bit that of a run without a break.
        begin: a network with the same config, at which the training starts.
        bands: recorded music without voices, int16 at 16 kHz.

    Returns:
        The network with averaged weights, and the learning curve.

    Raises:
        ModelError: with ``resume``, the run was started with another plan or other corpora.
    """
    torch.manual_seed(plan.seed)
    names = ["", *sorted({c.speaker for corpus, _ in corpora for c in corpus})]
    numbers = {n: i for i, n in enumerate(names)}
    for corpus, _ in corpora:
        # Clips with rules use the reference face, as GRID does. Other faces have their own gains.
        numbers |= {c.speaker: REFERENCE for c in corpus if c.kind == "rules" or c.corpus == "grid"}
    batches = Batches(corpora, numbers, settings, plan.seed, bands)
    net, speakers = SpeechNet(config), Speakers(names)
    if begin is None:
        _standardise(net, batches)
    else:
        net.load_state_dict(begin.state_dict())
    for layer in net.modules():
        if isinstance(layer, nn.Dropout1d):
            layer.p = plan.dropped
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
        kept = read_checkpoint(last)
        _same(about, kept.get("about", {}), last)
        speakers.load_state_dict(kept["speakers"])
        average, curve, first = kept["average"], kept["curve"], kept["step"]
        minutes = curve[-1]["minutes"]
        batches.go_on(kept["batches"])
        restore(kept, net, optimiser, schedule)
    began = time.monotonic()
    sums: dict[str, float] = {}
    counted = 0
    for step in range(first, plan.steps):
        batch = batches.next()
        # bfloat16 in the products only: a third faster on processors that support it.
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.half):
            heads, _ = net.heads(batch.features)
        keep = slice(batch.features.shape[1] - batch.shapes.shape[1], None)
        heads = Heads(**{k: v[:, keep] for k, v in vars(heads).items()})
        loss, parts = objective(heads, batch, speakers)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        schedule.step()
        follow(average, net, plan.average, step)
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
            with whole(last) as part:  # a crash during the write keeps the previous checkpoint
                torch.save(
                    state_of(net, optimiser, schedule)
                    | {
                        "about": about,
                        "speakers": speakers.state_dict(),
                        "average": average,
                        "curve": curve,
                        "step": step + 1,
                        # The sums of the curve are empty here. Only random state remains.
                        "batches": batches.state(),
                    },
                    part,
                )
    (run / "plan.json").write_text(
        json.dumps({"plan": asdict(plan), "settings": asdict(settings), "config": asdict(config)})
    )
    return _copy(config, average), curve


def _about(
    config: Config, plan: Plan, settings: Settings, corpora: Sequence[tuple[Corpus, float]]
) -> dict[str, str]:
    """Settings that must stay equal when a run is resumed, as JSON by name."""
    parts = {"config": asdict(config), "plan": asdict(plan), "settings": asdict(settings)}
    out = {
        f"{part}.{k}": json.dumps(v) for part, fields in parts.items() for k, v in fields.items()
    }
    return out | {f"corpus {c.name}": json.dumps([c.source, len(c), odds]) for c, odds in corpora}


def _same(now: dict[str, str], then: dict[str, str], last: Path) -> None:
    changed = [k for k in sorted({*now, *then}) if now.get(k) != then.get(k)]
    if changed:
        differences = "; ".join(f"{k} was {then.get(k)}, now {now.get(k)}" for k in changed)
        raise ModelError(
            f"{last} was started with other settings: {differences}",
            "the same options, or another --run",
        )


def _copy(config: Config, weights: dict[str, Tensor]) -> SpeechNet:
    net = SpeechNet(config)
    net.load_state_dict(weights)
    return net.eval().requires_grad_(False)


def _standardise(net: SpeechNet, batches: Batches) -> None:
    """Bring each input to mean 0 and variance 1 over some batches."""
    x = torch.cat([batches.next().features.flatten(0, 1) for _ in range(8)])
    net.mean.copy_(x.mean(dim=0))
    net.scale.copy_(1 / x.std(dim=0).clamp_min(0.05))
