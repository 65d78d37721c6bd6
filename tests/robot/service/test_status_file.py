"""A status is believed only from a process of this user that lives."""

import json
import os
from pathlib import Path

import pytest

from mien.robot.service import status_file
from mien.robot.service.status_file import Foreign, Gone, Status, StatusFile, process_mark, read
from tests.robot.service.places import own_folders


def a_status(**more: object) -> Status:
    content = {
        "mien": "0.1.0", "pid": os.getpid(), "process": process_mark(os.getpid()),
        "written_s": 1.0, "uptime_s": 2.0, "face": "hobby9", "port": "sim", "unattended": True,
        "armed": False, "rests": "", "problems": (), "board": "DISARMED", "faults": (),
        "frame_age_s": None, "hottest_c": 30.0, "voltage_v": None, "drops": {"records": 0},
        "disk_free_mb": 1000.0, "recording": "",
    }  # fmt: skip
    return Status.model_validate(content | more)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return own_folders(tmp_path, monkeypatch)


def test_what_is_written_is_read_and_nobody_else_may(home: Path) -> None:
    file = StatusFile()
    assert status_file.read_all() == {}
    file.write(a_status())
    file.write(a_status(armed=True))
    assert status_file.read_all() == {file.path: a_status(armed=True)}
    assert file.path.parent == home
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert list(home.iterdir()) == [file.path]  # no part is left
    file.remove()
    file.remove()
    assert status_file.read_all() == {}


def test_one_that_cannot_be_written_is_counted_and_raises_nothing(home: Path) -> None:
    file = StatusFile()
    home.rmdir()
    file.write(a_status())
    assert file.failed == 1


def test_a_file_that_its_process_left_behind_is_named_and_swept_by_the_next_run(
    home: Path,
) -> None:
    StatusFile().write(a_status(process="another boot-1"))
    path = home / f"{os.getpid()}.status"
    assert isinstance(read(path), Gone)
    StatusFile()
    assert not path.exists()
    dead = home / "4194305.status"  # beyond the largest number of a process
    dead.write_text(a_status(pid=4194305).model_dump_json())
    dead.chmod(0o600)
    assert isinstance(read(dead), Gone)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "{", '{"version": 2}', '{"version": 1}', "\x00", "[" * 1000, "x" * 100_000],
)
def test_a_text_that_is_no_status_is_not_believed(home: Path, text: str) -> None:
    StatusFile().write(a_status())
    path = home / f"{os.getpid()}.status"
    path.write_text(text)
    assert isinstance(read(path), Foreign)


def test_a_value_that_no_run_writes_is_not_believed() -> None:
    file = StatusFile()
    file.write(a_status())
    content = json.loads(file.path.read_text())
    for key, value in (("pid", -1), ("pid", 1e99), ("hottest_c", float("nan")), ("armed", "?"),
                       ("drops", {"a": "b"}), ("more", 1)):  # fmt: skip
        file.path.write_text(json.dumps(content | {key: value}))
        assert isinstance(read(file.path), Foreign), key


def test_links_pipes_and_files_for_others_are_not_believed(home: Path, tmp_path: Path) -> None:
    file = StatusFile()
    file.write(a_status())
    file.path.chmod(0o644)
    assert "mode 644" in str(read(file.path))
    file.path.unlink()
    real = tmp_path / "real"
    real.write_text(a_status().model_dump_json())
    file.path.symlink_to(real)
    assert "link" in str(read(file.path))
    file.path.unlink()
    os.mkfifo(file.path, 0o600)
    assert isinstance(read(file.path), Foreign)  # and does not wait for a writer
    file.path.unlink()
    file.write(a_status())
    other = home / "1.status"
    file.path.rename(other)
    assert f"process {os.getpid()}" in str(read(other))


def test_the_file_of_somebody_else_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    file = StatusFile()
    file.write(a_status())
    path, uid = file.path, os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    assert f"user {uid}" in str(read(path))
