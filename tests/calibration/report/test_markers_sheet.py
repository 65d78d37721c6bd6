"""The printable sheet of the dots."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from mien.calibration.report import markers_sheet
from mien.calibration.verbs import cli
from mien.robot.errors import InputError


def test_the_sheet_has_two_a4_pages_and_is_the_same_each_time(tmp_path: Path) -> None:
    first = markers_sheet.write_sheet(tmp_path / "a.pdf").read_bytes()
    assert first.startswith(b"%PDF")
    assert first.count(b"/Type /Page\n") + first.count(b"/Type /Page ") == 2
    assert b"/MediaBox [ 0 0 595." in first
    assert markers_sheet.write_sheet(tmp_path / "b.pdf").read_bytes() == first


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    target = tmp_path / "none" / "a.pdf"
    result = CliRunner().invoke(cli.app, ["markers-sheet", "--out", str(target)])
    assert isinstance(result.exception, InputError)
    assert str(target) in result.exception.message
