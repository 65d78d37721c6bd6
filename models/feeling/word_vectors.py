"""The small reader of text: the evidence of words for each feeling. It knows no order.

Each word has nine numbers: evidence for neutral and the seven feelings, and for the intensity; and
nine others where a negation turns it. Those of words that were never seen in training follow from
their likeness to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.feeling.words import Words

Floats = NDArray[np.float32]
NUMBERS: Final = 9
"""Evidence of a word: eight kinds, and the intensity."""
_LEAST: Final = 0.5
_ENDINGS: Final = ("'s", "s", "es", "ed", "d", "ing", "ly", "er", "est")


class WordVectors:
    """Evidence by word.

    Args:
        words: known words.
        table: (V, 2 * NUMBERS) evidence, plain and negated.
        weight: (V,) how much each counts; words that are everywhere count little.
    """

    def __init__(self, words: Sequence[str], table: Floats, weight: Floats) -> None:
        self.row = {word: k for k, word in enumerate(words)}
        self.table, self.weight = table, weight

    def find(self, word: str) -> int | None:
        """Row of a word, or of its stem; None if neither is known."""
        if word in self.row:
            return self.row[word]
        for ending in _ENDINGS:
            stem = word.removesuffix(ending)
            for form in (stem, stem + "e", stem[:-1] if stem[-1:] == stem[-2:-1] else stem):
                if stem != word and form in self.row:
                    return self.row[form]
        return None

    def rows(self, words: Words) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Rows of the words that are known, and whether each is negated."""
        found = [(self.find(w), n) for w, n in zip(words.words, words.negated, strict=True)]
        known = [(row, n) for row, n in found if row is not None]
        return np.array([r for r, _ in known], np.int64), np.array([n for _, n in known], np.bool_)

    def features(self, words: Words) -> Floats:
        """Evidence (NUMBERS,) of a text; zeros for one without a known word."""
        rows, negated = self.rows(words)
        weight, out = self.weight[rows], np.zeros(NUMBERS, np.float32)
        for of, columns in ((~negated, slice(0, NUMBERS)), (negated, slice(NUMBERS, None))):
            w = weight[of]
            out += w @ self.table[rows[of], columns] / np.sqrt(w.sum() + _LEAST)
        return out
