"""Motion subtitles: what is written is read again, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.models.errors import ModelError
from mien.models.song.subtitles import MOTIONS, MotionCue, cue, ordered, parse, read, write

NOTES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), max_size=20
).map(str.strip)


@st.composite
def any_cue(draw: st.DrawFn) -> MotionCue:
    region = draw(st.sampled_from(list(MOTIONS)))
    start = draw(st.integers(0, 3_600_000 * 23))
    return MotionCue(
        start,
        start + draw(st.integers(1, 60_000)),
        region,
        draw(st.sampled_from(MOTIONS[region])),
        draw(st.integers(0, 1000)) / 1000,
        draw(NOTES.filter(lambda n: not n.startswith("#"))),
    )


@given(st.lists(any_cue(), min_size=1, max_size=12))
def test_nothing_is_lost_between_cues_and_their_file(cues: list[MotionCue]) -> None:
    text = write(cues)
    assert parse(text) == ordered(cues)
    assert write(parse(text)) == text


def test_what_people_and_editors_write_is_read() -> None:
    text = (
        "\ufeff00:01.5 --> 00:02,25 X1:40\r\n# two\r\n# notes\r\nMouth :  Smile\r\n"
        "BROWS: Raise  Left , .25\r\n\r\n\r\n7\r\n0:00:03,000 --> 0:00:04,000\r\nmood: happy, 1\r\n"
    )
    assert parse(text) == (
        MotionCue(1500, 2250, "mouth", "smile", 0.7, "two\nnotes"),
        MotionCue(1500, 2250, "brows", "raise left", 0.25),
        MotionCue(3000, 4000, "mood", "happiness", 1.0),
    )


TIME = "1\n00:00:01,000 --> 00:00:02,000\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no cue"),
        ("\n \n", "no cue"),
        ("1\nhello\n", "line 2: 'hello' is not"),
        ("1\n00:00:02,000 --> 00:00:01,000\nmouth: ah\n", "must end after 2000 ms"),
        ("1\n00:00:01,000 --> 99:00:01,000\nmouth: ah\n", "must end after"),
        (TIME, "there is no 'region"),
        (TIME + "# only a note\n", "there is no 'region"),
        (TIME + "ears: wiggle, 1\n", "no region of mouth, brows"),
        (TIME + "mouth: sing, 1\n", "no motion of mouth: ah"),
        (TIME + "mood: hunger\n", "no emotion"),
        (TIME + "mouth: ah, 1.2\n", "no number from 0 to 1"),
        (TIME + "mouth: ah, nan\n", "no number from 0 to 1"),
        (TIME + "mouth: ah, -1\n", "no number from 0 to 1"),
        (TIME + "mouth: ah,\n", "no number from 0 to 1"),
        (TIME + "mouth: ah\nmouth: x\nmouth: y\n", "and 1 more faults"),
        (TIME + f"# {'x' * 300}\nmouth: ah\n", "at most 200"),
        ("Hello, I am a film subtitle.\nAnd so am I.\n", "is not 'HH:MM:SS"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ModelError) as error:
        parse(text)
    assert said in error.value.message
    assert "\n" not in error.value.message
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no cue"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n# \xe9t\xe9\nmouth: ah\n", "no UTF-8 or UTF-16"),
        (b"x" * (3 << 20), "at most"),
        (b"\xff\xfe\x00", "UTF"),
    ],
)
def test_a_file_that_is_no_text_is_refused(raw: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(raw)
    with pytest.raises(ModelError, match=said):
        read(path)


def test_a_file_of_another_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    one = cue(1.0, 2.0, "head", "sway", 0.5, "été")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_text(write([one]), encoding=encoding)
        assert read(path) == (one,)


def test_a_file_with_too_many_cues_is_refused() -> None:
    with pytest.raises(ModelError, match="more than 20000 cues"):
        parse(write([cue(0, 1, "mouth", "ah", 0.5)] * 20_001))
