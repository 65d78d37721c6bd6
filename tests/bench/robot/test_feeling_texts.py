"""No text that tests the space of feeling was learned from, nor one that is nearly the same."""

import re
from typing import Final

import pytest

from mien.models.train.feeling import corpus
from tests.bench.robot.manner_feeling import texts

ALIKE: Final = 0.4
"""Share of common words beyond which two texts count as the same one."""
_EVERYWHERE: Final = (
    "a an the and of to in on is he she his her it that they for with at has was i you my as by"
    " not who had are him from them their but no one say play like if"
)


def _words(text: str) -> frozenset[str]:
    own, common = (frozenset(re.findall(r"[a-z']+", t)) for t in (text.lower(), _EVERYWHERE))
    return own - common


@pytest.mark.parametrize("name", ["scenes.txt", "named.txt", "outside.txt"])
def test_no_text_of_the_test_was_learned(name: str) -> None:
    chosen_by = [t for held in corpus.HELD for t in corpus.read(corpus.HERE / held)]
    learned = [_words(t.text) for t in (*corpus.scenes(), *corpus.directions(0), *chosen_by)]
    for text, _ in texts(name):
        own = _words(text)
        most = max(len(own & other) / max(len(own | other), 1) for other in learned)
        assert most < ALIKE, f"{text!r} is nearly a text of the training"
