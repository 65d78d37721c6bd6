"""Train the learned fusion: ``python -m mien.models.train.fusion.train --grid DIR --units FILE``.

Training data:

- Speech alone: tracked shapes of one GRID speaker. Random gains per shape make other mouths of it.
- Expression alone: prototypes with variation, from ``mien.models.face.emotion``. They are not
  measured on real faces.
- Speech and expression together: *there is no ground truth*. No corpus of emotional speech with
  faces was available. Four written objectives replace it. They are measured on a face's lips in mm,
  with the linear shapes of ``--units``: an intended closure stays closed; rounded lips stay narrow;
  an aroused open mouth opens further; everything else stays near the plain sum.

The evaluation uses the same objectives as the training. A good score therefore shows that a sparse
fusion satisfies several objectives at once. It does not show that people speak in this way.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.models import checkpoint
from mien.models.data.corpora.grid import Take, rest_width, takes
from mien.models.data.labels.lips import from_measures
from mien.models.face.blendshapes import ARKIT, GROUPS, INDEX, indices
from mien.models.face.emotion import EMOTIONS, Variation, blend
from mien.models.face.regions import MOUTH_CORNERS
from mien.models.fusion.learned import (
    INPUTS,
    INTERACTION_MASK,
    KIND,
    SPEECH_INDICES,
    WEIGHTS,
    inputs,
)
from mien.models.fusion.rules import OPENING_WITHHELD, closure, rounding

Floats = NDArray[np.float64]
LOWER = indices([*GROUPS["jaw"], *GROUPS["mouth"], *GROUPS["tongue"]])
UPPER = np.setdiff1d(np.arange(len(ARKIT)), LOWER)
INNER = (13, 14)  # MediaPipe: the inner lip up and down


@dataclass(frozen=True)
class Config:
    """Hyperparameters of a training run."""

    hidden: int = 64
    speech_basis: int = 16
    expression_basis: int = 12
    steps: int = 16000
    batch: int = 512
    rate: float = 2e-3
    sparse: float = 1e-2
    seed: int = 0


@dataclass(frozen=True)
class Lips:
    """Linear measures of a face: mm per unit of each shape, (52,)."""

    gap: Floats
    width: Floats
    corner: Floats

    @classmethod
    def of(cls, path: Path) -> Lips:
        """Read ``names`` (52,) and ``delta`` (52, 478, 3) mm of a face-units file."""
        with np.load(path) as f:
            order = [[str(n) for n in f["names"]].index(name) for name in ARKIT]
            delta = f["delta"][order].astype(np.float64)
        up, down = INNER
        left, right = MOUTH_CORNERS
        corner = delta[:, [right, left], 1].mean(axis=1) - delta[:, [0, 17], 1].mean(axis=1)
        gap = delta[:, up, 1] - delta[:, down, 1]
        return cls(gap, delta[:, left, 0] - delta[:, right, 0], corner)


def speech_frames(some: list[Take]) -> tuple[Floats, Floats]:
    """Tracked speech: shapes (N, 52) of mouth and jaw, and voice (N,) in 0..1."""
    shapes, voice = [], []
    for take in some:
        full = from_measures(take.shapes, take.gap, take.width, rest_width(take)).astype(float)
        full[:, UPPER] = 0.0
        t = np.arange(len(full)) / take.fps
        spans = [w for w in take.words if w[2] != "sil"]
        if not spans:
            continue
        edge = np.minimum(t - spans[0][0], spans[-1][1] - t) / 0.1 + 1.0
        shapes.append(full)
        voice.append(np.clip(edge, 0.0, 1.0))
    return np.concatenate(shapes), np.concatenate(voice)


def expressions(rng: np.random.Generator, count: int) -> Floats:
    """Random expressions (count, 52): one emotion or a blend of two, at any intensity."""
    mixed = np.zeros((count, len(EMOTIONS)))
    rows = np.arange(count)
    mixed[rows, rng.integers(1, len(EMOTIONS), count)] = rng.uniform(0.0, 1.0, count)
    second = rng.random(count) < 0.3
    mixed[rows[second], rng.integers(1, len(EMOTIONS), second.sum())] += rng.uniform(
        0, 0.5, second.sum()
    )
    gains = Variation(seed=int(rng.integers(1 << 30))).gains(rng.uniform(0, 100, count))
    return np.clip(blend(mixed) * gains, 0.0, 1.0)


def varied(rng: np.random.Generator, speech: Floats) -> Floats:
    """Speech (N, 52) of other mouths: the gain of each shape is changed at random.

    A quarter of the frames is a full closure: either the jaw is shut, or the lips close over an
    open jaw.
    """
    gain = rng.uniform(0.3, 1.4, speech.shape) * (rng.random(speech.shape) > 0.25)
    own = indices(["jawOpen", "mouthClose", "mouthPucker", "mouthFunnel"])
    gain[:, own] = np.maximum(gain[:, own], 0.3)
    out = np.where(rng.random((len(speech), 1)) < 0.6, speech * gain, speech)
    out[:, SPEECH_INDICES] += rng.uniform(0.0, 0.02, (len(out), len(SPEECH_INDICES)))
    jaw, shut = INDEX["jawOpen"], INDEX["mouthClose"]
    closed = rng.random(len(out)) < 0.25
    out[closed, jaw] *= rng.random(closed.sum()) < 0.5
    out[closed, shut] = out[closed, jaw]
    return np.clip(out, 0.0, 1.0)


class Net(nn.Module):
    """Two encoders and two bases; see ``mien.models.fusion.learned`` for the equation."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.a1 = nn.Linear(INPUTS, config.hidden)
        self.a2 = nn.Linear(config.hidden, config.speech_basis)
        self.e1 = nn.Linear(INPUTS, config.hidden)
        self.e2 = nn.Linear(config.hidden, config.expression_basis)
        self.basis_speech = nn.Parameter(0.1 * torch.randn(config.speech_basis, len(ARKIT)))
        self.basis_expression = nn.Parameter(0.1 * torch.randn(config.expression_basis, len(ARKIT)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, INPUTS) -> deformation (B, 52), w_A (B, K_A), w_E (B, K_E)."""
        w_a = torch.relu(self.a2(torch.relu(self.a1(x))))
        w_e = torch.relu(self.e2(torch.relu(self.e1(x))))
        # Rows of unit length: otherwise long rows would make small weights free.
        b_a = nn.functional.normalize(self.basis_speech, dim=1)
        b_e = nn.functional.normalize(self.basis_expression, dim=1)
        return w_a @ b_a + w_e @ b_e, w_a, w_e


def interaction_losses(
    out: Tensor, plain: Tensor, speech: Floats, expression: Floats, voice: Floats, lips: Lips
) -> dict[str, Tensor]:
    """Losses of frames in which speech and expression are both active, by name.

    Args:
        out: (B, 52) the fusion's output.
        plain: (B, 52) speech + expression.
        speech, expression: (B, 52).
        voice: (B,) 0..1, 1 while somebody speaks.
        lips: linear lip measures of a face, mm.
    """
    gap, width, corner = (_tensor(v) for v in (lips.gap, lips.width, lips.corner))
    speech_gap = np.maximum(speech @ lips.gap, 0.0)
    meant = _tensor(closure(speech, voice))
    opened = voice * (1.0 - np.exp(-speech_gap / 6.0))
    aroused = expression[:, indices(["eyeWideLeft", "browDownLeft"])].max(axis=1)
    target_gap = speech_gap * (1.0 + 0.25 * aroused) + (1.0 - OPENING_WITHHELD) * np.maximum(
        expression @ lips.gap, 0.0
    )
    rounded = voice * rounding(speech)
    narrow = speech @ lips.width + 0.4 * (expression @ lips.width)
    # Values outside 0..1 are clipped afterwards. No loss may be reduced by that.
    change, clipped = out - plain, out.clamp(0.0, 1.0)
    excess = torch.relu(clipped @ gap - _tensor(speech_gap))
    return {
        "closure": (meant * (excess + 3.0 * excess.square())).mean(),
        "open": (_tensor(opened) * (clipped @ gap - _tensor(target_gap)).square()).mean() / 16.0,
        "round": (_tensor(rounded) * (out @ width - _tensor(narrow)).square()).mean() / 4.0,
        "corner": ((out - plain) @ corner).square().mean() / 4.0,
        "upper": 20.0 * change[:, UPPER].square().mean(),
        "lower": 2.0 * change[:, LOWER].square().mean(),
        "range": 40.0 * (torch.relu(-out) + torch.relu(out - 1.0)).square().mean(),
    }


def _tensor(values: Floats) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)


def fit(grid: Path, units: Path, config: Config) -> tuple[Net, dict[str, float]]:
    """Train on the training takes of ``grid`` -> (net, last losses)."""
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    lips, (speech, voice) = Lips.of(units), speech_frames(takes(grid, held_out=False))
    # Closures and roundings are rare, and they matter most: half of each batch contains them.
    rare = np.flatnonzero(voice * (closure(speech, voice) + rounding(speech)) > 0.3)
    net = Net(config)
    optimiser = torch.optim.Adam(net.parameters(), lr=config.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    last: dict[str, float] = {}
    mask = _tensor(INTERACTION_MASK.astype(np.float64))
    for _ in range(config.steps):
        half = config.batch // 2
        rows = np.concatenate([rng.integers(0, len(speech), half), rng.choice(rare, half)])
        s, v, e = varied(rng, speech[rows]), voice[rows], expressions(rng, len(rows))
        none = np.zeros_like(s)
        x = [inputs(s, e, v), inputs(s, none, v), inputs(none, e, np.zeros_like(v))]
        x.append(np.zeros((1, INPUTS)))
        both, speech_only, expression_only, rest = (net(_tensor(k)) for k in x)
        plain = _tensor(s + e)
        out = plain + mask * (both[0] - speech_only[0] - expression_only[0] + rest[0])
        parts = interaction_losses(out, plain, s, e, v, lips)
        parts["speech"] = 20.0 * (speech_only[0] - _tensor(s)).square().mean()
        parts["expression"] = 20.0 * (expression_only[0] - _tensor(e)).square().mean()
        # Mao et al.: a domain may use the basis of the other domain, sparsely.
        parts["sparse"] = config.sparse * (
            speech_only[2].sum(1).mean() + expression_only[1].sum(1).mean()
        )
        parts["few"] = 0.1 * config.sparse * (both[1].sum(1).mean() + both[2].sum(1).mean())
        loss = torch.stack(list(parts.values())).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        last = {k: float(p.detach()) for k, p in parts.items()}
    return net, last


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--grid", type=Path, required=True, help="a corpus in the GRID layout")
    parser.add_argument("--units", type=Path, required=True, help="robot/faces/face_units.npz")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--steps", type=int, default=Config.steps)
    given = parser.parse_args()
    torch.set_num_threads(1)
    config, began = Config(steps=given.steps), time.monotonic()
    net, losses = fit(given.grid, given.units, config)
    state = {k: v.detach().numpy() for k, v in net.state_dict().items()}
    for name in ("basis_speech", "basis_expression"):
        state[name] = state[name] / np.linalg.norm(state[name], axis=1, keepdims=True)
    meta = {
        "kind": KIND,
        "version": checkpoint.NEWEST[KIND],
        "corpus": given.grid.name,
        "config": asdict(config),
        "losses": losses,
        "seconds": round(time.monotonic() - began),
    }
    checkpoint.save(given.out, state, meta)
    print({k: round(v, 5) for k, v in losses.items()})


if __name__ == "__main__":
    main()
