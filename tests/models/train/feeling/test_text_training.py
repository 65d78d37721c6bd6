"""The reader of text in torch and numpy is the same network, and it learns."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from mien.models.feeling.text_network import (
    HIDDEN,
    LAYERS,
    MARKS,
    MATRICES,
    MAX_PIECES,
    NORMS,
    TextNetwork,
    cut,
    unpacked,
)
from mien.models.train.feeling.teacher import Teacher, four_bits
from mien.models.train.feeling.text_training import Reader, Texts, answers, tensors, train

WORDS = [*MARKS, "glad", "sad", "the", "man", "is", "dog"]


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    rng = np.random.default_rng(0)
    one = np.stack([np.ones(HIDDEN), np.zeros(HIDDEN)]).astype("f4")
    own = {"position": rng.normal(0.0, 0.1, (MAX_PIECES, HIDDEN)).astype("f4"), "norm": one}
    for k in range(LAYERS):
        for name, shape in MATRICES.items():
            own[f"{k}.{name}"] = rng.normal(0.0, 0.04, shape).astype("f4")
            own[f"{k}.{name}_bias"] = rng.normal(0.0, 0.04, shape[:1]).astype("f4")
        own |= {f"{k}.{name}": one for name in NORMS}
    return Teacher(WORDS, *four_bits(rng.normal(0.0, 0.5, (len(WORDS), HIDDEN)).astype("f4")), own)


def _texts(teacher: Teacher) -> Texts:
    said = ["the man is glad", "glad dog", "the man is sad", "sad dog is sad"]
    share = np.zeros((4, 8), np.float32)
    share[:2, 1] = share[2:, 2] = 1.0
    return Texts(
        [cut(t, teacher.ids) for t in said], share, np.full(4, 0.5, "f4"), np.ones(4, "f4")
    )


def test_vectors_of_four_bits_are_near_the_true_ones() -> None:
    true = np.random.default_rng(1).normal(0.0, 0.7, (50, HIDDEN)).astype(np.float32)
    found = unpacked(*four_bits(true))
    assert np.square(found - true).sum() < 0.02 * np.square(true).sum()


def test_what_was_learned_is_what_numpy_reads(teacher: Teacher) -> None:
    texts = _texts(teacher)
    reader = train(teacher, texts, 30)
    learned = answers(reader, texts.pieces)
    assert learned[:, :-1].argmax(axis=1).tolist() == [1, 1, 2, 2]
    network = TextNetwork(Path("none"), tensors(reader, teacher))
    for text, answer in zip(("glad dog", "sad dog is sad"), learned[[1, 3]], strict=True):
        assert network.answers(text) == pytest.approx(answer, abs=0.05)


def test_a_reader_begins_without_an_opinion(teacher: Teacher) -> None:
    found = answers(Reader(teacher), _texts(teacher).pieces)
    assert np.all(found[:, :-1] == 0.0)
