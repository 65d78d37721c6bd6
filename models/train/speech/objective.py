"""What the speech network is trained for: the weights of every wish, and the loss of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models.data.batches import Batch
from mien.models.data.schema import Corpus
from mien.models.face.blendshapes import ARKIT, INDEX, SPEECH, indices
from mien.models.speech import losses
from mien.models.speech.network import Heads
from mien.models.speech.phones import BILABIAL, NUMBER, PHONES

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
    contact: float = 0.3
    """Of lips that touch in p, b and m, as they leave the network."""
    apart: float = 4.0
    silence: float = 1.5
    correlation: float = 0.3
    phone: float = 2.0
    """Of naming the phone. What a network cannot name in a new voice it cannot show: with 0.1 it
    named 12 % of the frames of a speaker whom it never heard, with this 44 %."""
    known: float = 0.3
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
        specific = (speaker != REFERENCE).float()[:, None, None]
        gain = torch.exp(specific * self.gain(speaker)[:, None])
        out: Tensor = shapes * gain + specific * self.offset(speaker)[:, None]
        return out

    def size(self) -> Tensor:
        """How far the speakers differ from the generic one: a penalty, a single number."""
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
        self, heads: Heads, batch: Batch, speakers: Speakers
    ) -> tuple[Tensor, dict[str, float]]:
        """The network's heads over the crop's frames.

        Faces teach the head of their own. Rules teach anybody's, before loudness; closures and
        silence are asked of it as it leaves.
        """
        plan = self._plan
        tracked = batch.tracked[:, None, None] > 0
        fitted = speakers(torch.where(tracked, heads.specific, heads.generic_plain), batch.speaker)
        final = opening(torch.where(tracked, heads.specific, heads.generic))
        speech = 1 - batch.silent.amin(dim=1, keepdim=True)
        context = losses.context_weights(
            batch.shapes[..., self._mouth] * batch.given[..., self._mouth], plan.temperature
        )
        mask = batch.given * batch.weight[:, None, None]
        weighted = mask * self._scale * context[..., None]
        lips = mask[..., INDEX["jawOpen"]]
        gap, true_gap = opening(fitted), opening(batch.shapes)
        width, true_width = _width(fitted), _width(batch.shapes)
        real = batch.tracked[:, None] * lips
        labelled = batch.phones >= 0
        closed = (self._bilabial[batch.phones] & labelled).float() * lips
        rules = 1 - batch.tracked[:, None]  # a camera knows better than an alignment
        closed = closed * rules
        parts = {
            "shape": plan.shape * (weighted * (fitted - batch.shapes) ** 2).sum() / mask.sum(),
            "width": plan.width * 100 * losses.masked_mse(width - true_width, lips * context),
            "opening": plan.opening * 100 * losses.masked_mse(gap - true_gap, lips * context),
            "velocity": plan.velocity * 100 * losses.velocity(gap, true_gap, lips),
            "closure": plan.closure * 100 * losses.near_closure(gap, true_gap, lips),
            "contact": plan.contact * 100 * losses.masked_mse(final, closed),
            "apart": plan.apart
            * 100
            * losses.parted(opening(heads.generic_plain), true_gap, lips * rules),
            "silence": plan.silence * 100 * losses.stillness(final, batch.silent),
            "correlation": plan.correlation
            * (
                losses.decorrelation(gap, true_gap, real)
                + 0.5 * losses.decorrelation(width, true_width, real)
            ),
            "phone": plan.phone * _phone_loss(heads.phones, batch.phones),
            "known": plan.known * _posterior_loss(heads.posterior_logit, batch.tracked, speech),
            "gains": plan.gains * speakers.size(),
        }
        total = torch.stack(list(parts.values())).sum()
        return total, {k: float(v.detach()) for k, v in parts.items()}


def _posterior_loss(logits: Tensor, tracked: Tensor, speech: Tensor) -> Tensor:
    """Cross-entropy of (B, T): is this the voice of a filmed face; crops without any count not."""
    wanted = tracked[:, None].expand_as(logits)
    each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return (each * speech).sum() / (speech.sum() * logits.shape[1]).clamp_min(1.0)


def _phone_loss(logits: Tensor, phones: Tensor) -> Tensor:
    """Cross-entropy of (B, T, phones) where the phone is known, 0 where none is."""
    total = functional.cross_entropy(
        logits.flatten(0, 1),
        phones.flatten(),
        ignore_index=-1,
        label_smoothing=0.1,
        reduction="sum",
    )
    return total / (phones >= 0).sum().clamp_min(1)


def _width(shapes: Tensor) -> Tensor:
    stretch = shapes[..., INDEX["mouthStretchLeft"]] + shapes[..., INDEX["mouthStretchRight"]]
    # In units of the pucker; see models/data/labels/lips.py.
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
