"""Trains the network that hears whether a voice is in the sound: ``python -m
mien.models.train.song.voice_net --data FOLDER``.

The data are ``mien.models.data.sung``: speech of LJ Speech, voices200 and acted Japanese voices on
random melodies, alone and over a band: a synthetic one, and recorded music without voices.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.data import sung
from mien.models.data.behind import read_music
from mien.models.data.corpora import hts, voices200
from mien.models.data.corpora.voices import FLITE, Spoken, flite
from mien.models.data.labels import textgrid
from mien.models.data.schema import read_audio
from mien.models.song.voice_net import DELAY_FRAMES, WEIGHTS, inputs
from mien.models.speech.features import extract, stack

WIDTH = 48
_BATCH, _RATE = 24, 3e-3
MASKED = 14
"""Most features in a row that are masked in a clip."""


class VoiceNetTorch(torch.nn.Module):
    """Features (B, T, F) -> logits (B, T)."""

    def __init__(self, features: int, width: int = WIDTH) -> None:
        super().__init__()
        self.gru = torch.nn.GRU(features, width, batch_first=True)
        self.head = torch.nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of all frames."""
        out: torch.Tensor = self.head(self.gru(x)[0])[..., 0]
        return out


def voices(data: Path, rng: np.random.Generator) -> list[Spoken]:
    """Utterances of all voices at hand; some of them shifted in pitch by ``sung.melody`` later."""
    out = [
        Spoken(read_audio(p.with_suffix(".flac")), textgrid.phones(p))
        for p in sorted((data / "lj_phones").glob("*.TextGrid"))[:24]
    ]
    out += [said for _, _, said in voices200.spoken(data / "voices200", held_out=False)][:160]
    texts = hts.texts(data / "japanese_text")
    for model in sorted((data / "hts_voices").rglob("*.htsvoice")):
        speak = hts.voice(model)
        out += [speak(texts[int(rng.integers(0, len(texts)))], rng) for _ in range(8)]
    for name in FLITE:
        speak = flite(name)
        out += [speak("My mother may remember many old boats by the open sea.", rng)]
    return [s for s in out if len(s.samples) > 16000]


def clips(
    said: Sequence[Spoken], bands: Sequence[NDArray[np.int16]], count: int, seed: int
) -> tuple[NDArray, NDArray]:  # type: ignore[type-arg]
    """Features (N, T, F) and labels (N, T) of ``count`` clips; see ``sung.clip``."""
    rows, labels = [], []
    for k in range(count):
        rng = np.random.default_rng([seed, k])
        try:
            made = sung.clip(said, rng, bands=bands)
        except (ValueError, IndexError):
            continue
        x = inputs(stack(extract(made.samples)[0]))
        frames = min(len(x), len(made.voiced))
        if frames < 470:
            continue
        rows.append(x[:470])
        labels.append(made.voiced[:470])
        if k % 50 == 0:
            print(k, file=sys.stderr, flush=True)
    return np.stack(rows).astype(np.float16), np.stack(labels)


def changed(frames: torch.Tensor) -> torch.Tensor:
    """Features (B, T, F) of a batch with another colour of each clip, noise, and masked bands.

    A few hundred voices and instruments would else be learned by heart.
    """
    size, _, features = frames.shape
    out = frames + 0.25 * torch.randn(size, 1, features) + 0.1 * torch.randn(frames.shape)
    first = torch.randint(0, features, (size, 1, 1))
    width = torch.randint(0, MASKED + 1, (size, 1, 1))
    at = torch.arange(features)[None, None, :]
    return torch.where((at >= first) & (at < first + width), torch.zeros(()), out)


def main() -> None:
    """Make the clips, train, and write the weights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--music", type=Path, help="recorded music without voices")
    parser.add_argument("--clips", type=int, default=700)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    rng = np.random.default_rng(given.seed)
    if given.cache and given.cache.is_file():
        kept = np.load(given.cache)
        x, y = kept["x"], kept["y"]
    else:
        bands = read_music(given.music) if given.music else []
        x, y = clips(voices(given.data, rng), bands, given.clips, given.seed)
        if given.cache:
            np.savez(given.cache, x=x, y=y)
    held = len(x) // 10
    mean = x[held:].reshape(-1, x.shape[-1]).astype(np.float32).mean(axis=0)
    scale = 1.0 / (x[held:].reshape(-1, x.shape[-1]).astype(np.float32).std(axis=0) + 1e-3)
    net = VoiceNetTorch(x.shape[-1])
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, weight_decay=1e-3)
    steps = given.epochs * ((len(x) - held) // _BATCH)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, steps + 1)

    def batch(rows: NDArray[np.intp]) -> tuple[torch.Tensor, torch.Tensor]:
        frames = (x[rows].astype(np.float32) - mean) * scale
        late = np.concatenate([y[rows][:, :1].repeat(DELAY_FRAMES, 1), y[rows]], axis=1)
        return torch.from_numpy(frames), torch.from_numpy(late[:, : frames.shape[1]])

    for epoch in range(given.epochs):
        order, total = rng.permutation(np.arange(held, len(x))), 0.0
        for k in range(0, len(order) - _BATCH + 1, _BATCH):
            frames, label = batch(order[k : k + _BATCH])
            frames = changed(frames)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(frames), label)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            plan.step()
            total += float(loss)
        with torch.no_grad():
            frames, label = batch(np.arange(held))
            right = ((net(frames) > 0).float() == label).float().mean()
        print(f"{epoch} {total / max(len(order) // _BATCH, 1):.3f} {right:.3f}", flush=True)
    state = net.state_dict()
    tensors = {
        "mean": mean, "scale": scale,
        "input": state["gru.weight_ih_l0"].T, "recurrent": state["gru.weight_hh_l0"].T,
        "input_bias": state["gru.bias_ih_l0"], "recurrent_bias": state["gru.bias_hh_l0"],
        "head": state["head.weight"][0], "head_bias": state["head.bias"],
    }  # fmt: skip
    meta = {
        "kind": "song_voice", "version": 1, "seed": given.seed, "clips": len(x),
        "epochs": given.epochs, "held_out_accuracy": round(float(right), 4),
        "corpora": ["lj_phones", "voices200", "hts_voices", "flite", "synthetic music"]
        + (["recorded music"] if given.music else []),
    }  # fmt: skip
    checkpoint.save(given.out, tensors, meta)


if __name__ == "__main__":
    main()
