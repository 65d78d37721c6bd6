"""`mien face`: from an empty folder to a face, by options and by answers."""

from __future__ import annotations

import io
import json
import shlex
import sys
from pathlib import Path

import pytest

from mien.robot.errors import MienError
from mien.robot.face.calibrated import Calibrated, unmoved
from mien.robot.face.config import load_face
from mien.robot.verbs import face as verb
from mien.robot.verbs.cli import main


def mien(monkeypatch: pytest.MonkeyPatch, *words: str, answers: str = "") -> int:
    """Exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["mien", *words])
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the user is, and whose data folder is empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def test_two_files_are_written_where_the_user_is_and_the_next_command_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert mien(monkeypatch, "face", "new", "own", "--servos", "14") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[:2] == ["own.yaml", "own_mechanism.yaml"]
    assert said.err == "next: mien face check own.yaml\n"
    assert sorted(p.name for p in folder.iterdir()) == ["own.yaml", "own_mechanism.yaml"]
    assert mien(monkeypatch, "face", "check", "own.yaml", "--no-rig") == 0
    said = capsys.readouterr()
    assert "14 servos, no fault" in said.out
    assert said.err == "next: mien calibrate all --face own.yaml --ship\n"


def test_without_options_the_command_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = "6\nnone\n" + "\n" * 3 + "2\n" + "\n" * 5
    assert mien(monkeypatch, "face", "new", "own", answers=answers) == 0
    said = capsys.readouterr()
    assert "jaw (the lower jaw opens): servos, 0 or 1 [1]: " in said.err
    assert load_face("own.yaml").names == (
        "jaw_open", "lids", "gaze_x", "brow_left", "brow_right", "corner_y_left", "corner_y_right",
    )  # fmt: skip


@pytest.mark.parametrize("answers", ["", "6\n", "6\nnone\n1\n"])
def test_where_nobody_answers_options_are_named_and_nothing_is_written(
    answers: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert mien(monkeypatch, "face", "new", "own", answers=answers) == 2
    assert "mien face new own --servos 6" in capsys.readouterr().err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ("own", "--servos", "6", "--part", "jaw"),
        ("own", "--part", "jaw", "--tendons", "nose"),
        ("own", "--servos", "99"),
        ("own", "--part", "ears"),
        ("../own", "--servos", "6"),
        ("own", "--servos", "6", "--servo-board", "0x99"),
        ("own", "--servos", "6", "--volts", "nan"),
    ],
)
def test_impossible_options_are_refused_with_a_command(
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
) -> None:
    assert mien(monkeypatch, "face", "new", *words) == 2
    said = capsys.readouterr().err
    assert "--volts is nan" in said or "next: mien face new" in said
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        ("--servos 14 --amps 1 --out 'a b'", "--servos 14 --out 'a b' --amps 7"),
        ("--servos 20 --servo-board 0x40 --large jaw",
         "--servos 20 --large jaw --servo-board 0x40 --servo-board 0x41"),
        ("--part jaw --part brows:9 --amps 9", "--part jaw --amps 9.0 --part brows:6"),
        ("--part jaw --part jaw:1 --amps 9", "--amps 9.0 --part jaw:1"),
        ("--servos 6 --volts 9", "--servos 6 --volts 6"),
        ("--servos 6 --part jaw --amps 9", "--amps 9.0 --part jaw"),
        ("--part jaw --part nose:2 --tendons nose", "--part nose:2 --part jaw"),
        ("--servos 99 --tendons nose", "--tendons nose --servos 30"),
        ("--servos 9 --tendons ears --volts 7", "--servos 9 --volts 7.0 --tendons cheeks,nose"),
        ("--part jaw --large brows", "--part jaw --large brows --part brows"),
        ("--volts 7", "--volts 7.0 --servos 6"),
    ],
)  # fmt: skip
def test_a_proposed_command_keeps_the_options_of_the_user_and_draws_a_face(
    words: str,
    proposed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert mien(monkeypatch, "face", "new", "own", *shlex.split(words)) == 2
    command = f"mien face new own {proposed}"
    assert capsys.readouterr().err.endswith(f"  next: {command}\n")
    assert mien(monkeypatch, *shlex.split(command)[1:]) == 0


@pytest.mark.parametrize(
    ("face", "proposed"),
    [
        ("none.yaml", "mien face new none --servos 14"),
        ("none", "mien face new none --servos 14"),
        ("sub/none.yaml", "mien face new none --servos 14"),
    ],
)
def test_for_a_face_that_is_not_there_the_command_that_draws_one_is_proposed(
    face: str,
    proposed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert mien(monkeypatch, "face", "check", face) == 2
    assert capsys.readouterr().err.endswith(f"  next: {proposed}\n")
    assert mien(monkeypatch, *shlex.split(proposed)[1:]) == 0


def test_nothing_is_overwritten_and_nothing_asked_before_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "own_mechanism.yaml").write_text("mine")
    assert mien(monkeypatch, "face", "new", "own") == 2
    assert "is not overwritten" in capsys.readouterr().err
    assert (folder / "own_mechanism.yaml").read_text() == "mine"


def test_faults_are_lines_with_their_places_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert mien(monkeypatch, "face", "new", "own", "--servos", "6") == 0
    own = folder / "own.yaml"
    own.write_text(own.read_text().replace("channel: 3", "channel: 2"))
    capsys.readouterr()
    assert mien(monkeypatch, "face", "check", "own.yaml") == 2
    said = capsys.readouterr()
    line = own.read_text()[: own.read_text().index("  brows:")].count("\n") + 1
    assert said.out.startswith(f"own.yaml:{line}: actuators.brows.channel: ")
    assert "there is one fault in own.yaml" in said.err
    assert mien(monkeypatch, "face", "check", "own.yaml", "--json") == 2
    assert json.loads(capsys.readouterr().out)[0]["line"] == line


def test_what_a_face_without_a_self_model_is_told_is_a_command_for_its_file(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "my faces").mkdir()
    out = ("--out", "my faces")
    assert mien(monkeypatch, "face", "new", "own", "--servos", "2", *out) == 0
    with pytest.raises(MienError) as caught:
        Calibrated(load_face("my faces/own.yaml"))
    assert caught.value.exit_code == 2
    assert caught.value.hint == "mien calibrate all --face 'my faces/own.yaml' --ship"
    assert str(folder / "data") in caught.value.message


def test_a_face_without_a_mechanism_is_told_to_calibrate_on_its_robot(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert mien(monkeypatch, "face", "new", "own", "--servos", "2") == 0
    own = folder / "own.yaml"
    own.write_text(own.read_text().replace("mechanism: own_mechanism.yaml\n", ""))
    capsys.readouterr()
    assert mien(monkeypatch, "face", "check", "own.yaml") == 0
    said = capsys.readouterr()
    assert "a real robot needs none" in said.out
    command = "mien calibrate all --face own.yaml --port auto --camera 0 --ship"
    assert said.err == f"next: {command}\n"
    with pytest.raises(MienError) as caught:
        Calibrated(load_face("own.yaml"))
    assert caught.value.hint == command


def test_a_neck_that_will_not_move_is_said_when_the_face_is_used(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    assert mien(monkeypatch, "face", "new", "own", "--part", "jaw", "--part", "neck") == 0
    own = folder / "own.yaml"
    own.write_text(
        own.read_text().replace("neck_yaw: {", "neck: {").replace("role: neck_yaw, ", "")
    )
    face = load_face("own.yaml")
    assert (
        unmoved(face)
        == "neck (region neck) has no role and will not move: mien face check own.yaml"
    )
    assert mien(monkeypatch, "face", "check", "own.yaml", "--no-rig") == 2


def test_the_help_leads_from_an_empty_folder_to_a_face_that_speaks() -> None:
    for words in ("mien face new", "mien calibrate all --face NAME.yaml --ship", "mien demo"):
        assert words in verb.HELP
