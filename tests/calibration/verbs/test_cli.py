"""The stages as a user calls them: files in, files out, the next command output."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.frame_filter import NO_FACE
from mien.calibration.identify.collect import collect
from mien.calibration.plan.excitation import make_plan
from mien.calibration.report import report
from mien.calibration.verbs import cli, session, verification
from mien.calibration.verbs.install import install
from mien.calibration.verbs.options import Robot
from mien.calibration.verbs.workspace import Workspace
from mien.calibration.verify.results import VerificationResults
from mien.models.self_model import model as self_model
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.errors import ConfigError, InputError, MienError
from mien.robot.face.config import FaceConfig, load_face
from tests.calibration.analytic_rig import AnalyticRig
from tests.calibration.sim_rigs import capture_through


def run(*words: str) -> str:
    done = CliRunner().invoke(cli.app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_plan_says_what_comes_next(tmp_path: Path) -> None:
    output = run("plan", "--face", "hobby9", "--out", str(tmp_path), "--poses", "200")
    assert (tmp_path / "plan.npz").exists()
    assert f"mien calibrate collect --face hobby9 --out {tmp_path}" in output.replace("\n", "")


@pytest.mark.parametrize(
    ("stage", "hint"),
    [
        ("collect", "mien calibrate plan"),
        ("fit", "mien calibrate collect"),
        ("verify", "mien calibrate collect"),
        ("report", "mien calibrate collect"),
    ],
)
def test_a_stage_too_early_names_the_one_before(tmp_path: Path, stage: str, hint: str) -> None:
    with pytest.raises(InputError) as e:
        run(stage, "--face", "hobby9", "--out", str(tmp_path))
    assert hint in e.value.hint


def test_a_plan_is_not_replaced_under_its_data(tmp_path: Path) -> None:
    face = load_face("hobby9")
    make_plan(face, 100).save(tmp_path / "plan.npz")
    collect(face, AnalyticRig(face), tmp_path, stop_after=3)
    with pytest.raises(InputError, match="already holds poses") as e:
        run("plan", "--face", "hobby9", "--out", str(tmp_path))
    assert "collect" in e.value.hint


def test_collect_and_fit_leave_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rig(face: FaceConfig, *_: object) -> CaptureRig:
        return AnalyticRig(face)

    monkeypatch.setattr(session, "open_rig", rig)
    monkeypatch.setattr(cli, "reference_model", lambda _face: None)
    monkeypatch.setattr(cli, "FitConfig", QUICK)
    where = ("--face", "hobby9", "--out", str(tmp_path))
    run("plan", *where, "--poses", "160")
    output = run("collect", *where)
    assert "0 without a face" in output
    output = run("fit", *where)
    assert (tmp_path / "self_model.safetensors").exists()
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["fit_s"] > 0
    assert metrics["robot_s"] > 0
    assert "verify" in output


def test_only_a_face_that_proved_it_is_called_calibrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    face, workspace = load_face("hobby9"), Workspace("hobby9", tmp_path)
    found = {"inverse_mean_pct": 1.9, "inverse_p95_pct": 2.0, "vs_nearest": 0.2}
    monkeypatch.setattr(session, "open_rig", lambda *_: AnalyticRig(face))
    monkeypatch.setattr(cli, "reference_model", lambda _face: None)
    monkeypatch.setattr(verification, "check_all", lambda *_: VerificationResults(found, {}))
    monkeypatch.setattr(verification, "learning_curve", lambda *_: {})
    monkeypatch.setattr(cli, "FitConfig", QUICK)
    installed = []
    monkeypatch.setattr(cli, "install", lambda *_: installed.append(True))
    monkeypatch.setattr(report, "write_report", lambda page, *_: page)
    monkeypatch.setattr(verification, "load_arrays", lambda *_: {})
    where = ("--face", "hobby9", "--out", str(tmp_path))
    run("plan", *where, "--poses", "160")

    done = CliRunner().invoke(cli.app, ["all", *where, "--ship"])
    error = done.exception
    assert isinstance(error, MienError)
    assert error.exit_code == 1
    assert "hobby9 is not calibrated: inverse_mean_pct is 1.9, at most 1.5" in error.message
    assert error.hint.startswith(f"mien calibrate all --face hobby9 --out {tmp_path}-2")
    assert "hobby9 is calibrated" not in done.output
    assert "report.html" in done.output  # it was written all the same
    assert proven(face, tmp_path) is False
    with pytest.raises(InputError, match="is not installed"):
        install(face, workspace)

    found["inverse_mean_pct"] = 0.4
    output = run("all", *where, "--ship", "--poses", "170")
    assert "--poses 170 is for a new folder" in output
    assert "hobby9 is calibrated" in output
    assert proven(face, tmp_path) is True
    assert installed == [True]
    # A new fit has proven nothing yet.
    run("fit", *where)
    assert proven(face, tmp_path) is None


QUICK = partial(FitConfig, steps=20, rounds=1)


def proven(face: FaceConfig, folder: Path) -> bool | None:
    """What the model in a folder says of itself."""
    model = self_model.load(folder / "self_model.safetensors", face.name, face.hashes)
    return model.meta.get("calibrated")


def test_options_that_cannot_be_are_not_told_to_later_commands(tmp_path: Path) -> None:
    where = ("--face", "hobby9", "--out", str(tmp_path))
    run("plan", *where, "--poses", "160")
    for wrong in (("--camera", "sideways"), ("--fault", "torn:jaw_open")):
        with pytest.raises(InputError) as e:
            run("collect", *where, *wrong)
        assert e.value.hint.startswith("mien calibrate")
        assert json.loads((tmp_path / "metrics.json").read_text())["opened"] == {}


def test_what_a_stage_opened_and_dropped_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = iter((NO_FACE,) * 3)
    capture_through(monkeypatch, lambda good: lambda: next(blind, None) or good())
    workspace = Workspace("hobby9", tmp_path)
    with (
        pytest.raises(RuntimeError),
        session.open_session(
            load_face("hobby9"),
            workspace,
            Robot("sim", "projected", 2, 7, 60.0, ("stuck:gaze_x",)),
            "check",
        ) as rig,
    ):
        rig.start()
        rig.observe()
        rig.stop()
        raise RuntimeError
    with (
        pytest.raises(ConfigError),
        session.open_session(
            load_face("hobby9"), workspace, Robot("sim", "projected", 3, 0, 60.0), "collect"
        ) as rig,
    ):
        rig.stop()
        raise ConfigError("of another robot")
    session.add_dropped(workspace, "collect", {"blurred": 1})
    metrics = workspace.metrics()
    assert metrics["dropped"] == {"check": {"lost": 3}, "collect": {"blurred": 1}}
    assert workspace.command("trim").endswith(
        "--camera projected --build 2 --seed 7 --fault stuck:gaze_x"
    )


def test_the_verbs_import_nothing_heavy() -> None:
    heavy = ("torch", "mujoco", "mediapipe", "matplotlib", "cv2")
    script = (
        "import sys\n"
        "import mien.calibration.verbs.cli\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
