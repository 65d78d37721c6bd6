"""The speech network in numpy alone, for a computer without torch.

It reads the same weights file as ``mien.models.speech.network``. Its output agrees with torch to
1e-4. The live path uses it; training needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.speech import loudness, tongue, weights
from mien.models.threads import one_thread

Array = NDArray[np.float32]
WEIGHTS: Final = checkpoint.WEIGHTS / "speech.safetensors"
_BETA: Final = np.float32(25.0)  # of the softplus, as in mien.models.speech.network
_EPSILON: Final = np.float32(1e-5)  # of torch's LayerNorm


@dataclass(frozen=True)
class _Block:
    scale: Array
    shift: Array
    taps: tuple[Array, ...]
    """kernel x (width, width), oldest first."""
    bias: Array
    mix: Array
    mix_bias: Array
    dilation: int


class LightSpeech:
    """Frames of features -> shapes. One instance holds the state of one voice.

    Args:
        tensors: of a weights file.
        config: its ``config`` metadata.

    Raises:
        ModelError: a tensor is missing.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]], config: Mapping[str, Any]) -> None:
        try:
            self._mean, self._gain = tensors["mean"], tensors["scale"]
            self._stem = tensors["stem.weight"][:, :, 0].T.copy(), tensors["stem.bias"]
            self._norm = tensors["norm.weight"], tensors["norm.bias"]
            self._head = tensors["head.weight"].T.copy(), tensors["head.bias"]
            self._specific = tensors["own.weight"].T.copy(), tensors["own.bias"]
            self._posterior = tensors["known.weight"][0], tensors["known.bias"]
            self._phone_head = tensors["phone_head.weight"].T.copy(), tensors["phone_head.bias"]
            self._blocks = [
                _Block(
                    tensors[f"blocks.{i}.norm.weight"],
                    tensors[f"blocks.{i}.norm.bias"],
                    tuple(
                        tensors[f"blocks.{i}.conv.weight"][:, :, k].T.copy()
                        for k in range(config["kernel"])
                    ),
                    tensors[f"blocks.{i}.conv.bias"],
                    tensors[f"blocks.{i}.mix.weight"][:, :, 0].T.copy(),
                    tensors[f"blocks.{i}.mix.bias"],
                    dilation,
                )
                for i, dilation in enumerate(config["dilations"])
            ]
        except KeyError as e:
            raise ModelError(f"the weights lack {e}") from e
        names = list(config["outputs"])
        self._targets = np.asarray([INDEX[n] for n in names])
        self._jaw, self._close = names.index("jawOpen"), names.index("mouthClose")
        self.lookahead_frames = int(config["lookahead_frames"])
        self._share = float(config["loudness"])
        self._taps = loudness.taps(self.lookahead_frames)
        self._width, self._kernel = int(config["width"]), int(config["kernel"])
        self.reset()

    def reset(self) -> None:
        """Return to the state before the first frame."""
        self._caches = [
            np.zeros(((self._kernel - 1) * b.dilation, self._width), np.float32)
            for b in self._blocks
        ]
        self._power = np.zeros(len(self._taps) - 1, np.float32)
        self._requested = np.zeros(1, np.float32)

    def __call__(self, x: Array) -> Array:
        """(T, 2 * features) -> (T, 52). Step i describes frame ``i - lookahead_frames``."""
        return self.both(x)[0]

    @one_thread
    def both(self, x: Array) -> tuple[Array, Array]:
        """(T, 2 * features) -> shapes (T, 52) and logits (T, phones) of the same frames."""
        hidden = self._hidden(x)
        generic, specific = _positive(hidden, *self._head), _positive(hidden, *self._specific)
        if self._share:
            generic[:, self._jaw] = self._opened(generic[:, self._jaw], x)
        out = np.zeros((len(x), len(ARKIT)), np.float32)
        for shapes in (generic, specific):
            shapes[:, self._jaw] += shapes[:, self._close]
            np.minimum(shapes, 1.0, out=shapes)
        logit = hidden @ self._posterior[0] + self._posterior[1]
        posterior = 1 / (1 + np.exp(-np.clip(logit, -80, 80)))[:, None]
        out[:, self._targets] = generic + posterior * (specific - generic)
        logits = self._logits(hidden)
        out[:, INDEX["tongueOut"]] = tongue.tip(logits)
        return out, logits

    def _opened(self, requested: Array, x: Array) -> Array:
        """Requested opening (T,) -> opening (T,) with loudness. Advances the stream."""
        power = np.concatenate([self._power, loudness.power(x)])
        both = np.concatenate([self._requested, requested])
        self._power, self._requested = power[len(x) :], both[-1:]
        # numpy's convolution reverses the taps
        loud = loudness.loudness(np.convolve(power, self._taps[::-1], mode="valid"))
        return loudness.opened((both[:-1] + both[1:]) / 2, loud, self._share)

    @one_thread
    def phones(self, x: Array) -> Array:
        """(T, 2 * features) -> logits (T, phones) of ``mien.models.speech.phones.PHONES``."""
        return self._logits(self._hidden(x))

    def _logits(self, hidden: Array) -> Array:
        return np.asarray(hidden @ self._phone_head[0] + self._phone_head[1], np.float32)

    def _hidden(self, x: Array) -> Array:
        """(T, 2 * features) -> (T, width), the input of all heads. Advances the stream."""
        steps = len(x)
        start = ((x - self._mean) * self._gain) @ self._stem[0] + self._stem[1]
        y = np.asarray(start, np.float32)
        for i, block in enumerate(self._blocks):
            z: Array = np.concatenate([self._caches[i], _normal(y, block.scale, block.shift)])
            self._caches[i] = z[steps:]
            total = np.asarray(np.broadcast_to(block.bias, (steps, self._width)), np.float32)
            for k, tap in enumerate(block.taps):
                at = k * block.dilation
                total = total + z[at : at + steps] @ tap
            # silu; the clip keeps exp from overflowing where its result is 0 anyway
            active = total / (1 + np.exp(np.minimum(-total, 80)))
            y = np.asarray(y + active @ block.mix + block.mix_bias, np.float32)
        return _normal(y, *self._norm)


def _positive(hidden: Array, weight: Array, bias: Array) -> Array:
    """A head's outputs, kept above 0 by a softplus."""
    raw = _BETA * (hidden @ weight + bias)
    return np.asarray(np.logaddexp(np.float32(0), raw) / _BETA, np.float32)


def _normal(x: Array, scale: Array, shift: Array) -> Array:
    """LayerNorm over the last axis."""
    x = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + _EPSILON)
    return np.asarray(x / spread * scale + shift, np.float32)


def load(path: Path = WEIGHTS) -> LightSpeech:
    """Read the weights of ``mien.models.speech.network``.

    Raises:
        ModelError: missing, or not a speech network's.
    """
    tensors, _, config = weights.read(path)
    return LightSpeech(tensors, asdict(config))
