"""Feelings in words of a show: read, refused with their line, and edits of their own."""

from pathlib import Path

import pytest

from mien.robot.errors import InputError
from mien.robot.show.edits import items
from mien.robot.show.feelings import cues_of, felt, lines, source
from mien.robot.show.show_file import ShowFile, read_show

LAUGH = "she just lost her keys and laughs about it"


def _show(folder: Path, text: str) -> ShowFile:
    path = folder / "show.yaml"
    path.write_text("sound: voice.wav\n" + text)
    return read_show(path)


def test_a_cue_in_words_becomes_cues_of_single_emotions(tmp_path: Path) -> None:
    show = _show(tmp_path, f"emotions:\n  - {{start: 0.2, end: 1.0, feel: {LAUGH}}}\n").show
    found = cues_of(show.emotions[0])
    strongest = max(found, key=lambda c: c.strength)
    assert strongest.emotion == "happiness"
    assert (strongest.start, strongest.end) == (0.2, 1.0)
    half = show.emotions[0].model_copy(update={"strength": 0.5})
    assert cues_of(half)[0].strength == pytest.approx(0.5 * found[0].strength)


def test_a_whole_show_has_a_feeling_and_an_option_replaces_it(tmp_path: Path) -> None:
    file = _show(tmp_path, "feel: he weeps at the grave\n")
    assert source(file.show) is not None
    other = felt(file, LAUGH)
    assert lines(other.show)[0].startswith("happiness")
    assert [i.kind for i in items(other.show, ())] == ["feel"]
    assert items(other.show, ())[0].content != items(file.show, ())[0].content


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("feel: '?!'\n", "line 2: .* has no English word"),
        (
            "emotions:\n  - {start: 0.1, end: 1.0, feel: glad, emotion: happiness}\n",
            "line 3: .* give either emotion or feel",
        ),
        ("emotions:\n  - {start: 0.1, end: 1.0}\n", "line 3: .* give either emotion or feel"),
    ],
)
def test_faults_are_told_with_their_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        _show(tmp_path, text)


def test_an_option_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--feel: '\.\.\.' has no English word"):
        felt(_show(tmp_path, ""), "...")
