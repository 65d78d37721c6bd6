from pathlib import Path

import pytest

from mien.robot.errors import InputError
from mien.robot.expression.emotion.timeline import STRENGTH, load_timeline

GOOD = """1
00:00:00,500 --> 00:00:02,000
surprise 0.8 upper

2
00:00:02.5 --> 00:01:04
happy
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "feelings.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_subtitles_are_read(tmp_path: Path) -> None:
    first, second = load_timeline(write(tmp_path, GOOD)).cues
    assert (first.start, first.end, first.emotion) == (0.5, 2.0, "surprise")
    assert (first.strength, first.region) == (0.8, "upper")
    assert (second.start, second.end, second.emotion) == (2.5, 64.0, "happiness")
    assert (second.strength, second.region) == (STRENGTH, "face")


def test_json_is_read_as_a_list_or_an_object_and_sorted(tmp_path: Path) -> None:
    cues = '[{"start": 3, "end": 4, "emotion": "fear"}, {"start": 1, "end": 2, "emotion": "sad"}]'
    listed = load_timeline(write(tmp_path, cues)).cues
    assert [c.emotion for c in listed] == ["sadness", "fear"]
    assert load_timeline(write(tmp_path, f'{{"cues": {cues}}}')).cues == listed


@pytest.mark.parametrize(
    ("cues", "said"),
    [
        (
            """{"start": 2, "end": 1, "emotion": "happy"},
            {"start": -1, "end": 1, "emotion": "hungry", "region": "ear"},
            {"start": "now", "emotion": "fear", "strength": 1.5, "colour": 1}""",
            "cue 1: end 1 is not after start 2|cue 2: start -1|'hungry'|'ear'|"
            "cue 3: start 'now'|cue 3: no end|strength 1.5|'colour'",
        ),
        (
            '{"start": NaN, "end": true, "emotion": null}, 7',
            "cue 1: start is nan|cue 1: end True|cue 1: None is not an emotion|cue 2: 7",
        ),
    ],
)
def test_every_fault_is_listed_at_once(tmp_path: Path, cues: str, said: str) -> None:
    with pytest.raises(InputError) as found:
        load_timeline(write(tmp_path, f"[{cues}]"))
    for part in said.split("|"):
        assert part in found.value.message, part
    assert found.value.exit_code == 2


def test_faults_of_subtitles_name_their_lines(tmp_path: Path) -> None:
    bad = (
        "1\n00:00:01 -> 00:00:02\nhappy\n\n2\n0:01 --> soon\nsad\n\n"
        "3\n0:01 --> 0:02\n\n0:03 --> 0:04\nsad 0.2 upper now\n"
    )
    with pytest.raises(InputError) as found:
        load_timeline(write(tmp_path, bad))
    for part in ("line 2", "line 6", "'soon'", "line 10", "line 13"):
        assert part in found.value.message


@pytest.mark.parametrize(
    "text", ["", "   \n", "[]", '{"cues": []}', "{", '"cue"', '{"cues": 3}', '{"cue": []}', "[1]"]
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        load_timeline(write(tmp_path, text))


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        load_timeline(tmp_path / "none.json")
    path = tmp_path / "x.json"
    path.write_bytes(b"\xff\x81\x82")
    with pytest.raises(InputError, match="UTF-8"):
        load_timeline(path)
