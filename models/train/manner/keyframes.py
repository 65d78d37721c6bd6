"""Trains the network that proposes key frames: ``python -m mien.models.train.manner.keyframes
--data FOLDER``. Two minutes.

It is taught with the keys that were really placed before (teacher forcing); some of them are
forgotten or moved, because its own will be. When a key is certain enough is chosen on the training
clips, so that F1 is largest there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mien.models import checkpoint
from mien.models.data.keyframes import f1, filmed, spread_of
from mien.models.data.manner import MannerClip, prepared
from mien.models.manner.config import COLUMNS
from mien.models.manner.keyframes import (
    GAP,
    INPUTS,
    KIND,
    PAST,
    TAPS,
    TRACKS,
    VALUES,
    WEIGHTS,
    WIDTH,
    Key,
    Proposer,
    Track,
    inputs,
    layout,
    past,
)
from mien.models.speech import stream
from mien.models.speech.runtime_numpy import WEIGHTS as SPEECH
from mien.models.speech.runtime_numpy import load as load_speech
from mien.models.train.runs import options
from mien.models.train.runs.half import halved
from mien.models.train.speech.provenance import commit

Floats = NDArray[np.float32]
STEPS: Final = 1200
_BATCH, _RATE, _CROP = 24, 3e-3, 72
_LEAST: Final = np.linspace(0.1, 0.8, 15)
_FORGOTTEN, _MOVED = 0.15, 2
_DILATIONS: Final[dict[Track, tuple[int, ...]]] = {"face": (1, 2, 4), "head": (2, 4, 8)}


class Example(NamedTuple):
    """A sound (T, 13) and its keys."""

    sound: Floats
    keys: list[Key]


class TrackPath(nn.Module):
    """The path of one track."""

    mean: Tensor
    scale: Tensor

    def __init__(self, track: Track) -> None:
        super().__init__()
        self.track = track
        self.register_buffer("mean", torch.zeros(INPUTS))
        self.register_buffer("scale", torch.ones(INPUTS))
        before = INPUTS
        convs: list[nn.Conv1d] = []
        for _ in _DILATIONS[track]:
            convs.append(nn.Conv1d(before, WIDTH, TAPS))
            before = WIDTH
        self.convs = nn.ModuleList(convs)
        self.layers = convs
        self.join = nn.Linear(WIDTH + PAST, WIDTH)
        self.out = nn.Linear(WIDTH, 1 + len(VALUES[track]))
        self.drop = nn.Dropout(0.2)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        """(B, T, INPUTS) and (B, T, PAST) -> logit and values (B, T, 1 + n)."""
        h = ((x - self.mean) * self.scale).transpose(1, 2)
        for conv, dilation in zip(self.layers, _DILATIONS[self.track], strict=True):
            reach = dilation * (TAPS // 2)
            h = functional.pad(h, (reach, reach), mode="replicate")
            h = torch.relu(functional.conv1d(h, conv.weight, conv.bias, dilation=dilation))
        h = torch.cat([self.drop(h.transpose(1, 2)), before], dim=2)
        out: Tensor = self.out(torch.relu(self.join(h)))
        return out


def _goals(keys: Sequence[Key], frames: int, track: Track) -> tuple[Floats, Floats, Floats]:
    """Likelihood (T,) of a key, its values (T, n), and where they are known (T,)."""
    likely, known = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    values = np.zeros((frames, len(VALUES[track])), np.float32)
    for key in keys:
        if key.track == track:
            for k in range(max(key.frame - 2, 0), min(key.frame + GAP, frames)):
                near = float(np.exp(-0.5 * (k - key.frame) ** 2))
                if near > likely[k]:
                    likely[k], values[k], known[k] = near, key.values, 1.0
    return likely, values, known


def _pasts(keys: Sequence[Key], frames: int, rng: np.random.Generator | None) -> Floats:
    """What was placed before each frame, (T, PAST)."""
    if rng is not None:
        keys = [
            k._replace(frame=k.frame + int(rng.integers(-_MOVED, _MOVED + 1)))
            for k in keys
            if rng.random() > _FORGOTTEN
        ]
    last: dict[Track, Key | None] = dict.fromkeys(TRACKS)
    waiting, out = sorted(keys), []
    for k in range(frames):
        while waiting and waiting[0].frame + GAP <= k:
            last[waiting[0].track] = waiting[0]
            waiting.pop(0)
        out.append(past(k, last))
    return np.array(out)


def fit(examples: Sequence[Example], seed: int = 0, steps: int = STEPS) -> dict[str, Any]:
    """Tensors of ``mien.models.manner.keyframes.layout``."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 33])
    paths = {track: TrackPath(track) for track in TRACKS}
    seen = [inputs(e.sound) for e in examples]
    value_scale: dict[Track, Floats] = {}
    for track, path in paths.items():
        every = np.concatenate([s[track] for s in seen])
        path.mean.copy_(torch.from_numpy(every.mean(axis=0)))
        path.scale.copy_(torch.from_numpy(1.0 / (every.std(axis=0) + 1e-3)))
        rows = [k.values for e in examples for k in e.keys if k.track == track]
        value_scale[track] = np.maximum(np.sqrt(np.square(rows).mean(axis=0)), 1e-3)
    goals = [{t: _goals(e.keys, len(e.sound), t) for t in TRACKS} for e in examples]
    pasts = [[_pasts(e.keys, len(e.sound), rng) for _ in range(3)] for e in examples]
    parameters = [p for path in paths.values() for p in path.parameters()]
    optimiser = torch.optim.AdamW(parameters, _RATE, weight_decay=0.02)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    usable = [k for k, e in enumerate(examples) if len(e.sound) >= _CROP]
    for _ in range(steps):
        loss = torch.zeros(())
        chosen = [(k, int(rng.integers(len(examples[k].sound) - _CROP + 1)))
                  for k in rng.choice(usable, _BATCH)]  # fmt: skip
        which = rng.integers(3, size=_BATCH)
        for track, path in paths.items():
            x = np.stack([seen[k][track][a : a + _CROP] for k, a in chosen])
            before = np.stack(
                [pasts[k][w][a : a + _CROP] for (k, a), w in zip(chosen, which, strict=True)]
            )
            likely, values, known = (
                torch.from_numpy(np.stack([goals[k][track][i][a : a + _CROP] for k, a in chosen]))
                for i in range(3)
            )
            found = path(torch.from_numpy(x), torch.from_numpy(before))
            loss = loss + functional.binary_cross_entropy_with_logits(found[..., 0], likely)
            off = (found[..., 1:] - values / torch.from_numpy(value_scale[track]).float()).square()
            loss = loss + 0.1 * (off.mean(dim=2) * known).sum() / known.sum().clamp_min(1.0)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        plan.step()
    tensors = _tensors(paths, value_scale)
    return _certain(tensors, examples[:: max(len(examples) // 150, 1)])


def _tensors(paths: dict[Track, TrackPath], value_scale: dict[Track, Floats]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for track, path in paths.items():
        out[f"{track}.mean"], out[f"{track}.scale"] = path.mean.numpy(), path.scale.numpy()
        out[f"{track}.value"] = value_scale[track].astype(np.float32)
        for k, conv in enumerate(path.layers):
            assert conv.bias is not None
            out[f"{track}.conv{k}"] = conv.weight.detach().numpy()
            out[f"{track}.conv{k}_bias"] = conv.bias.detach().numpy()
        for name, layer in (("join", path.join), ("out", path.out)):
            out[f"{track}.{name}"] = layer.weight.detach().numpy()
            out[f"{track}.{name}_bias"] = layer.bias.detach().numpy()
        out[f"{track}.least"] = np.array([0.3], np.float32)
    assert {k: v.shape for k, v in out.items()} == layout()
    return out


def _certain(tensors: dict[str, Any], examples: Sequence[Example]) -> dict[str, Any]:
    """The tensors with the probability from which a key is placed, chosen on training clips."""
    for track in TRACKS:
        scores = []
        for least in _LEAST:
            tensors[f"{track}.least"] = np.array([least], np.float32)
            net = Proposer(tensors)
            scores.append(np.mean([
                f1([k for k in net.propose(e.sound) if k.track == track],
                   [k for k in e.keys if k.track == track]) for e in examples[:60]
            ]))  # fmt: skip
        best = float(_LEAST[int(np.argmax(scores))])
        tensors[f"{track}.least"] = np.array([best], np.float32)
    return tensors


def on_film(clips: Sequence[MannerClip]) -> list[Example]:
    """Filmed clips with their key frames."""
    chosen = [c for c in clips if c.given[list(COLUMNS)].all()]
    spread = spread_of([c.curves for c in chosen])
    return [Example(c.sound, filmed(c.curves, spread)) for c in chosen]


def main() -> None:
    """Train on the filmed speaker, and write the weights."""
    given = options.parser(WEIGHTS).parse_args()
    torch.set_num_threads(1)
    engine = load_speech(SPEECH)
    clips = prepared(given.data, lambda s: stream.speak(engine, s), SPEECH, given.cache)
    examples = on_film(clips)
    tensors = fit(examples, given.seed)
    checkpoint.save(given.out, halved(tensors), {
        "kind": KIND, "version": 1, "seed": given.seed, "commit": commit(),
        "clips": len(examples), "corpora": {"grid_s1": "CC BY 4.0"},
    })  # fmt: skip
    print(given.out)


if __name__ == "__main__":
    main()
