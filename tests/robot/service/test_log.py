"""The log of an unattended run where its files cannot go."""

from datetime import datetime
from pathlib import Path

import pytest

from mien.robot.service.log import LogFile
from mien.robot.service.places import log_path
from mien.robot.service.settings import Log
from tests.robot.service.places import own_folders

NOON = datetime(2026, 1, 2, 12, 0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return own_folders(tmp_path, monkeypatch)


def test_a_folder_where_an_older_log_goes_costs_older_logs_and_no_line() -> None:
    (log_path().parent / "service.log.1" / "x").mkdir(parents=True)
    (log_path().parent / "service.log.2" / "x").mkdir(parents=True)
    log, at = LogFile(Log(max_mb=0.01, keep=2)), NOON
    for k in range(400):
        log.say(f"line {k} {'x' * 60}", at)
        assert f"line {k} " in log_path().read_text()
    assert log_path().stat().st_size <= 10_000
