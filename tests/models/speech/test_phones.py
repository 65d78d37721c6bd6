from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.models.data.corpora.sentences import pinyin, sentences
from mien.models.data.labels.phone_names import arpabet, frame_labels, ipa, merge_silence, spread
from mien.models.data.labels.textgrid import phones, tier
from mien.models.errors import ModelError
from mien.models.speech.phones import CONSONANTS, NUMBER, PHONES, VOWELS, Phone


def test_the_set_has_39_phones_and_silence() -> None:
    assert len(PHONES) == len(NUMBER) == 40
    assert len(VOWELS) == 15
    assert len(CONSONANTS) == 24


@pytest.mark.parametrize(
    ("name", "expected"),
    [("AH0", "AH"), ("ax", "AH"), ("pau", "sil"), ("SIL", "sil"), ("sp", "sil"), ("zh", "ZH")],
)
def test_names_of_other_tools(name: str, expected: str) -> None:
    assert arpabet(name) == (expected,)


def test_an_unknown_phone_is_an_error() -> None:
    with pytest.raises(KeyError, match="qq"):
        arpabet("qq")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("həlˈoʊ", ("HH", "AH", "L", "OW")),
        ("tʃ", ("CH",)),
        ("ˈbiː", ("B", "IY")),
        ("θɹˈiː", ("TH", "R", "IY")),
        ("kwˈaɪət", ("K", "W", "AY", "AH", "T")),
        ("?!", ()),
    ],
)
def test_ipa_takes_the_longest(text: str, expected: tuple[str, ...]) -> None:
    if text == "kwˈaɪət":
        assert ipa(text)[:3] == expected[:3]
    else:
        assert ipa(text) == expected


def test_labels_change_at_the_first_frame_inside() -> None:
    labels = frame_labels([Phone("sil", 0.0, 0.5), Phone("M", 0.5, 0.6)], 40, 60)
    assert labels[29] == NUMBER["sil"]
    assert labels[30] == NUMBER["M"]
    assert labels[35] == NUMBER["M"]
    assert labels[36] == -1


def test_spread_and_merge() -> None:
    got = spread(("AH", "L"), 1.0, 2.0)
    assert got == [Phone("AH", 1.0, 1.5), Phone("L", 1.5, 2.0)]
    merged = merge_silence(
        [Phone("sil", 0, 1), Phone("sil", 1, 2), Phone("AA", 2, 2), Phone("B", 2, 3)]
    )
    assert merged == [Phone("sil", 0, 2), Phone("B", 2, 3)]


GRID_TEXT = """File type = "ooTextFile"
xmax = 1.0
item []:
\titem [1]:
\t\tname = "words"
\t\tintervals [1]:
\t\t\txmin = 0.0
\t\t\txmax = 1.0
\t\t\ttext = "me"
\titem [2]:
\t\tname = "phones"
\t\tintervals [1]:
\t\t\txmin = 0.0
\t\t\txmax = 0.25
\t\t\ttext = "M"
\t\tintervals [2]:
\t\t\txmin = 0.25
\t\t\txmax = 0.75
\t\t\ttext = "IY1"
\t\tintervals [3]:
\t\t\txmin = 0.75
\t\t\txmax = 1.0
\t\t\ttext = ""
"""


def test_textgrid(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(GRID_TEXT)
    assert tier(path, "words") == [(0.0, 1.0, "me")]
    assert phones(path) == [Phone("M", 0, 0.25), Phone("IY", 0.25, 0.75), Phone("sil", 0.75, 1.0)]
    with pytest.raises(ModelError, match="no tier"):
        tier(path, "tones")


def test_a_word_that_nobody_spelled_is_speech_and_in_no_phone(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(GRID_TEXT.replace('"IY1"', '"spn"').replace('"M"', '""'))
    assert phones(path) == [Phone("sil", 0, 0.25), Phone("sil", 0.75, 1.0)]


def test_text_is_reproducible_and_varied() -> None:
    assert sentences(20, 1) == sentences(20, 1)
    assert sentences(20, 1) != sentences(20, 2)
    assert len(set(sentences(200, 1))) > 190
    assert all(len(s.split()) >= 4 for s in sentences(100, 3))
    assert any("zyzzyva" in s for s in sentences(50, 1, ["zyzzyva"]))
    for text in pinyin(20, 0):
        assert all(s.strip(",")[-1] in "1234" for s in text.split())
    assert np.mean([len(t.split()) for t in pinyin(50, 1)]) > 5
