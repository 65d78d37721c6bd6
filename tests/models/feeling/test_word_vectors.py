"""The small reader: a weighted mean of the vectors of known words and their stems."""

import numpy as np

from mien.models.feeling.word_vectors import NUMBERS, WordVectors
from mien.models.feeling.words import last_clause, words_of

TABLE = np.arange(4 * 2 * NUMBERS, dtype=np.float32).reshape(4, 2 * NUMBERS)
VECTORS = WordVectors(
    ["laugh", "smile", "cry", "not"], TABLE, np.array([1.0, 1.0, 1.0, 0.0], np.float32)
)


def test_forms_of_a_word_are_its_stem() -> None:
    for word, stem in (("laughed", "laugh"), ("smiling", "smile"), ("smiles", "smile")):
        assert VECTORS.find(word) == VECTORS.row[stem]
    assert VECTORS.find("zebra") is None


def test_unknown_words_have_no_part() -> None:
    assert np.array_equal(
        VECTORS.features(words_of("zebra laugh")), VECTORS.features(words_of("laugh"))
    )
    assert not VECTORS.features(words_of("zebra")).any()


def test_negated_words_have_evidence_of_their_own() -> None:
    plain, negated = (VECTORS.features(words_of(t)) for t in ("laugh", "not laugh"))
    assert plain.shape == (NUMBERS,)
    assert np.allclose(plain * np.sqrt(1.5), TABLE[0, :NUMBERS])
    assert np.allclose(negated * np.sqrt(1.5), TABLE[0, NUMBERS:])


def test_what_somebody_does_at_the_end_is_the_last_clause() -> None:
    assert last_clause("she lost her keys and laughs about it") == "laughs about it"
    assert last_clause("he fell. he gets up, but he weeps") == "he weeps"
    assert last_clause("she laughs") is None
