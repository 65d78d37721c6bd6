"""The dated history of a calibration, and a region that is calibrated again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.calibration.identify import face_fit
from mien.calibration.identify.wiring import reference_model
from mien.calibration.verbs import cli
from mien.calibration.verbs.history import HISTORY, model_hash, read_history, record
from mien.calibration.verbs.workspace import Workspace
from mien.models.self_model.model import POWERS
from mien.robot.errors import InputError
from mien.robot.face.config import load_face

JUNE, JULY = datetime(2027, 6, 1, tzinfo=UTC), datetime(2027, 7, 1, 8, 30, tzinfo=UTC)


def test_each_run_is_a_line_with_date_numbers_and_the_models_hash(tmp_path: Path) -> None:
    workspace = Workspace("hobby9", tmp_path)
    record(workspace, "collect", {"poses": 150, "robot_s": float("nan")}, JUNE)
    (tmp_path / face_fit.MODEL).write_bytes(b"model")
    record(workspace, "check", {"verdict": "keep", "rmse_mm": 0.123456}, JULY)
    lines, damaged = read_history(tmp_path)
    assert damaged == 0
    assert [(x.date, x.stage) for x in lines] == [
        ("2027-06-01T00:00:00+00:00", "collect"),
        ("2027-07-01T08:30:00+00:00", "check"),
    ]
    assert lines[0].numbers == {"poses": 150.0}
    assert lines[1].numbers == {"verdict": "keep", "rmse_mm": 0.1235}
    assert (lines[0].model, lines[1].model) == ("", model_hash(tmp_path))


@pytest.mark.parametrize(
    "torn",
    [b'{"date": "2027', b"\xff\xfe", b"[1, 2]", b'{"date": 3, "stage": "x", "numbers": {}}'],
)
def test_a_torn_line_is_counted_and_the_next_one_is_whole(tmp_path: Path, torn: bytes) -> None:
    workspace = Workspace("hobby9", tmp_path)
    record(workspace, "fit", {"poses": 1}, JUNE)
    with (tmp_path / HISTORY).open("ab") as f:
        f.write(torn)
    record(workspace, "check", {"verdict": "trim"}, JULY)
    lines, damaged = read_history(tmp_path)
    assert [x.stage for x in lines] == ["fit", "check"]
    assert damaged == 1


def test_a_folder_without_runs_names_the_first_command(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["history", "--face", "hobby9", "--out", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "mien calibrate all --face hobby9" in result.exception.hint


def test_a_region_is_calibrated_again_on_the_rig_and_stands_in_the_history(tmp_path: Path) -> None:
    face = load_face("hobby9")
    model = reference_model(face)
    assert model is not None
    face_fit.save(tmp_path, model)
    workspace = Workspace("hobby9", tmp_path)
    before = workspace.model(face)
    where = ["--face", "hobby9", "--out", str(tmp_path)]
    result = CliRunner().invoke(cli.app, ["all", *where, "--region", "eyes", "--build", "51"])
    assert result.exception is None, result.output
    after = workspace.model(face)
    eyes = {k for k, i in enumerate(model.inputs) if face.actuators[face.names[i]].region == "eyes"}
    m = len(model.inputs)
    kept = [k for k in range(len(before.out)) if k >= POWERS * m or k % m not in eyes]
    assert (after.out[kept] == before.out[kept]).all()
    assert (after.decoder == before.decoder).all()
    assert (after.w2 == before.w2).all()
    shown = CliRunner().invoke(cli.app, ["history", *where, "--json"])
    line = json.loads(shown.stdout.splitlines()[-1])
    assert line["stage"] == "region"
    assert line["numbers"]["region"] == "eyes"
    assert line["numbers"]["after_mm"] <= line["numbers"]["before_mm"]
