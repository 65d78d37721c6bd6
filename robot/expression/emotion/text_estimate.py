"""Emotion estimate of a plain English text, sentence by sentence. Off unless requested.

The valence of a sentence is VADER's (Hutto & Gilbert 2014, ICWSM; PyPI vaderSentiment, MIT): an
English lexicon with rules for negation, degree and "but". VADER does not name an emotion. The words
of :data:`WORDS`, written for this project, name one where they are not negated. A pleasant sentence
without such a word is estimated as slightly happy, an unpleasant one as slightly sad. Sadness is
the least wrong choice for bad news, which could also cause anger or fear.

Limits: irony; contempt and anger that no word names; the emotion of another person than the
speaker; any language but English. The estimate was tuned on no labelled corpus.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from mien.robot.errors import MienError
from mien.robot.expression.emotion.tags import Span

STRONGEST: Final = 0.5
"""Largest sum of the intensities of a sentence."""
UNNAMED: Final = 0.35
"""Largest intensity where no word names the emotion."""
PLAIN: Final = 0.3
"""Largest distance of the valence from 0 at which a sentence without emotion words is neutral.
VADER uses 0.05, for posts of people who write because of an emotion."""
NEGATED_WITHIN: Final = 3
"""Words before a word in which a negation turns it, as in VADER."""

WORDS: Final[dict[str, frozenset[str]]] = {
    name: frozenset(words.split())
    for name, words in {
        "happiness": "happy happily happier happiest happiness glad gladly joy joyful joyous "
        "delighted delight delightful cheerful cheerfully pleased thrilled overjoyed hooray hurray "
        "yay yippee bliss blissful merry elated jolly",
        "sadness": "sad sadly sadder saddest sadness unhappy unhappily sorrow sorrowful grief "
        "grieve grieving mourn mourning miserable misery heartbroken heartbreaking depressed "
        "depressing gloomy lonely loneliness weep weeping wept tears crying alas tragic tragedy "
        "hopeless despair sorry",
        "anger": "angry angrily angrier anger angered furious furiously fury rage raging outraged "
        "outrage outrageous enraged mad livid irate infuriating infuriated annoyed annoying "
        "irritated irritating resent resentful hate hated damn bastard bastards",
        "fear": "afraid fear fears feared fearful scared scary scare frightened frightening fright "
        "terrified terrifying terror horror horrified panic panicked panicking dread dreadful "
        "anxious anxiety worried worrying nervous alarmed beware",
        "disgust": "disgusted disgusting disgust disgustingly gross revolting revolted repulsive "
        "repulsed nauseating nauseous sickening vile foul stinks stinking rotten yuck yucky ew eww "
        "ugh filthy",
        "surprise": "surprised surprise surprising surprisingly astonished astonishing "
        "astonishment amazed amazing stunned stunning startled shocked unexpected unexpectedly "
        "unbelievable incredible incredibly wow whoa gosh",
        "contempt": "contempt contemptible contemptuous despise despised despicable scorn "
        "scornful pathetic disdain ridiculous laughable loser losers beneath",
    }.items()
}
"""Words that name or exclaim an emotion, by emotion."""
_PLEASANT: Final = frozenset({"happiness"})
_EITHER: Final = frozenset({"surprise"})
_STARTLED: Final = re.compile(r"\?!|!\?|\bno way\b|\b(?:can't|cannot) believe\b|\boh my\b", re.I)
_BETWEEN: Final = re.compile(
    r"(?<!\bMr\.)(?<!\bDr\.)(?<!\bMs\.)(?<!\bMrs\.)(?:(?<=[.!?…])|(?<=[.!?…][\"'”’)]))\s+"
)
_OTHER_NEGATIONS: Final = frozenset({"no", "nobody"})  # VADER has other rules for them
_WORD: Final = re.compile(r"[a-z]+(?:['’][a-z]+)*", re.I)
_INSTALL: Final = "pip install vaderSentiment"


@dataclass(frozen=True)
class TextEstimate:
    """Emotion estimate of one sentence.

    Attributes:
        text: the sentence.
        valence: VADER's compound score, -1 unpleasant to 1 pleasant.
        words: words that name an emotion.
        emotions: intensities by emotion, in sum at most :data:`STRONGEST`; empty for neutral.
    """

    text: str
    valence: float
    words: tuple[str, ...] = ()
    emotions: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        emotions = ", ".join(f"{name} {value:g}" for name, value in self.emotions.items())
        why = f"says {', '.join(self.words)}" if self.words else "names no emotion"
        return f"{emotions or 'neutral'} ({why}, valence {self.valence:+.2f}): {self.text}"

    def span(self) -> Span:
        """The sentence as a span of a tagged text."""
        return Span(self.text, self.emotions)


def estimate(text: str) -> list[TextEstimate]:
    """Estimate the emotions of each sentence of a plain English text.

    Raises:
        MienError: vaderSentiment is not installed; the hint installs it.
    """
    return [_estimate_sentence(s) for s in _BETWEEN.split(text) if any(c.isalnum() for c in s)]


def _estimate_sentence(text: str) -> TextEstimate:
    vader = analyser()
    valence = float(vader.polarity_scores(text)["compound"])
    words = [w.lower().replace("’", "'") for w in _WORD.findall(text)]
    hits: dict[str, list[str]] = {}
    denied = False
    for k, word in enumerate(words):
        before = words[max(k - NEGATED_WITHIN, 0) : k]
        for name, known in WORDS.items():
            if word in known and _negated(before):
                denied = True
            elif word in known and _agrees(name, valence):
                hits.setdefault(name, []).append(word)
    startled = _STARTLED.search(text)
    if startled and "surprise" not in hits:
        hits["surprise"] = [startled.group().lower()]
    named = tuple(w for some in hits.values() for w in some)
    if named:
        # A named emotion counts even where VADER is cool about its word.
        strength = 0.25 + (STRONGEST - 0.25) * abs(valence)
        shares = {name: len(some) / len(named) for name, some in hits.items()}
        return TextEstimate(
            text, valence, named, {n: round(strength * s, 3) for n, s in shares.items()}
        )
    # "Not afraid" is pleasant to VADER, but it is no reason to smile.
    if abs(valence) <= PLAIN or (denied and valence > 0):
        return TextEstimate(text, valence)
    name = "happiness" if valence > 0 else "sadness"
    return TextEstimate(text, valence, (), {name: round(UNNAMED * abs(valence), 3)})


def _agrees(name: str, valence: float) -> bool:
    """Whether the word of an emotion counts at this valence: "happy" only if pleasant."""
    if name in _EITHER:
        return True
    return valence >= 0.0 if name in _PLEASANT else valence <= PLAIN


def _negated(before: list[str]) -> bool:
    module = importlib.import_module(_MODULE)
    return bool(module.negated(before)) or not _OTHER_NEGATIONS.isdisjoint(before)


_MODULE: Final = "vaderSentiment.vaderSentiment"


@cache
def analyser() -> Any:
    """The sentiment analyser of vaderSentiment, made once.

    Raises:
        MienError: the package is not installed.
    """
    try:
        return importlib.import_module(_MODULE).SentimentIntensityAnalyzer()
    except ImportError as e:
        raise MienError("estimating an emotion from text needs vaderSentiment", _INSTALL) from e
