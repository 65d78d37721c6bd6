"""Words of a description: what is negated, and how strong."""

import pytest

from mien.models.feeling.words import DEGREES, words_of


def test_degree_words_become_a_factor_and_leave_the_text() -> None:
    plain, much = words_of("She is happy."), words_of("She is very happy.")
    assert much.text == plain.text == "she is happy."
    assert plain.degree == 1.0 < much.degree == DEGREES["very"]


@pytest.mark.parametrize(
    ("weak", "strong"), [("slightly", "very"), ("a bit", "rather"), ("very", "extremely")]
)
def test_a_stronger_word_has_a_larger_factor(weak: str, strong: str) -> None:
    assert words_of(f"he is {weak} sad").degree < words_of(f"he is {strong} sad").degree


def test_a_negation_turns_the_words_of_its_clause() -> None:
    found = words_of("I am not afraid of it, I laugh")
    turned = [w for w, n in zip(found.words, found.negated, strict=True) if n]
    assert turned == ["afraid", "of", "it"]


def test_a_text_without_words_has_none() -> None:
    assert not words_of(" ?! 12 ").words
