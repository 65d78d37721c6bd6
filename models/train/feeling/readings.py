"""What the two readers of text make of the corpus, and the vectors of words; kept in a file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.feeling.sentence_embedding import SentenceReader
from mien.models.feeling.words import words_of
from mien.models.files import whole

Floats = NDArray[np.float32]
VOCABULARY: Final = 10_500
"""Words of the small reader, the most frequent ones of English first."""
WORD_LAYERS: Final = (0, 3)
_EVERYWHERE: Final = 8.0
"""Scenes with a word at which it counts half."""


def vocabulary(folder: Path, texts: Sequence[str]) -> list[str]:
    """Words of a vocabulary file in its order, which is that of their frequency, and of texts."""
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    common = [w for w in lines if w.isascii() and w.isalpha() and w.islower() and len(w) > 1]
    own = sorted({w for t in texts for w in words_of(t).words})
    return list(dict.fromkeys(["a", "i", *common[:VOCABULARY], *own]))


def weights(words: Sequence[str], scenes: Sequence[str]) -> Floats:
    """How much each word counts: less the more scenes have it."""
    count = Counter(w for t in scenes for w in set(words_of(t).words))
    return np.array([1.0 / (1.0 + count[w] / _EVERYWHERE) for w in words], np.float32)


def vectors(reader: SentenceReader, texts: Sequence[str], layers: tuple[int, ...],
            cache: Path) -> Floats:  # fmt: skip
    """Features of texts by the sentence network, kept in ``cache``."""
    key = hashlib.sha256("\n".join([str(layers), *texts]).encode()).hexdigest()[:16]
    path = cache / f"feeling-{key}.npy"
    if path.is_file():
        return np.asarray(np.load(path), np.float32)
    out = np.stack([reader.features(t, layers) for t in texts]).astype(np.float16)
    cache.mkdir(parents=True, exist_ok=True)
    with whole(path) as part, part.open("wb") as file:
        np.save(file, out)
    return out.astype(np.float32)
