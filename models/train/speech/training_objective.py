"""Objective of the speech network: weights of the loss terms, and the loss of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models.data.batches import Batch
from mien.models.data.schema import Corpus
from mien.models.face.blendshapes import ARKIT, INDEX, SPEECH, indices
from mien.models.speech.network import Heads
from mien.models.speech.phones import BILABIAL, LABIODENTAL, NUMBER, PHONES, SILENCE, VOWELS
from mien.models.train.speech import losses

REFERENCE = 0
"""Index of the reference speaker, whose gain is 1. All clips with rules use it."""


@dataclass(frozen=True)
class Plan:
    """Hyperparameters of a run. Field names are keys of stored plans."""

    steps: int = 3000
    seed: int = 0
    rate: float = 1.5e-3
    decay: float = 0.01
    temperature: float = 4.0
    average: float = 0.998
    """Decay of the moving average of the weights. The average is stored."""
    shape: float = 1.0
    width: float = 0.3
    opening: float = 2.0
    velocity: float = 4.0
    closure: float = 2.0
    contact: float = 0.3
    """Weight of open lips at p, b and m in the final output."""
    apart: float = 4.0
    """Weight of closed lips where the target is open."""
    decided: float = 0.5
    """Weight of closures that are missed or false (``losses.shut_or_not``)."""
    bite: float = 10.0
    """Weight of lips at f and v that shut in the final output: the lower lip touches the teeth and
    not the upper lip."""
    sung: float = 6.0
    """Weight of lips that shut in a vowel, however long it is held."""
    spread: float = 0.6
    """Weight of filmed shapes that move less than the face did (``losses.timidity``)."""
    silence: float = 2.5
    correlation: float = 0.3
    phone: float = 2.0
    """Weight of the phone classifier. On a speaker outside the training data, 12 % of the frames
    had the right phone with a weight of 0.1, and 44 % with 2.0."""
    known: float = 0.3
    """Weight of the speaker posterior."""
    gains: float = 0.01
    dropped: float = 0.1
    """Dropout rate of whole channels in each block, per crop."""
    half: bool = True
    """Compute products in bfloat16."""
    every: int = 250
    """Steps between two lines of the learning curve."""


class Speakers(nn.Module):
    """Gain and offset of each face, learned with the network and not stored with it."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.gain = nn.Embedding(len(names), len(ARKIT))
        self.offset = nn.Embedding(len(names), len(ARKIT))
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.offset.weight)

    def forward(self, shapes: Tensor, speaker: Tensor) -> Tensor:
        """Shapes (B, T, 52) of the reference face -> shapes of the faces ``speaker`` (B,)."""
        specific = (speaker != REFERENCE).float()[:, None, None]
        gain = torch.exp(specific * self.gain(speaker)[:, None])
        out: Tensor = shapes * gain + specific * self.offset(speaker)[:, None]
        return out

    def size(self) -> Tensor:
        """Penalty (scalar) on the difference of the speakers from the reference."""
        return (self.gain.weight**2).mean() + 10 * (self.offset.weight**2).mean()


def opening(shapes: Tensor) -> Tensor:
    """jawOpen - mouthClose, (B, T, 52) -> (B, T)."""
    return shapes[..., INDEX["jawOpen"]] - shapes[..., INDEX["mouthClose"]]


class Objective:
    """The loss of one batch and its parts.

    Args:
        plan: the plan of the training.
        corpora: give each shape its weight.
        scale: (52,) weights of the shapes, in place of those of the corpora.
    """

    def __init__(self, plan: Plan, corpora: Sequence[Corpus], scale: Tensor | None = None) -> None:
        self._plan = plan
        self._scale = torch.from_numpy(shape_weights(corpora)) if scale is None else scale
        self._bilabial, self._labiodental = _among(BILABIAL), _among(LABIODENTAL)
        self._vowel = _among(VOWELS)
        self._mouth = torch.from_numpy(indices(SPEECH).astype(np.int64))

    def __call__(
        self, heads: Heads, batch: Batch, speakers: Speakers
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss of a batch -> total, and the parts by name.

        Filmed faces supervise the speaker-specific head. Rules supervise the generic head before
        the loudness stage. Closures and silence supervise the final output.
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
        rules = 1 - batch.tracked[:, None]  # a camera is more accurate than an alignment
        closed = closed * rules
        bitten = (self._labiodental[batch.phones] & labelled).float() * lips * rules
        voiced = (self._vowel[batch.phones] & labelled).float() * lips * rules
        spoken = (labelled & (batch.phones != NUMBER[SILENCE])).float() * lips * rules
        filmed = batch.tracked * (batch.speaker == REFERENCE)
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
            "decided": plan.decided * losses.shut_or_not(final, closed, spoken - closed),
            "bite": plan.bite * 100 * losses.parted(final, true_gap, bitten, least=0.08),
            "sung": plan.sung * 100 * losses.parted(final, true_gap, voiced, least=0.08),
            "spread": plan.spread
            * losses.timidity(fitted, batch.shapes, mask * filmed[:, None, None], self._scale),
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


def _among(names: Iterable[str]) -> Tensor:
    """(phones + 1,) whether a phone number is one of ``names``. The last one is no phone."""
    out = torch.zeros(len(PHONES) + 1, dtype=torch.bool)
    out[[NUMBER[p] for p in names]] = True
    return out


def _posterior_loss(logits: Tensor, tracked: Tensor, speech: Tensor) -> Tensor:
    """Cross-entropy (B, T) of the speaker posterior. Crops without speech do not count."""
    target = tracked[:, None].expand_as(logits)
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * speech).sum() / (speech.sum() * logits.shape[1]).clamp_min(1.0)


def _phone_loss(logits: Tensor, phones: Tensor) -> Tensor:
    """Cross-entropy (B, T, phones) over frames with a label; 0 if there are none."""
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
    """(52,) inverse variance of each shape of speech; 0 for shapes without targets."""
    total = np.zeros(len(ARKIT))
    count = np.zeros(len(ARKIT))
    for corpus in corpora:
        for clip in corpus.clips[:: max(1, len(corpus) // 100)]:
            var = clip.shapes.astype(np.float32).var(axis=0)
            total += var * clip.given
            count += clip.given
    std = np.sqrt(total / np.maximum(count, 1))
    supervised = np.isin(ARKIT, SPEECH) & (count > 0)
    return np.where(supervised, 1.0 / (std + 0.05) ** 2, 0.0).astype(np.float32)
