"""Scores and lyrics: what is read, what is refused in one sentence, and what it agrees with."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.models.errors import ModelError
from mien.models.song.lyrics import read_lyrics, syllables
from mien.models.song.score import read_score
from tests.paths import ROOT

DEMO = ROOT / "robot" / "assets" / "forest_road.musicxml"
NOTE = (
    "<note><pitch><step>A</step><octave>4</octave></pitch><duration>{d}</duration>{tie}"
    "<lyric><syllabic>single</syllabic><text>{t}</text></lyric></note>"
)
SONG = (
    '<?xml version="1.0"?><score-partwise><part id="P1"><measure>'
    "<attributes><divisions>2</divisions></attributes>{inside}</measure></part></score-partwise>"
)


def score(inside: str, tmp_path: Path) -> Path:
    path = tmp_path / "a.musicxml"
    path.write_text(SONG.format(inside=inside), encoding="utf-8")
    return path


def test_the_shipped_score_has_its_notes_and_words() -> None:
    notes = read_score(DEMO)
    assert len(notes) == 30
    assert notes[0].start == pytest.approx(60 / 84)
    assert notes[0].midi == 67
    assert "".join(n.text for n in notes).startswith("もりのみちべ")


def test_tempo_ties_chords_rests_and_voices_count(tmp_path: Path) -> None:
    inside = (
        '<direction><sound tempo="60"/></direction>'
        "<note><rest/><duration>2</duration></note>"
        + NOTE.format(d=2, tie='<tie type="start"/>', t="la")
        + NOTE.format(d=2, tie='<tie type="stop"/>', t="")
        + NOTE.format(d=4, tie="", t="lo").replace("<note>", "<note><chord/>")
        + "<note><grace/><pitch><step>B</step><octave>4</octave></pitch></note>"
        + "<direction><direction-type><metronome><beat-unit>quarter</beat-unit>"
        + "<per-minute>120</per-minute></metronome></direction-type></direction>"
        + NOTE.format(d=2, tie="", t="li").replace("<step>A", "<step>C").replace(
            "<octave>", "<alter>1</alter><octave>"
        )
    )  # fmt: skip
    notes = read_score(score(inside, tmp_path))
    assert [(n.start, n.end, n.midi, n.text) for n in notes] == [
        (1.0, 3.0, 69.0, "la"),
        (3.0, 3.5, 61.0, "li"),
    ]


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE score-partwise [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    "<score-partwise><part><measure>&b;</measure></part></score-partwise>"
)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no element"),
        (b"PK\x03\x04rest", "compressed score"),
        (b"hello", "syntax error"),
        (BOMB.encode(), "refused"),
        (b"<score-timewise/>", "expected score-partwise"),
        (b"<score-partwise><part/></score-partwise>", "has no notes"),
        (b"<score-partwise>" + b"<part>" * 60 + b"</score-partwise>", "levels"),
        (SONG.format(inside=NOTE.format(d="1e9", tie="", t="a")).encode(), "not between"),
        (SONG.format(inside=NOTE.format(d=99999, tie="", t="a")).encode(), "lasts more"),
        (SONG.format(inside=NOTE.format(d=1, tie="", t="a")).replace("<step>A", "<step>H").encode(),
         "expected one of A to G"),
        (b'<?xml version="1.0" encoding="x-none"?><score-partwise/>', "unknown encoding"),
    ],
)  # fmt: skip
def test_a_bad_score_is_refused_in_one_sentence(raw: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_bytes(raw)
    with pytest.raises(ModelError) as error:
        read_score(path)
    assert said in error.value.message
    assert "\n" not in error.value.message
    with pytest.raises(ModelError, match="cannot read"):
        read_score(tmp_path / "none.musicxml")


def test_an_external_document_type_is_never_fetched(tmp_path: Path) -> None:
    text = DEMO.read_text(encoding="utf-8").replace("www.musicxml.org", "no.such.host.invalid")
    path = tmp_path / "a.musicxml"
    path.write_text(text, encoding="utf-8")
    assert len(read_score(path)) == 30


def test_lyrics_with_and_without_times(tmp_path: Path) -> None:
    path = tmp_path / "a.lrc"
    path.write_text(
        "[ti:x]\n[offset:+500]\n[00:10.50][01:00]<00:10.60>Moon <00:11.0>river\n[00:02:25]Hello\n"
    )
    lines = read_lyrics(path)
    assert [(x.start, x.text) for x in lines] == [
        (1.75, "Hello"),
        (10.0, "Moon river"),
        (59.5, "Moon river"),
    ]
    plain = tmp_path / "a.txt"
    plain.write_text("Moon river\n\nwider than a mile\n", encoding="utf-16")
    assert [x.text for x in read_lyrics(plain)] == ["Moon river", "wider than a mile"]


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.lrc", b"Moon river\nwider\n", "without times"),
        ("a.lrc", b"[ti:x]\n", "no words"),
        ("a.txt", b"", "no words"),
        ("a.txt", b"12 !? 34\n", "no words"),
        ("a.txt", b"caf\xe9\n", "no UTF-8"),
        ("a.txt", b"a\n" * 6000, "at most 5000"),
        ("a.txt", b"a" * (2 << 20), "at most"),
    ],
)
def test_bad_lyrics_are_refused(name: str, raw: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(ModelError) as error:
        read_lyrics(path)
    assert said in error.value.message
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("text", "vowels", "touching"),
    [
        ("Mary had a little lamb", 7, ["M", "M"]),
        ("もりのみちべ", 6, ["M", "M", "B"]),
        ("きゃっぷ", 2, ["P"]),
        ("Bäume blühen", 3, ["B", "M", "B"]),
        ("home", 1, ["M"]),
    ],
)
def test_syllables_of_many_languages(text: str, vowels: int, touching: list[str]) -> None:
    found = syllables(text)
    assert abs(len(found) - vowels) <= 1
    lips = [c for s in found for c in (*s.onset, *s.coda) if c in "PBM"]
    assert lips[: len(touching)] == touching
