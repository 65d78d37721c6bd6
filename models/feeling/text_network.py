"""The reader of text: a transformer encoder that reads a whole sentence, in numpy.

It began as the first layers of all-MiniLM-L6-v2 (Wang et al. 2020, NeurIPS, and
sentence-transformers; Apache-2.0) and was trained further on texts of this project. Vectors of word
pieces have 4 bits on disk, matrices 8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from mien.models.reading.arrays import check_shapes
from mien.models.reading.bounded import FileError
from mien.models.threads import one_thread

Floats = NDArray[np.float32]
HIDDEN, HEADS, LAYERS, MAX_PIECES = 384, 12, 4, 128
FEATURES: Final = HIDDEN * (LAYERS + 1)
"""Numbers that are read from a text: means over its pieces, of the input and of each layer."""
ANSWERS: Final = 9
"""What is said of a text: neutral, the seven feelings, and the intensity."""
GROUP: Final = 64
"""Numbers of a piece that share a scale."""
MARKS: Final = ("[CLS]", "[SEP]", "[UNK]")
"""First pieces: start, end, and what is unknown."""
MATRICES: Final = {
    "attention": (3 * HIDDEN, HIDDEN), "attended": (HIDDEN, HIDDEN),
    "wide": (4 * HIDDEN, HIDDEN), "narrow": (HIDDEN, 4 * HIDDEN),
}  # fmt: skip
"""Matrices of a layer."""
NORMS: Final = ("attended_norm", "narrow_norm")
_UNKNOWN: Final = MARKS.index("[UNK]")
_LONGEST: Final = 100
"""Letters of the longest word that is taken apart."""
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


def layout(prefix: str = "") -> dict[str, tuple[int | str, ...]]:
    """Shape of each tensor; texts are sizes that tensors share."""
    out: dict[str, tuple[int | str, ...]] = {
        "pieces": ("bytes",), "piece": ("pieces", HIDDEN // 2),
        "piece_scale": ("pieces", HIDDEN // GROUP), "position": (MAX_PIECES, HIDDEN),
        "norm": (2, HIDDEN), "head": (ANSWERS, FEATURES), "head_bias": (ANSWERS,),
    }  # fmt: skip
    for k in range(LAYERS):
        for name, shape in MATRICES.items():
            out[f"{k}.{name}"] = shape
            out[f"{k}.{name}_scale"] = out[f"{k}.{name}_bias"] = shape[:1]
        out |= {f"{k}.{name}": (2, HIDDEN) for name in NORMS}
    return {prefix + name: shape for name, shape in out.items()}


class TextNetwork:
    """Reads texts with the tensors of a weights file.

    Args:
        path: of the file, for messages.
        tensors: of the file.
        prefix: of the names of the tensors of this network.

    Raises:
        FileError: a tensor is missing or does not fit.
    """

    def __init__(self, path: Path, tensors: Mapping[str, NDArray[Any]], prefix: str = "") -> None:
        check_shapes(path, tensors, layout(prefix))
        w = {name: tensors[prefix + name] for name in layout()}
        names = np.asarray(w.pop("pieces"), np.uint8).tobytes().decode("utf-8", "replace")
        self._ids = {name: k for k, name in enumerate(names.split("\n"))}
        self._piece, self._piece_scale = w.pop("piece"), w.pop("piece_scale")
        if not len(self._ids) == len(self._piece) >= len(MARKS) or self._piece.dtype != np.uint8:
            raise FileError(path, f"its {len(self._piece)} pieces are not those that it names")
        for k in range(LAYERS):
            for name in MATRICES:
                scale = np.asarray(w[f"{k}.{name}_scale"], np.float32)
                w[f"{k}.{name}"] = w[f"{k}.{name}"].astype(np.float32) * scale[:, None]
        self._w: dict[str, Floats] = {k: np.asarray(v, np.float32) for k, v in w.items()}

    @one_thread
    def answers(self, text: str) -> Floats:
        """Logits of the kinds, and the intensity, (ANSWERS,)."""
        w, ids = self._w, cut(text, self._ids)
        x = unpacked(self._piece[ids], self._piece_scale[ids]) + w["position"][: len(ids)]
        x = _norm(x, w["norm"])
        means = [x.mean(axis=0)]
        for k in range(LAYERS):
            q, keys, v = (
                self._linear(x, f"{k}.attention")
                .reshape(len(x), 3, HEADS, -1)
                .transpose(1, 2, 0, 3)
            )
            score = q @ keys.swapaxes(1, 2) / np.float32(np.sqrt(HIDDEN // HEADS))
            share = np.exp(score - score.max(axis=-1, keepdims=True))
            share /= share.sum(axis=-1, keepdims=True)
            seen = (share @ v).swapaxes(0, 1).reshape(len(x), HIDDEN)
            x = _norm(x + self._linear(seen, f"{k}.attended"), w[f"{k}.attended_norm"])
            h = self._linear(x, f"{k}.wide")
            h = 0.5 * h * (1.0 + erf(h / np.float32(np.sqrt(2.0))))
            x = _norm(x + self._linear(h, f"{k}.narrow"), w[f"{k}.narrow_norm"])
            means.append(x.mean(axis=0))
        return np.asarray(w["head"] @ np.concatenate(means) + w["head_bias"], np.float32)

    def _linear(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self._w[name].T + self._w[f"{name}_bias"], np.float32)


def cut(text: str, ids: Mapping[str, int]) -> list[int]:
    """Word pieces of a text, at most ``MAX_PIECES``, between their two marks."""
    plain = unicodedata.normalize("NFD", text.lower())
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    out: list[int] = []
    for word in _TOKEN.findall(plain):
        out += split(word, ids)
    return [0, *out[: MAX_PIECES - 2], 1]


def split(word: str, ids: Mapping[str, int]) -> list[int]:
    """The longest known pieces of a word, from its start; the unknown mark if one is missing."""
    out: list[int] = []
    at = 0 if len(word) <= _LONGEST else len(word)
    while at < len(word):
        for end in range(len(word), at, -1):
            piece = ("##" if at else "") + word[at:end]
            if piece in ids:
                out.append(ids[piece])
                at = end
                break
        else:
            return [_UNKNOWN]
    return out or [_UNKNOWN]


def unpacked(packed: NDArray[np.uint8], scale: NDArray[np.floating]) -> Floats:
    """Vectors (N, 384) of pieces from two numbers a byte (N, 192), and their scales (N, 6)."""
    both = np.stack([packed & 15, packed >> 4], axis=2).reshape(len(packed), -1, GROUP)
    out = (both.astype(np.float32) - 8.0) * np.asarray(scale, np.float32)[:, :, None]
    return np.asarray(out.reshape(len(packed), HIDDEN), np.float32)


def _norm(x: Floats, of: Floats) -> Floats:
    x = x - x.mean(axis=-1, keepdims=True)
    x = x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-12)
    return np.asarray(x * of[0] + of[1], np.float32)
