"""The reader of text: word pieces, vectors of 4 bits, and weights that do not fit."""

from pathlib import Path

import numpy as np
import pytest

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.feeling.space import KIND, TEXT, WEIGHTS, Space
from mien.models.feeling.text_network import MAX_PIECES, TextNetwork, cut, split, unpacked

IDS = {
    name: k for k, name in enumerate(["[CLS]", "[SEP]", "[UNK]", "laugh", "##s", "out", "##ing"])
}


@pytest.mark.parametrize(
    ("word", "ids"),
    [
        ("laughs", [3, 4]),
        ("laughing", [3, 6]),
        ("zebra", [2]),
        ("laughx", [2]),
        ("laugh" * 21, [2]),
    ],
)
def test_a_word_is_cut_into_its_longest_known_pieces(word: str, ids: list[int]) -> None:
    assert split(word, IDS) == ids


def test_a_text_stands_between_its_marks_and_has_an_end() -> None:
    assert cut("Laughs OUT", IDS) == [0, 3, 4, 5, 1]
    assert cut("", IDS) == [0, 1]
    assert len(cut("out " * 500, IDS)) == MAX_PIECES


def test_order_is_read() -> None:
    network = TextNetwork(WEIGHTS, checkpoint.load(WEIGHTS, KIND)[0], TEXT)
    one, other = (network.answers(t) for t in ("the dog bites the man", "the man bites the dog"))
    assert np.abs(one - other).max() > 0.05


def test_two_numbers_are_in_a_byte() -> None:
    packed = np.full((1, 192), 0x9F, np.uint8)
    scale = np.arange(6, dtype=np.float16)[None]
    found = unpacked(packed, scale).reshape(6, 64)
    assert found[3].tolist() == [21.0, 3.0] * 32


@pytest.mark.parametrize(
    "change",
    [
        {"pieces": np.frombuffer(b"a\nb", np.uint8)},
        {"piece": np.zeros((12060, 192), np.float32)},
        {"position": np.zeros((3, 384), np.float32)},
        {"0.wide": None},
    ],
)
def test_weights_that_do_not_fit_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray | None]
) -> None:
    tensors, meta = checkpoint.load(WEIGHTS, KIND)
    for name, value in change.items():
        if value is None:
            del tensors[TEXT + name]
        else:
            tensors[TEXT + name] = value
    path = tmp_path / "feeling.safetensors"
    checkpoint.save(path, tensors, meta)
    with pytest.raises(ModelError):
        Space(path)
