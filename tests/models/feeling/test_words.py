"""Words of a description: what is negated, and how strong."""

import pytest

from mien.models.feeling.words import DEGREES, last_clause, words_of


def test_degree_words_become_a_factor_and_leave_the_text() -> None:
    plain, much = words_of("She is happy."), words_of("She is very happy.")
    assert much.text == plain.text == "she is happy."
    assert plain.degree == 1.0 < much.degree == DEGREES["very"]


@pytest.mark.parametrize(
    ("weak", "strong"), [("slightly", "very"), ("a bit", "rather"), ("very", "extremely")]
)
def test_a_stronger_word_has_a_larger_factor(weak: str, strong: str) -> None:
    assert words_of(f"he is {weak} sad").degree < words_of(f"he is {strong} sad").degree


def test_what_somebody_does_at_the_end_is_the_last_clause() -> None:
    assert last_clause("she lost her keys and laughs about it") == "laughs about it"
    assert last_clause("he fell. he gets up, but he weeps") == "he weeps"
    assert last_clause("she laughs") is None


def test_a_text_without_words_has_none() -> None:
    assert not words_of(" ?! 12 ").words
