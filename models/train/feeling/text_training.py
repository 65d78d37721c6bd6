"""Trains the reader of text further, from a sentence network that was cut and rounded.

The vectors of the word pieces stay as they are, in 4 bits; layers and answers learn. A text is told
apart from other kinds by cross-entropy, and the intensity is learned beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mien.models.feeling.text_network import (
    ANSWERS,
    FEATURES,
    HEADS,
    HIDDEN,
    LAYERS,
    MATRICES,
    NORMS,
)
from mien.models.train.feeling.teacher import Teacher

Floats = NDArray[np.float32]
_SMOOTH: Final = 0.05
_STRENGTH, _INTENSITY = 2.0, 0.6
_BATCH, _RATE, _HEAD_RATE, _MEAN = 32, 5e-5, 1e-3, 0.98
_DROPPED, _HEAD_DROPPED = 0.1, 0.2


class Texts(NamedTuple):
    """Word pieces of texts (N lists), shares of the kinds (N, 8), intensities (N,), and how likely
    each is used in an epoch (N,); intensities are learned from those that always are."""

    pieces: list[list[int]]
    share: Floats
    strength: Floats
    likely: Floats

    def of(self, at: NDArray[np.bool_]) -> Texts:
        """A part of them."""
        kept = [self.pieces[i] for i in np.flatnonzero(at)]
        return Texts(kept, self.share[at], self.strength[at], self.likely[at])


class Reader(nn.Module):
    """The reader in torch, with the names of ``mien.models.feeling.text_network``."""

    vectors: Tensor
    position: Tensor
    centre: Tensor

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        kept = dict(teacher.tensors)
        self.register_buffer("vectors", torch.from_numpy(teacher.vectors))
        self.register_buffer("position", torch.from_numpy(kept.pop("position")))
        self.register_buffer("centre", torch.zeros(FEATURES))
        self.scale = 1.0
        self.learned = nn.ParameterDict({
            name.replace(".", "|"): nn.Parameter(torch.from_numpy(value.copy()))
            for name, value in kept.items()
        })  # fmt: skip
        self.head = nn.Linear(FEATURES, ANSWERS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        nn.init.constant_(self.head.bias[-1:], _INTENSITY)

    def forward(self, ids: Tensor, known: Tensor) -> Tensor:
        """Pieces (B, n) and which are there -> answers (B, 9)."""
        x = (self.features(ids, known) - self.centre) * self.scale
        out: Tensor = self.head(functional.dropout(x, _HEAD_DROPPED, self.training))
        return out

    def features(self, ids: Tensor, known: Tensor) -> Tensor:
        """Means (B, FEATURES) over pieces."""
        share = known.float() / known.float().sum(dim=1, keepdim=True)
        x = self._norm(self.vectors[ids] + self.position[: ids.shape[1]], "norm")
        means = [(x * share[:, :, None]).sum(dim=1)]
        x = self._dropped(x)
        for k in range(LAYERS):
            parts = self._linear(x, f"{k}|attention").reshape(*ids.shape, 3, HEADS, -1)
            q, keys, v = parts.permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(
                q, keys, v, attn_mask=known[:, None, None]
            )
            seen = seen.transpose(1, 2).reshape(*ids.shape, HIDDEN)
            seen = self._dropped(self._linear(seen, f"{k}|attended"))
            x = self._norm(x + seen, f"{k}|attended_norm")
            wide = functional.gelu(self._linear(x, f"{k}|wide"))
            wide = self._dropped(self._linear(wide, f"{k}|narrow"))
            x = self._norm(x + wide, f"{k}|narrow_norm")
            means.append((x * share[:, :, None]).sum(dim=1))
        return torch.cat(means, dim=1)

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, _DROPPED, self.training)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.learned[name], self.learned[f"{name}_bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.learned[name]
        return functional.layer_norm(x, (HIDDEN,), weight, bias, 1e-12)


def answers(reader: Reader, pieces: Sequence[list[int]]) -> Floats:
    """Answers (N, 9) to texts."""
    reader.eval()
    return _run(reader, pieces, ANSWERS)


def _run(part: Callable[..., Tensor], pieces: Sequence[list[int]], numbers: int) -> Floats:
    order = np.argsort([len(p) for p in pieces], kind="stable")
    out = np.zeros((len(pieces), numbers), np.float32)
    with torch.no_grad():
        for first in range(0, len(order), 2 * _BATCH):
            at = order[first : first + 2 * _BATCH]
            out[at] = part(*padded([pieces[i] for i in at])).numpy()
    return out


def padded(pieces: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
    """Pieces (B, n), and which are there."""
    longest = max(map(len, pieces))
    known = np.arange(longest) < np.array([len(p) for p in pieces])[:, None]
    ids = np.zeros(known.shape, np.int64)
    ids[known] = [i for p in pieces for i in p]
    return torch.from_numpy(ids), torch.from_numpy(known)


def train(teacher: Teacher, texts: Texts, epochs: int, seed: int = 0) -> Reader:
    """The reader, the mean of its weights over the last steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 33])
    reader = Reader(teacher).eval()
    found = _run(reader.features, texts.pieces[:: len(texts.pieces) // 1000 + 1], FEATURES)
    reader.centre.copy_(torch.from_numpy(found.mean(axis=0)))
    reader.scale = float(1.0 / found.std(axis=0).mean())
    share = (1.0 - _SMOOTH) * texts.share + _SMOOTH / texts.share.shape[1]
    goal, strength = torch.from_numpy(share).float(), torch.from_numpy(texts.strength).float()
    felt = torch.from_numpy((texts.likely == 1.0) & (texts.share[:, 0] < 1.0))
    optimiser = torch.optim.AdamW([
        {"params": reader.learned.parameters(), "lr": _RATE, "weight_decay": 0.01},
        {"params": reader.head.parameters(), "lr": _HEAD_RATE, "weight_decay": 0.05},
    ])  # fmt: skip
    steps = int(epochs * float(texts.likely.sum()) / _BATCH) + 1
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda k: min(1.0, (k + 1) / (0.1 * steps)) * max(0.02, 1.0 - k / steps)
    )
    mean = {name: p.detach().clone() for name, p in reader.named_parameters()}
    reader.train()
    for _ in range(epochs):
        for at in _batches(texts, rng.random(len(texts.likely)) < texts.likely, rng):
            out = reader(*padded([texts.pieces[i] for i in at]))
            likely = torch.log_softmax(out[:, :-1], dim=1)
            loss = -(goal[at] * likely).sum()
            off = (out[:, -1] - strength[at]).square()
            loss = (loss + _STRENGTH * (felt[at] * off).sum()) / _BATCH
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimiser.step()
            plan.step()
            for name, p in reader.named_parameters():
                mean[name].lerp_(p.detach(), 1.0 - _MEAN)
    reader.load_state_dict(mean, strict=False)
    return reader.eval().requires_grad_(False)


def _batches(
    texts: Texts, used: NDArray[np.bool_], rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Texts of like length together, in random order."""
    length = np.array([len(p) for p in texts.pieces]) + 4.0 * rng.random(len(texts.pieces))
    at = np.flatnonzero(used)
    at = at[np.argsort(length[at])]
    batches = [at[k : k + _BATCH] for k in range(0, len(at), _BATCH)]
    return [batches[k] for k in rng.permutation(len(batches))]


def tensors(reader: Reader, teacher: Teacher, prefix: str = "") -> dict[str, Any]:
    """Tensors of a weights file: matrices in 8 bits with a scale by row, the rest in 16."""
    out: dict[str, Any] = {
        "pieces": np.frombuffer("\n".join(teacher.pieces).encode(), np.uint8),
        "piece": teacher.packed, "piece_scale": teacher.scale,
        "position": reader.position.numpy().astype(np.float16),
    }  # fmt: skip
    for name, value in reader.learned.items():
        array, plain = value.numpy(), name.replace("|", ".")
        if plain.split(".")[-1] in MATRICES:
            scale = np.abs(array).max(axis=1) / 127.0
            out[f"{plain}_scale"] = scale.astype(np.float16)
            step = np.maximum(out[f"{plain}_scale"].astype(np.float32), 1e-8)
            out[plain] = np.clip(np.round(array / step[:, None]), -127, 127).astype(np.int8)
        else:
            assert plain.endswith("_bias") or plain.split(".")[-1] in ("norm", *NORMS)
            out[plain] = array.astype(np.float16)
    weight = reader.head.weight.numpy() * reader.scale
    out["head"] = weight.astype(np.float16)
    out["head_bias"] = reader.head.bias.numpy() - weight @ reader.centre.numpy()
    return {prefix + name: value for name, value in out.items()}
