"""Old recordings go, and nothing else does."""

from datetime import datetime
from pathlib import Path

import pytest

from mien.robot.service.rotation import name_at, recordings, rotate
from mien.robot.service.settings import Recordings


def files(folder: Path, count: int, size: int = 1000) -> list[str]:
    names = [name_at(datetime(2026, 1, 1, 0, k)) + ".mcap" for k in range(count)]
    for name in names:
        (folder / name).write_bytes(b"x" * size)
    return names


def left(folder: Path) -> list[str]:
    return [one.path.name for one in recordings(folder)]


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (Recordings(keep=3), 3),
        (Recordings(keep=100), 6),
        (Recordings(keep=100, max_mb=2.5), 2),
        (Recordings(keep=1, max_mb=1.0), 1),
    ],
)
def test_the_newest_stay_within_count_and_size(
    tmp_path: Path, limits: Recordings, kept: int
) -> None:
    names = files(tmp_path, 6, 1_000_000)
    assert rotate(tmp_path, limits) == 6 - kept
    assert left(tmp_path) == names[6 - kept :]


def test_a_full_disk_takes_the_oldest_until_there_is_room(tmp_path: Path) -> None:
    names = files(tmp_path, 4, 1_000_000)
    assert rotate(tmp_path, Recordings(), short_mb=1.5) == 2
    assert left(tmp_path) == names[2:]
    assert rotate(tmp_path, Recordings(), short_mb=-5.0) == 0


def test_the_one_that_is_being_written_stays_whatever_its_name(tmp_path: Path) -> None:
    names = files(tmp_path, 3)
    rotate(tmp_path, Recordings(keep=1), 1e6, current=names[0])  # the clock was set back
    assert left(tmp_path) == names[:1]


def test_files_of_a_person_are_never_touched(tmp_path: Path) -> None:
    mine = ["take.mcap", "unattended-my.mcap", "unattended-20260101-000000.mcap.bak"]
    for name in mine:
        (tmp_path / name).write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / "unattended-20250101-000000.mcap").symlink_to(elsewhere)
    files(tmp_path, 3)
    rotate(tmp_path, Recordings(keep=1), 1e6)
    assert all((tmp_path / name).exists() for name in mine)
    assert elsewhere.exists()
    assert rotate(tmp_path / "none", Recordings()) == 0
