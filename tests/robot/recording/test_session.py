"""Pieces that the panel asks for, beside the recording of a whole run."""

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.robot.errors import InputError, MienError
from mien.robot.recording import reading
from mien.robot.recording.recorder import Recorder
from mien.robot.recording.replay import replay
from mien.robot.recording.session import RecordingSession, path_of
from tests.robot.live.stage import FACE


class FullDisk(io.BytesIO):
    """Takes the header of a file and little more."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 20_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def until(done: Callable[[], bool], patience: int = 2000) -> None:
    """Let the writer's thread come round."""
    from time import sleep

    for _ in range(patience):
        if done():
            return
        sleep(0.005)
    pytest.fail("the writer never came round")


@pytest.mark.parametrize("name", ["", " ", "../evil", "a/b", "/etc/x", ".hidden", "a\0b", "x" * 99])
def test_a_browser_names_a_file_and_never_a_path(name: str) -> None:
    with pytest.raises(InputError, match="no name for a recording"):
        path_of(name)


def test_a_name_gets_its_suffix_once() -> None:
    assert (
        path_of("take-1", Path("f")) == path_of("take-1.mcap", Path("f")) == Path("f/take-1.mcap")
    )


def test_a_piece_is_begun_ended_and_said(tmp_path: Path) -> None:
    recording = RecordingSession(FACE, {"seed": 4}, tmp_path / "deep" / "folder")
    recording.put("/event", 0.5, {"t": 0.5, "what": "before"})
    recording.begin("take-1")
    recording.put("/event", 1.0, {"t": 1.0, "what": "in"})
    assert recording.state(3.5) == {
        "name": "take-1.mcap",
        "seconds": 2.5,
        "dropped": 0,
        "message": "",
    }
    recording.end()
    recording.put("/event", 4.0, {"t": 4.0, "what": "after"})
    until(lambda: recording.state(4.0)["message"] == "saved take-1.mcap")
    path = tmp_path / "deep" / "folder" / "take-1.mcap"
    assert [r.content["what"] for r in reading.read(path)] == ["in"]
    assert reading.origin(path)[1] == {"seed": 4, "piece": True}
    with pytest.raises(InputError, match="holds no poses"):
        replay(path)


def test_what_is_wrong_with_a_piece_is_said_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "old.mcap").write_bytes(b"precious")
    recording = RecordingSession(FACE, folder=tmp_path)
    for name, says in (("old", "another name"), ("a/b", "no name")):
        recording.begin(name)
        assert says in recording.state(0.0)["message"]
        assert not recording.on
    assert (tmp_path / "old.mcap").read_bytes() == b"precious"
    RecordingSession(FACE, folder=tmp_path / "old.mcap").begin(
        "x"
    )  # a file where a folder should be
    recording.begin("new")
    recording.begin("newer")
    assert recording.state(0.0)["message"] == "new.mcap is being recorded already"
    recording.close()


def test_a_piece_that_cannot_be_made_is_said_by_its_own_thread(tmp_path: Path) -> None:
    (tmp_path / "new.mcap").symlink_to(tmp_path / "nowhere" / "new.mcap")
    recording = RecordingSession(FACE, folder=tmp_path)
    recording.begin("new")
    assert recording.on  # the loop has not waited for the disk

    def over() -> bool:
        recording.check()  # never raises
        return not recording.on

    until(over)
    until(lambda: "No such file" in recording.state(0.0)["message"])


def test_a_full_disk_ends_a_piece_and_not_the_face(tmp_path: Path) -> None:
    recording = RecordingSession(FACE, folder=tmp_path)
    recording.hold(Recorder(tmp_path / "x.mcap", FACE, file=FullDisk()), whole=False)
    k = 0

    def stopped() -> bool:
        nonlocal k
        k += 1
        recording.put("/event", k / 60, {"t": k / 60, "what": str(hash(str(k))) * 200})
        recording.check()  # never raises
        return not recording.on

    until(stopped)
    until(lambda: "No space left on device" in recording.state(0.0)["message"])


def test_the_recording_of_a_whole_run_is_not_ended_by_a_click(tmp_path: Path) -> None:
    recording = RecordingSession(FACE, folder=tmp_path)
    recording.whole(tmp_path / "run.mcap")
    recording.end()
    assert recording.on
    assert "to its end" in recording.state(0.0)["message"]
    recording.begin("take-1")
    assert "already" in recording.state(0.0)["message"]
    recording.close()


def test_a_recording_is_not_written_over_another(tmp_path: Path) -> None:
    (tmp_path / "run.mcap").write_bytes(b"precious")
    with pytest.raises(InputError, match="already"):
        RecordingSession(FACE).whole(tmp_path / "run.mcap")
    assert (tmp_path / "run.mcap").read_bytes() == b"precious"


def test_a_whole_recording_that_fails_ends_the_run(tmp_path: Path) -> None:
    recording = RecordingSession(FACE)
    held = Recorder(tmp_path / "x.mcap", FACE, file=FullDisk())
    recording.hold(held)
    for k in range(900):
        recording.put("/event", k / 60, {"t": k / 60, "what": str(hash(str(k))) * 200})
    until(lambda: held.failed is not None)
    with pytest.raises(MienError, match="No space left"):
        recording.check()
    recording.close()
