import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mien.models.checkpoint import WEIGHTS
from mien.models.face import emotion_table
from mien.robot.errors import MienError
from mien.robot.verbs import doctor


def app() -> typer.Typer:
    verbs = typer.Typer()
    for verb in (doctor.doctor, doctor.ports, doctor.devices):
        verbs.command()(verb)
    return verbs


def test_every_failed_check_comes_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "WEIGHTS", WEIGHTS / "nowhere")
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("mien.robot.verbs.doctor.find_spec", lambda _: None)
    rows = {r.name: r for r in doctor.examine()}
    assert not rows["Python packages"].ok
    assert "no-such-package" in rows["Python packages"].fix
    assert not rows["weights speech"].ok
    assert not rows["avr-gcc"].ok
    assert not rows["avr-gcc"].needed
    assert not rows["text to speech"].ok
    assert not rows["text to speech"].needed
    assert "pip install hibari-tts" in rows["text to speech"].fix
    assert rows["emotions"].found.startswith("neutral, happiness")
    for row in rows.values():
        assert row.ok or row.fix, row.name


def test_a_faulty_file_of_emotions_is_a_row_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "emotions.yaml"
    path.write_text("version: 1\nemotions: {smug: {arousal: 2}}")
    monkeypatch.setenv("MIEN_EMOTIONS", str(path))
    emotion_table.table.cache_clear()
    row = {r.name: r for r in doctor.examine()}["emotions"]
    emotion_table.table.cache_clear()
    assert row.needed
    assert not row.ok
    assert "line 2: emotions.smug.arousal" in row.found
    assert str(path) in row.fix


def test_a_missing_needed_thing_fails_and_json_lists_all_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = doctor.Check("thing", False, "gone", "bring it")
    monkeypatch.setattr(doctor, "examine", lambda: [row])
    result = CliRunner().invoke(app(), ["doctor", "--json"])
    assert isinstance(result.exception, MienError)
    assert json.loads(result.stdout)[0]["fix"] == "bring it"
    result = CliRunner().invoke(app(), ["doctor"])
    assert "bring it" in result.stdout


def test_what_only_some_uses_need_does_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    row = doctor.Check("microphone", False, "none", "plug one in", needed=False)
    monkeypatch.setattr(doctor, "examine", lambda: [row])
    assert CliRunner().invoke(app(), ["doctor"]).exit_code == 0
