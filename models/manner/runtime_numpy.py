"""The manner network in numpy, and its sampler: sound, lips and a seed -> curves."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.models.manner.config import COLUMNS, DIVISOR, GENERATED, STEPS, STYLE
from mien.models.manner.weights import WEIGHTS, read
from mien.models.threads import one_thread

Curves = NDArray[np.float32]
GUIDANCE = 1.0
"""1 follows the sound as it was learned; more exaggerates what the sound changes."""

TEMPERATURES = (0.5, 0.5, 1.0, 1.0, 0.8, 0.45, 0.5)
"""Factors of the noise that each curve of ``GENERATED`` starts from. With less, takes follow the
sound more and differ less; ``Manner.spread`` gives back the size of the motion. What the sound
tells most of (pitch) has least; lids keep all of it, because blinks that are drawn toward their
mean are none. Chosen on sentences that nothing was trained on and no measurement reports, but for
the lids, whose full noise the bench asked for."""
MAX_SPREAD = 2.0
"""Largest factor of ``Manner.spread``."""


class Manner:
    """The network of a weights file.

    Args:
        path: of the weights.

    Raises:
        ModelError: no such file, or no weights of a manner network.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._w, self.meta, self.config = read(path)
        self._matrix = {
            k: np.ascontiguousarray(v.transpose(2, 1, 0).reshape(-1, v.shape[0]))
            for k, v in self._w.items()
            if v.ndim == 3
        }

    @property
    def spread(self) -> dict[str, float]:
        """Factors by curve that give samples the spread of the clips that were trained on.

        A sampler of few steps returns too little of it. 1 where the file tells none.
        """
        told = self.meta.get("spread")
        told = told if isinstance(told, dict) else {}
        return {n: _factor(told.get(n)) for n in GENERATED}

    @one_thread
    def sample(
        self,
        sound: Curves,
        known: Curves,
        seed: int,
        style: NDArray[np.floating] | None = None,
        guidance: float = GUIDANCE,
        steps: int = STEPS,
    ) -> Curves:
        """Curves (T, 55) for a sound.

        Args:
            sound: (T, 13), see ``features``.
            known: (T, 55) values of the curves that are known; NaN elsewhere.
            seed: of the noise. Noise is drawn frame after frame, so that a longer clip begins with
                the noise of a shorter one.
            style: (64,); None for no style.
            guidance: weight of the sound.
            steps: of the sampler (DDIM, Song et al. 2021).
        """
        w, frames = self._w, len(sound)
        pad = -frames % DIVISOR
        value = np.pad((known - w["mean"]) / w["scale"], ((0, pad), (0, 0)), mode="edge")
        flags = np.isfinite(value)
        value = np.where(flags, value, 0.0).astype(np.float32)
        heard = np.pad(
            (sound - w["sound_mean"]) / w["sound_scale"], ((0, pad), (0, 0)), mode="edge"
        )
        given = np.zeros(STYLE, np.float32) if style is None else np.asarray(style, np.float32)
        x = np.random.default_rng([seed, 77]).standard_normal(value.shape).astype(np.float32)
        x[:, COLUMNS] *= np.array(TEMPERATURES, np.float32)
        silent = np.zeros_like(heard)
        none = np.zeros(STYLE, np.float32)
        times = np.linspace(1.0, 0.0, steps + 1)
        clean = x
        for now, after in pairwise(times):
            x = np.where(flags, value, x)
            clean = self.clean(x, flags, heard, float(now), given)
            if guidance != 1.0:
                free = self.clean(x, flags, silent, float(now), none)
                clean = free + guidance * (clean - free)
            a, s = _noise(float(now))
            b, r = _noise(float(after))
            x = np.asarray(b * clean + r * (x - a * clean) / s, np.float32)
        out = np.where(flags, value, clean)[:frames] * w["scale"] + w["mean"]
        return np.where(np.isfinite(known), known, out).astype(np.float32)

    def clean(
        self, x: Curves, flags: NDArray[np.bool_], sound: Curves, level: float, style: Curves
    ) -> Curves:
        """Standardised curves (T, 55) without their noise; ``MannerNet.forward`` in numpy.

        Args:
            x, flags: curves, and which of them are known (T, 55).
            sound: (T, 13) standardised.
            level: of the noise. style: (64,).
        """
        w = self._w
        told = _silu(
            _levels(level) @ w["level.weight"].T + w["level.bias"]
            + style @ w["style.weight"].T + w["style.bias"]
        )  # fmt: skip
        told = _silu(told @ w["told.weight"].T + w["told.bias"])
        h = np.concatenate([x, flags.astype(np.float32), sound], axis=1, dtype=np.float32)
        h = self._conv("stem", h, 1)
        fine = self._block("down_a", h, told)
        mid = self._block("down_b", _half(fine), told)
        deep = self._block("middle_1", _half(mid), told, 2)
        deep = self._block("middle_2", deep, told, 4)
        h = self._block("up_b", np.concatenate([deep.repeat(2, 0), mid], axis=1), told)
        h = self._block("up_a", np.concatenate([h.repeat(2, 0), fine], axis=1), told)
        return np.asarray(_silu(h) @ self._matrix["head.weight"] + w["head.bias"], np.float32)

    def _block(self, name: str, x: Curves, told: Curves, dilation: int = 1) -> Curves:
        w = self._w
        normed = x - x.mean(axis=1, keepdims=True)
        normed /= np.sqrt(np.square(normed).mean(axis=1, keepdims=True) + 1e-5)
        normed = normed * w[f"{name}.norm.weight"] + w[f"{name}.norm.bias"]
        h = self._conv(f"{name}.first", _silu(normed), dilation)
        scale, shift = np.split(told @ w[f"{name}.film.weight"].T + w[f"{name}.film.bias"], 2)
        h = self._conv(f"{name}.second", _silu(h * (1.0 + scale) + shift), dilation)
        skip = f"{name}.skip.weight"
        kept = x @ self._matrix[skip] + w[f"{name}.skip.bias"] if skip in self._matrix else x
        return np.asarray(kept + h, np.float32)

    def _conv(self, name: str, x: Curves, dilation: int) -> Curves:
        edged = np.pad(x, ((dilation, dilation), (0, 0)), mode="edge")
        parts = [edged[k * dilation : k * dilation + len(x)] for k in range(3)]
        stacked = np.concatenate(parts, axis=1)
        return np.asarray(stacked @ self._matrix[f"{name}.weight"] + self._w[f"{name}.bias"])


def _factor(value: object) -> float:
    fits = isinstance(value, int | float) and 0.0 < value <= MAX_SPREAD
    return float(value) if fits and isinstance(value, int | float) else 1.0


def _noise(level: float) -> tuple[float, float]:
    """Share of curves and of noise at a level: a cosine schedule (Nichol and Dhariwal 2021)."""
    return math.cos(0.5 * math.pi * level), max(math.sin(0.5 * math.pi * level), 1e-4)


def _levels(level: float) -> Curves:
    hz = np.exp(np.arange(32) * (math.log(200.0) / 31))
    return np.concatenate([np.sin(level * hz), np.cos(level * hz)]).astype(np.float32)


def _silu(x: Curves) -> Curves:
    return np.asarray(x / (1.0 + np.exp(-x)), np.float32)


def _half(x: Curves) -> Curves:
    return np.asarray(0.5 * (x[0::2] + x[1::2]), np.float32)
