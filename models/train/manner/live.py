"""Distils the manner network to one causal step: ``python -m mien.models.train.manner.live
--data FOLDER``. Three minutes.

The teacher samples training sentences by its eight deterministic steps, from noise that is kept.
The student sees the noise of the generated curves around a frame, and of the sound only what a live
face knows of it: level and voice activity so far.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.models import checkpoint
from mien.models.data.corpora.registry import default_cache
from mien.models.data.manner import MannerClip, prepared
from mien.models.data.schema import read_audio
from mien.models.face.blendshapes import FPS
from mien.models.face.curves import CURVES
from mien.models.manner.config import COLUMNS, LIPS
from mien.models.manner.live import CHANNELS, HEARD, HIDDEN, KIND, WEIGHTS, WINDOW, Hearing
from mien.models.manner.runtime_numpy import Manner
from mien.models.speech import stream
from mien.models.speech.features import RATE
from mien.models.speech.runtime_numpy import WEIGHTS as SPEECH
from mien.models.speech.runtime_numpy import load as load_speech
from mien.models.train.runs.half import halved
from mien.models.train.speech.provenance import commit

Floats = NDArray[np.float32]
STEPS: Final = 3000
_BATCH, _RATE = 512, 2e-3
_EDGE: Final = WINDOW // 2
BUMP_FRAMES: Final = 2.5
"""Standard deviation of the windows through which noise is seen: raw noise would make it jitter."""


def bumps() -> Floats:
    """Windows (n * CHANNELS, WINDOW * CHANNELS) over the noise, each of one channel."""
    t = np.arange(WINDOW)
    rows = np.exp(-0.5 * np.square((t - t[::3, None]) / BUMP_FRAMES))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.kron(rows, np.eye(CHANNELS)).astype(np.float32)


class Samples(NamedTuple):
    """Frames of the teacher: noise (N, WINDOW * 7), heard (N, HEARD), curves (N, 7)."""

    noise: Floats
    heard: Floats
    curves: Floats


def heard_of(samples: NDArray[np.float32]) -> Floats:
    """Values (T, HEARD) at 30 Hz of a sound (n,) at 16 kHz, as a live face has them."""
    count = len(samples) * FPS // RATE
    edges = np.arange(count + 1) * RATE // FPS
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    level = 10 * np.log10((power[edges[1:]] - power[edges[:-1]]) / np.diff(edges) + 1e-9)
    hearing, gate, out = Hearing(), 0.0, []
    top = -60.0
    for value in level:
        top = max(float(value), top - 0.025)
        gate += (float(value > top - 30.0) - gate) * 0.3
        out.append(hearing.push(float(value), gate).copy())
    return np.array(out[::2], np.float32)


def sampled(engine: Manner, clips: Sequence[MannerClip], folder: Path, seeds: int) -> Samples:
    """What the teacher makes of clips."""
    noise, heard, curves = [], [], []
    for k, clip in enumerate(clips):
        sound = read_audio(folder / "audio" / f"{clip.name}.flac").astype(np.float32) / 32768.0
        known = np.full((len(clip.curves), len(CURVES)), np.nan, np.float32)
        known[:, LIPS] = clip.curves[:, LIPS]
        values = heard_of(sound)
        for seed in range(seeds):
            number = 1000 * seed + k
            made = engine.sample(clip.sound, known, number)[:, COLUMNS]
            # The noise of the sampler, drawn as it draws it.
            padded = len(made) + (-len(made) % 4)
            drawn = np.random.default_rng([number, 77]).standard_normal((padded, len(CURVES)))
            own = drawn[: len(made), COLUMNS].astype(np.float32)
            rng = np.random.default_rng([number, 79])
            around = rng.standard_normal((2 * _EDGE + len(own), CHANNELS)).astype(np.float32)
            around[_EDGE : _EDGE + len(own)] = own
            for at in range(0, min(len(made), len(values)), 2):
                noise.append(around[at : at + WINDOW].ravel())
                heard.append(values[at])
                curves.append(made[at])
    return Samples(np.array(noise), np.array(heard), np.array(curves))


class Student(nn.Module):
    """Two hidden layers beside a linear path."""

    def __init__(self) -> None:
        super().__init__()
        size = len(bumps())
        self.first, self.second = nn.Linear(size + HEARD, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.third, self.skip = nn.Linear(HIDDEN, CHANNELS), nn.Linear(size, CHANNELS, bias=False)

    def forward(self, noise: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        """Noise through ``bumps`` (B, n), (B, HEARD) -> (B, 7)."""
        h = torch.relu(self.first(torch.cat([noise, heard], dim=1)))
        out: torch.Tensor = self.third(torch.relu(self.second(h))) + self.skip(noise)
        return out


def fit(found: Samples, seed: int = 0) -> tuple[dict[str, Floats], dict[str, list[float]]]:
    """Tensors of the student, and the share of the variance that it explains, by curve."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 80])
    mean, scale = found.heard.mean(axis=0), found.curves.std(axis=0)
    noise = torch.from_numpy(found.noise @ bumps().T)
    heard = torch.from_numpy(found.heard - mean)
    goal = torch.from_numpy(found.curves / scale)
    net = Student()
    optimiser = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=STEPS)
    free = int(0.9 * len(goal))  # whole clips: the last ones test
    for _ in range(STEPS):
        at = rng.integers(free, size=_BATCH)
        loss = (net(noise[at], heard[at]) - goal[at]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
    with torch.no_grad():
        made = net(noise, heard).numpy()
    rest = goal.numpy() - made
    explained = 1.0 - rest[free:].var(axis=0) / goal.numpy()[free:].var(axis=0)
    # What it cannot know of sound and noise it averages; the factor gives back the spread.
    spread = goal.numpy()[free:].std(axis=0) / np.maximum(made[free:].std(axis=0), 1e-6)
    w = {k: v.detach().numpy() for k, v in net.state_dict().items()}
    size = len(bumps())
    tensors = {
        "noise": w["first.weight"][:, :size] @ bumps(), "heard": w["first.weight"][:, size:],
        "heard_mean": mean, "first_bias": w["first.bias"], "second": w["second.weight"],
        "second_bias": w["second.bias"], "third": w["third.weight"], "third_bias": w["third.bias"],
        "skip": w["skip.weight"] @ bumps(), "spread": scale * spread,
    }  # fmt: skip
    shares = {"explained": explained.round(3).tolist(), "factor": spread.round(3).tolist()}
    return halved(tensors), shares


def main() -> None:
    """Sample the teacher, fit the student, and write its weights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=default_cache())
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.data / "grid_s1"

    speech = load_speech(SPEECH)
    clips = [c for c in prepared(given.data, lambda x: stream.speak(speech, x), SPEECH, given.cache)
             if c.given[list(COLUMNS)].all()]  # fmt: skip
    engine = Manner()
    found = sampled(engine, clips[: given.clips], folder, given.seeds)
    tensors, told = fit(found)
    gain = np.array([engine.spread[CURVES[c]] for c in COLUMNS], np.float32)
    tensors["spread"] = (tensors["spread"] * gain).astype(np.float32)
    checkpoint.save(given.out, tensors, {
        "kind": KIND, "version": 1, "commit": commit(), "clips": given.clips, "seeds": given.seeds,
        **told, "corpora": {"grid_s1": "CC BY 4.0, by way of manner.safetensors"},
    })  # fmt: skip
    print(told, given.out)


if __name__ == "__main__":
    main()
