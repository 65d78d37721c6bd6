"""``mien sing``: its files, edited subtitles, and inputs that it refuses in one sentence."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from mien.models.song.subtitles import cue, read, write
from mien.robot.errors import MienError
from mien.robot.media import audio
from mien.robot.media.livelink_takes import ROTATIONS, read_csv
from mien.robot.verbs.sing import sing as verb

APP = typer.Typer()
APP.command()(verb)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stderr: str


def sing(*words: object, folder: Path) -> Done:
    """Run ``mien sing`` in a folder; an error is printed as the command prints it."""
    with contextlib.chdir(folder):
        result = CliRunner().invoke(APP, [str(w) for w in words])
    if isinstance(result.exception, MienError):
        error = result.exception
        return Done(error.exit_code, f"{result.stderr}\nmien: {error.message}\n")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stderr)


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of the shipped song, 96 kHz in stereo."""
    path = tmp_path_factory.mktemp("song") / "part.wav"
    sound = audio.load(audio.SONG_DEMO)[: 4 * audio.RATE]
    soundfile.write(path, np.repeat(np.stack([sound, sound], axis=1), 6, axis=0), 96_000)
    return path


def test_a_song_becomes_a_take_and_subtitles_that_are_sung_again(
    part: Path, tmp_path: Path
) -> None:
    first = sing(part, "--no-film", "--face", "hobby9", "--out", "one", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    one = tmp_path / "one"
    assert {p.name for p in one.iterdir()} == {
        "figure.png", "metrics.json", "subtitles.srt", "take.csv", "take.json",
    }  # fmt: skip
    cues = read(one / "subtitles.srt")
    assert any(c.region == "mouth" for c in cues)
    take = read_csv(one / "take.csv")
    numbers = json.loads((one / "metrics.json").read_text())
    assert numbers["limit_violations"] == 0
    assert "sound alone" in numbers["words"]
    same = sing(
        part, "--no-film", "--face", "hobby9", "--out", "two",
        "--subtitles", one / "subtitles.srt", folder=tmp_path,
    )  # fmt: skip
    assert same.returncode == 0, same.stderr
    again = read_csv(tmp_path / "two" / "take.csv")
    assert np.array_equal(take.weights, again.weights)
    own = write([*cues, cue(1.0, 3.0, "brows", "raise", 0.7)])
    (one / "subtitles.srt").write_text(own)
    lost = sing(part, "--no-film", "--face", "hobby9", "--out", "one", folder=tmp_path)
    assert lost.returncode == 2
    assert "not overwritten" in lost.stderr
    assert (one / "subtitles.srt").read_text() == own
    edited = [*cues, cue(1.0, 3.0, "mouth", "smile", 0.7), cue(90.0, 91.0, "eyes", "up", 1.0)]
    (tmp_path / "edited.srt").write_text(write(edited))
    third = sing(
        part, "--no-film", "--face", "hobby9", "--out", "three",
        "--subtitles", "edited.srt", folder=tmp_path,
    )  # fmt: skip
    assert third.returncode == 0, third.stderr
    assert "1 cues are not shown" in third.stderr
    smiled = read_csv(tmp_path / "three" / "take.csv")
    changed = np.abs(smiled.weights - take.weights).max(axis=0)
    assert 0 < np.count_nonzero(changed) <= 4
    assert smiled.rotations.shape[1] == len(ROTATIONS)


LONG = "00:00:01,000 --> 00:00:02,000\nmouth: ah, 0.5\n\n"


@pytest.mark.parametrize(
    ("option", "name", "raw", "said"),
    [
        ("--subtitles", "a.srt", b"", "no cue"),
        ("--subtitles", "a.srt", b"x" * (3 << 20), "at most"),
        ("--subtitles", "a.srt", b"\xe9\xe8\xff" * 20, "text"),
        ("--subtitles", "a.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello!\n", "has no region"),
        ("--lyrics", "a.lrc", b"Moon river\n", "without times"),
        ("--lyrics", "a.txt", b"\xe9\xe8\xff" * 20, "text"),
        ("--score", "a.mxl", b"PK\x03\x04aaaa", "compressed score"),
        ("--score", "a.musicxml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "refused"),
        ("--score", "a.musicxml", b"<score-partwise><part/></score-partwise>", "no notes"),
        ("--voice", "a.wav", b"", "empty"),
        ("--rewrite", "", b"", "--rewrite is empty"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(
    option: str, name: str, raw: bytes, said: str, part: Path, tmp_path: Path
) -> None:
    if name:
        (tmp_path / name).write_bytes(raw)
    done = sing(part, "--no-film", option, name, folder=tmp_path)
    assert done.returncode == 2, done.stderr
    last = [x for x in done.stderr.splitlines() if x.startswith("mien: ")]
    assert len(last) == 1
    assert said in last[0]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["silence", "nan", "tone"])
def test_a_sound_without_a_voice_is_refused(kind: str, tmp_path: Path) -> None:
    t = np.arange(3 * 16000) / 16000
    sound = {"silence": 0 * t, "nan": t * np.nan, "tone": 0.3 * np.sin(2 * np.pi * 330 * t)}[kind]
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    done = sing("a.wav", "--no-film", folder=tmp_path)
    assert done.returncode == 2
    assert "mien: nobody is heard to sing in a.wav" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_score_longer_than_the_song_is_said(part: Path, tmp_path: Path) -> None:
    score = audio.SONG_DEMO.with_suffix(".musicxml")
    done = sing(part, "--no-film", "--face", "hobby9", "--score", score, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "score" in done.stderr or "syllables agree" in done.stderr
