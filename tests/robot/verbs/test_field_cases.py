"""What users and other programs sent: each case stands for a kind.

Sounds are in ``tests/robot/media/test_field_sounds.py``, devices in
``tests/robot/live/test_field_devices.py``, senders in ``tests/robot/puppet/test_field_senders.py``.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.robot.errors import InputError
from mien.robot.expression.emotion.timeline import MAX_FAULTS, load_timeline
from mien.robot.media.livelink_takes import read_csv, write_csv
from mien.robot.recording.session import RecordingSession
from mien.robot.verbs import cli, doctor, manual
from mien.robot.verbs.play import until
from tests.robot.live.stage import FACE, JAW, Stage

JAW_OPEN = INDEX["jawOpen"]
HEAD = "Timecode,BlendshapeCount,JawOpen\n"


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The console script in this process; returns its exit code."""

    def run(*argv: str) -> int:
        monkeypatch.setattr(sys, "argv", ["mien", *argv])
        try:
            cli.main()
        except SystemExit as left:
            return left.code if isinstance(left.code, int) else 0
        return 0

    return run


def take(path: Path, base: int, fps: int, seconds: float, first: float = 36000.2) -> Path:
    """A take whose timecode counts ``base`` frames in a second; the jaw opens with time."""
    rows = [HEAD]
    for k in range(round(seconds * fps)):
        whole, part = divmod(first + k / fps + 1e-9, 1.0)
        minutes, second = divmod(int(whole), 60)
        field = part * base if base * 10 % fps == 0 and base >= fps else np.floor(part * base)
        rows.append(
            f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}:{field:06.3f},1,{k / 1e4}\n"
        )
    path.write_text("".join(rows))
    return path


@pytest.mark.parametrize(
    ("base", "fps"),
    [(60, 60), (60, 30), (60, 24), (60, 20), (30, 30), (30, 15), (30, 60), (25, 25), (24, 24),
     (120, 120), (50, 50), (48, 24)],
)  # fmt: skip
def test_the_time_base_of_a_take_is_inferred(tmp_path: Path, base: int, fps: int) -> None:
    found = read_csv(take(tmp_path / "a.csv", base, fps, 3.4))
    assert found.base == base
    np.testing.assert_allclose(found.times, np.arange(len(found.times)) / fps, atol=1.01 / base)
    assert found.times[29] == pytest.approx(29 / fps, abs=1.01 / base)


def test_a_time_base_that_cannot_be_inferred_is_asked_for(
    tmp_path: Path, mien: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    path = take(tmp_path / "short.csv", 30, 30, 0.5, first=36000.0)
    assert mien("play", str(path), "--face", "hobby9", "--no-film") == 2
    assert "--rate" in capsys.readouterr().err
    assert read_csv(path, 30).times[-1] == pytest.approx(14 / 30)


@pytest.mark.parametrize(
    ("name", "change", "frames", "note"),
    [
        ("whole", lambda text: text.encode(), 4, ""),
        ("no values", lambda t: t.replace("02.000,1,0.3", "02.000,0").encode(), 3, "no face"),
        ("cut off", lambda t: t.encode()[: t.rindex(":")], 3, "line 5"),
        ("trailing comma", lambda t: t.replace("\n", ",\n").encode(), 4, ""),
        ("semicolons", lambda t: t.replace(",", ";").replace("0.", "0,").encode(), 4, ""),
        ("a line for spreadsheets", lambda t: b"sep=;\n" + t.replace(",", ";").encode(), 4, ""),
        ("Latin-1", lambda t: t.replace("0.3", "\xa00.3").encode("latin-1"), 4, ""),
        ("tabs", lambda t: t.replace(",", "\t").encode(), 4, ""),
        ("UTF-16", lambda t: t.encode("utf-16"), 4, ""),
        ("UTF-16 BE, no mark", lambda t: t.encode("utf-16-be"), 4, ""),
        ("UTF-8 with a mark", lambda t: t.encode("utf-8-sig"), 4, ""),
        ("old Macintosh", lambda t: t.replace("\n", "\r").encode(), 4, ""),
        ("a word", lambda t: t.replace("0.3", "wide").encode(), 3, "line 4"),
        ("nan", lambda t: t.replace("0.3", "nan").encode(), 3, "line 4"),
        ("huge", lambda t: t.replace("0.3", "1e308").encode(), 3, "line 4"),
        ("one too many", lambda t: t.replace("0.3", "0.3,9").encode(), 3, "line 4"),
        ("a whole number", lambda t: t.replace("0.3", "1").encode(), 4, ""),
    ],
)
def test_bad_rows_are_left_out_and_counted(
    tmp_path: Path, name: str, change: Callable[[str], bytes], frames: int, note: str
) -> None:
    text = HEAD + "".join(f"10:00:00:0{k}.000,1,0.{k + 1}\n" for k in range(4))
    (tmp_path / "a.csv").write_bytes(change(text))
    found = read_csv(tmp_path / "a.csv")
    assert len(found.times) == frames, name
    assert found.weights[0, JAW_OPEN] == pytest.approx(0.1)
    assert (note in " ".join(found.notes)) if note else not found.notes


def test_a_take_without_one_good_row_is_refused_with_its_first_fault(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEAD + "noon,1,0.1\n")
    with pytest.raises(InputError, match=r"a\.csv has no frame that can be used, line 2: .*noon"):
        read_csv(tmp_path / "a.csv")


FULL = """WEBVTT - feelings
Kind: captions

NOTE made by hand
over two lines

STYLE
::cue { color: lime }

intro
00:00:00.500 --> 00:00:02.000 line:0 position:20% align:start
<c.yellow>surprise</c> 0.8
"""


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        FULL.replace("\n", "\r\n"),
        "\ufeff" + FULL,
        "WEBVTT\n\n00:00.500 --> 00:02.000\nsurprise 0.8\n",
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:0\n\n00:00.500 --> 00:02.000\n<i>surprise</i> 0.8",
        "WEBVTT\n\nREGION\nid:a\n\n7\n00:00.500 --> 00:02.000\n<v Anna>surprise</v> 0.8",
        "1\n00:00:00,500 --> 00:00:02,000\n{\\an8}<b>surprise</b> 0.8",
        "1\n00:00:00,500 --> 00:00:02,000 X1:40 Y1:20\nsurprise 0.8",
    ],
)
def test_subtitle_formats_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.vtt").write_bytes(text.encode())
    [cue] = load_timeline(tmp_path / "a.vtt").cues
    assert (cue.start, cue.end, cue.emotion, cue.strength) == (0.5, 2.0, "surprise", 0.8)


def test_the_subtitles_of_a_film_print_ten_faults_and_a_count(tmp_path: Path) -> None:
    block = "{0}\n00:00:{0:02d},000 --> 00:00:{0:02d},900\nI was there, you know.\nWere you?\n\n"
    (tmp_path / "film.srt").write_text("".join(block.format(k) for k in range(50)))
    with pytest.raises(InputError) as e:
        load_timeline(tmp_path / "film.srt")
    lines = e.value.message.splitlines()
    assert len(lines) == 1 + MAX_FAULTS + 1
    assert "40 more" in lines[-1]


def test_a_csv_is_played_on_the_rig(
    tmp_path: Path, mien: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    weights = np.zeros((90, 52))
    weights[:, JAW_OPEN] = 0.5 - 0.5 * np.cos(np.arange(90) / 8)
    write_csv(tmp_path / "a take.csv", weights)
    out = tmp_path / "out"
    argv = ["play", str(tmp_path / "a take.csv"), "--face", "hobby9", "--no-film"]
    assert mien(*argv, "--rate", "60", "--out", str(out)) == 0
    assert "mouth follows with r" in capsys.readouterr().out
    assert json.loads((out / "metrics.json").read_text())["r_lip_gap"] > 0.95


def test_a_recording_is_played_on_the_rig_and_a_robot(
    tmp_path: Path, mien: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    stage, path = Stage(), tmp_path / "a.mcap"
    stage.voice.opening = lambda _: 0.5
    recording = RecordingSession(FACE)
    recording.whole(path)
    stage.face(1.0, recording=recording).run()
    recording.close()
    assert mien("play", str(path), "--no-film", "--out", str(tmp_path / "out")) == 0
    assert mien("play", str(path), "--port", f"file:{tmp_path / 'bytes'}", "--seconds", "0.2") == 0
    assert "was played for 0.2 s on hobby9" in capsys.readouterr().out
    assert (tmp_path / "bytes").stat().st_size > 1000


def test_a_take_begins_when_its_first_pose_is_reached_and_ends() -> None:
    times: list[float] = []

    def commands(t: float) -> Any:
        times.append(t)
        return np.full(len(FACE.names), t)

    at = until(commands, 1.0, lambda: False)
    assert at(10.0) is not None
    assert at(13.0) is not None
    assert at(13.5)[JAW] == 0.5  # type: ignore[index]
    assert at(14.1) is None
    assert times == [0.0, 0.0, 0.5]
    assert until(commands, 1.0, lambda: True)(1.0) is not None


def test_text_of_others_is_printed_as_it_is(
    mien: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Check("mic", True, "[/bold] [red]USB")])
    assert mien("doctor") == 0
    assert "[/bold] [red]USB" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "200")
    assert mien("speak", "--help") == 0
    assert "[happy 0.6] begins an emotion and [/] ends it" in capsys.readouterr().out


def test_letters_that_the_terminal_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "argv", ["mien", "--help"])
        with pytest.raises(SystemExit):
            cli.main()
        print("Mikrofon für Zoë \udc80")
        stream.flush()
        assert b"Mikrofon f\\xfcr Zo\\xeb \\udc80" in raw.getvalue()


@pytest.mark.parametrize(
    "argv",
    ["live --puppet 99999", "live --puppet -1", "live --vmc 70000", "live --panel-port 99999",
     "sim --view --port-number 65536", "live --mirror a:99999", "live --seconds nan",
     "live --seconds 1e300", "demo --seed 99999999999999999999", "live --pcm 1000000000",
     "live --lag inf", "neutral --hold inf", "sync --camera-delay nan", "play a.csv --rate 0",
     "calibrate all --seed -1", "set jaw_open nan --port sim --face hobby9"],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(
    mien: Callable[..., int], capsys: pytest.CaptureFixture[str], argv: str
) -> None:
    assert mien(*argv.split()) == 2
    assert capsys.readouterr().err


def test_manual_verbs_say_one_sentence(
    mien: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened(*_: Any) -> Iterator[Any]:
        stage = Stage()
        yield SimpleNamespace(board=stage.board, clock=stage.clock)

    monkeypatch.setattr(manual, "opened", opened)
    for argv, sentence in (
        ("set jaw_open 0.3 --hold 0.2", "jaw_open is at +0.3"),
        ("neutral --hold 0.2", "hobby9 is at its neutral pose"),
        ("release", "all servos of hobby9 are released"),
    ):
        assert mien(*argv.split(), "--face", FACE.name) == 0
        said = capsys.readouterr().out
        assert said.startswith(sentence)
        assert said.count("\n") == 1


def test_devices_says_when_there_is_none(
    mien: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "sound_devices", list)
    monkeypatch.setattr(doctor, "camera_devices", list)
    assert mien("devices") == 0
    said = capsys.readouterr().out
    assert "no microphone" in said
    assert "no camera" in said
