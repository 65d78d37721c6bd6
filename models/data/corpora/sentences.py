"""Random text for synthetic voices, from word lists of this file and a pronouncing dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NOUNS: Final = _words(
    "baby river window thought machine garden paper morning voice bridge apple market summer "
    "friend mouth picture village pepper thumb feather shadow church beach leather mountain "
    "robot beaver fever pebble bumblebee map lamp foam video movie valley wave oven moon "
    "spoon food boot book cook foot bush voyage joy boy toy noise cloud house town flower "
    "power fire choir lion science idea theatre year ear chair pear bear square tour yard "
    "heart father mother brother path bath birth earth bird word work girl shirt judge age "
    "badge vision measure garage yacht yellow jam job member number problem pump lip beam "
    "plum button kitchen question answer bubble table people purple couple maple bottle "
    "battle "
)
_VERBS: Final = _words(
    "brings moves finds loves becomes improves keeps shows makes opens pushes pulls believes "
    "gives buys chooses throws knows paints plays watches moulds washes pours breathes bumps "
    "combs jumps maps shapes wraps robs grabs waves gathers measures enjoys follows allows "
    "bothers prefers approves "
)
_ADJECTIVES: Final = _words(
    "small big brown purple happy simple possible bright warm broad smooth rough quiet noisy "
    "awful lovely thirsty early yellow bitter better famous perfect favourite foolish former "
    "humble marble public blue "
)
_ADVERBS: Final = _words(
    "slowly often maybe perhaps always never probably simply before above abroad today "
)
_LINKS: Final = _words("and but while because if when though so before after until as")
_PLACES: Final = _words(
    "by the in a with my from our above this below that for some of every to your "
)


def sentences(count: int, seed: int, words: Sequence[str] = ()) -> list[str]:
    """Random English sentences. 45 % of the nouns are drawn from ``words`` if it is not empty."""
    rng = np.random.default_rng(seed)

    def pick(items: Sequence[str]) -> str:
        return str(items[int(rng.integers(len(items)))])

    def noun() -> str:
        return pick(words) if words and rng.random() < 0.45 else pick(_NOUNS)

    def phrase() -> str:
        article = pick(("the", "a", "my", "every", "one", "some", "that", "our", "her", "his"))
        return (
            f"{article} {pick(_ADJECTIVES)} {noun()}"
            if rng.random() < 0.5
            else f"{article} {noun()}"
        )

    def clause() -> str:
        place = int(rng.integers(len(_PLACES) // 2)) * 2
        parts = [phrase(), pick(_VERBS), phrase()]
        if rng.random() < 0.5:
            parts.append(f"{_PLACES[place]} {_PLACES[place + 1]} {noun()}")
        if rng.random() < 0.3:
            parts.insert(int(rng.integers(0, 2)), pick(_ADVERBS))
        return " ".join(parts)

    out = []
    for _ in range(count):
        text = clause()
        while rng.random() < 0.4:
            text += pick((", ", " ", "; ")) + pick(_LINKS) + " " + clause()
        out.append(text[0].upper() + text[1:] + pick((".", ".", ".", "?", "!")))
    return out


_INITIALS: Final = _words("b p m f d t n l g k h j q x zh ch sh r z c s")
_FINALS: Final = _words(
    "a ai an ang ao e ei en eng i ia ian iang iao ie in ing o ong ou u ua uan ui un uo"
)
_LEGAL_I: Final = frozenset(("b", "p", "m", "d", "t", "n", "l", "j", "q", "x"))


def pinyin(count: int, seed: int) -> list[str]:
    """Random sequences of Mandarin syllables with tones, without meaning."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        syllables: list[str] = []
        while len(syllables) < int(rng.integers(6, 22)):
            first = str(rng.choice(_INITIALS))
            last = str(rng.choice(_FINALS))
            if last.startswith("i") and len(last) > 1 and first not in _LEGAL_I:
                continue
            if first in "jqx" and not last.startswith("i"):
                continue
            if last in ("uo", "ua", "uan", "ui", "un", "u") and first in "bpmf" and last != "u":
                continue
            syllables.append(f"{first}{last}{rng.integers(1, 5)}")
            if rng.random() < 0.12:
                syllables[-1] += ","
        out.append(" ".join(syllables))
    return out
