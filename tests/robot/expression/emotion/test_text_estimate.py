import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.models.face.emotion import EMOTIONS
from mien.robot.errors import MienError
from mien.robot.expression.emotion import text_estimate as text_mood
from mien.robot.expression.emotion.text_estimate import PLAIN, STRONGEST, UNNAMED, WORDS, estimate

pytest.importorskip("vaderSentiment", reason="pip install vaderSentiment")

NAMED = {
    "I am so happy to see you!": "happiness",
    "I'm thrilled!": "happiness",
    "She wept for days.": "sadness",
    "He was furious with the whole committee.": "anger",
    "The spider scared me.": "fear",
    "We are worried about the storm.": "fear",
    "This soup is disgusting.": "disgust",
    "Wow, that is amazing!": "surprise",
    "You did what?!": "surprise",
    "They are pathetic losers.": "contempt",
}
COARSE = {
    "What a wonderful day.": "happiness",
    "Thank you very much, that is very kind.": "happiness",
    "My dog died last night.": "sadness",
    "I am not happy about this.": "sadness",
}
NOTHING = (
    "Put the blue book on the table.",
    "The meeting starts at nine.",
    "I'm not afraid of you.",
    "It is not that I'm angry.",
    "There is no fear here.",
    "Nobody was surprised.",
    "Ich bin sehr traurig.",
)
MISSED = {
    "Oh great, the car broke down again.": "happiness",  # irony
    "You stole my money, you liar.": "sadness",  # anger that is not named
}
"""What it gets wrong, so that nobody claims otherwise: the answer that it gives."""


@pytest.mark.parametrize(("text", "name"), NAMED.items())
def test_a_named_feeling_is_found(text: str, name: str) -> None:
    (guess,) = estimate(text)
    assert set(guess.emotions) == {name}
    assert 0.25 <= guess.emotions[name] <= STRONGEST
    assert guess.words


@pytest.mark.parametrize(("text", "name"), (COARSE | MISSED).items())
def test_without_a_name_there_is_only_a_slight_pleasant_or_unpleasant(text: str, name: str) -> None:
    (guess,) = estimate(text)
    assert set(guess.emotions) == {name}
    assert 0.0 < guess.emotions[name] <= UNNAMED
    assert guess.words == ()


@pytest.mark.parametrize("text", NOTHING)
def test_plain_negated_and_foreign_sentences_feel_nothing(text: str) -> None:
    (guess,) = estimate(text)
    assert guess.emotions == {}


def test_what_comes_after_but_decides() -> None:
    (guess,) = estimate("I was afraid, but now everything is wonderful.")
    assert set(guess.emotions) == {"happiness"}


def test_two_feelings_share_the_strength() -> None:
    (guess,) = estimate("I hate you and I am scared of you.")
    assert guess.emotions["anger"] == guess.emotions["fear"]
    assert sum(guess.emotions.values()) <= STRONGEST


def test_every_sentence_is_guessed_on_its_own_and_none_is_lost() -> None:
    text = 'Mr. Smith is here. "I am furious!" he said. It costs 3.5 pounds... Good.'
    guesses = estimate(text)
    assert " ".join(g.text for g in guesses) == text
    assert [g.text for g in guesses][:2] == ["Mr. Smith is here.", '"I am furious!"']
    assert [list(g.emotions) for g in guesses[:2]] == [[], ["anger"]]


def test_a_guess_says_why() -> None:
    (guess,) = estimate("This soup is disgusting.")
    assert "disgust 0." in str(guess)
    assert "says disgusting" in str(guess)
    assert "neutral (names no emotion" in str(estimate("It is nine.")[0])


def test_words_belong_to_one_emotion_each() -> None:
    assert set(WORDS) == set(EMOTIONS[1:])
    assert sum(len(w) for w in WORDS.values()) == len(frozenset().union(*WORDS.values()))


@given(st.text(max_size=80))
def test_any_text_gets_a_weak_guess(text: str) -> None:
    for guess in estimate(text):
        assert 0.0 <= sum(guess.emotions.values()) <= STRONGEST + 0.01
        assert set(guess.emotions) <= set(EMOTIONS[1:])
        assert guess.words or not guess.emotions or abs(guess.valence) > PLAIN


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text_mood.analyser.cache_clear()
    monkeypatch.setitem(sys.modules, "vaderSentiment.vaderSentiment", None)
    with pytest.raises(MienError) as found:
        estimate("Good morning.")
    assert "pip install vaderSentiment" in found.value.hint
    text_mood.analyser.cache_clear()
