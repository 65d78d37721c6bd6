import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.robot.errors import InputError
from mien.robot.expression.emotion.tags import Span, parse
from mien.robot.expression.emotion.timeline import STRENGTH


def test_tags_cut_a_text_into_feelings() -> None:
    spans = parse("Well. [happy 0.6] Good  morning! [/] And now [sad, surprise 0.3] the news.")
    assert spans == [
        Span("Well."),
        Span("Good morning!", {"happiness": 0.6}),
        Span("And now"),
        Span("the news.", {"sadness": STRENGTH, "surprise": 0.3}),
    ]


def test_a_text_without_tags_is_one_span() -> None:
    assert parse("Good morning.") == [Span("Good morning.")]


def test_brackets_can_be_meant() -> None:
    assert parse("as he wrote \\[sic].") == [Span("as he wrote [sic].")]


def test_every_bad_tag_is_listed() -> None:
    with pytest.raises(InputError) as found:
        parse("a [hungry 1] b [happy 2] c [happy x] d [] e [very happy 1] f [sad")
    for part in ("hungry", "'2'", "'x'", "'[]'", "very happy 1", "no closing bracket"):
        assert part in found.value.message


@pytest.mark.parametrize("text", ["", "   ", "[happy]", "... !", "[happy] ... [/]"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no words"):
        parse(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        spans = parse(text)
    except InputError:
        return
    assert all(any(c.isalnum() for c in s.text) for s in spans)
