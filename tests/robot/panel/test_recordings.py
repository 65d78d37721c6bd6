"""A recording on its way from a file to the loop."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mien.robot.face.config import load_face
from mien.robot.panel.messages import PlaybackSent, SetPlayback
from mien.robot.panel.recordings import AHEAD_S, PIECE, Player
from mien.robot.recording.recorder import MAX_QUEUED_RECORDS, Recorder
from tests.robot import waiting

FACE = load_face("hobby9")


def recording(path: Path, ticks: int) -> Path:
    tape = Recorder(path, FACE)
    for k in range(ticks):
        while tape.queued == MAX_QUEUED_RECORDS:
            time.sleep(0.001)
        tape.put("/tick", 1 + k / 60, {"t": 1 + k / 60, "sent": np.full(9, k % 7 / 10)})
    tape.close()
    return path


until = partial(waiting.until, seconds=100.0)


def test_it_comes_whole_and_in_order(tmp_path: Path) -> None:
    heard: list[Any] = []
    Player(heard.append).play(recording(tmp_path / "a.mcap", 150), FACE)
    assert until(lambda: PlaybackSent() in heard)
    assert heard[0] == SetPlayback("a.mcap")
    assert heard[-1] == PlaybackSent()
    sizes = [len(m.rows) for m in heard[1:-1]]
    assert sizes == [PIECE, PIECE, 30]
    rows = [row for m in heard[1:-1] for row in m.rows]
    np.testing.assert_allclose([r[0] for r in rows], np.arange(150) % 7 / 10)
    np.testing.assert_allclose([t for m in heard[1:-1] for t in m.times], np.arange(150) / 60)


def test_a_long_one_is_not_sent_at_once_and_ends_when_told(tmp_path: Path) -> None:
    heard: list[Any] = []
    player = Player(heard.append)
    player.play(recording(tmp_path / "a.mcap", 1800), FACE)
    assert until(lambda: len(heard) > AHEAD_S)
    player.stop()
    sent = len(heard)
    assert sent < 1800 / PIECE
    time.sleep(0.1)
    assert len(heard) <= sent + 1
    assert PlaybackSent() not in heard


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    heard: list[Any] = []
    player = Player(heard.append)
    player.play(tmp_path / "none.mcap", FACE)
    assert until(lambda: "no recording called none" in player.error)
    path = recording(tmp_path / "a.mcap", 300)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    player.play(path, FACE)
    assert until(lambda: "a.mcap is not whole: it was never ended" in player.error)
    player.play(recording(tmp_path / "b.mcap", 30), FACE)
    assert until(lambda: heard[-1] == PlaybackSent() and SetPlayback("b.mcap") in heard)
    assert player.error == ""
