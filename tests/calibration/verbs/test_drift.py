"""``mien calibrate check`` names what is at fault, and says what it cannot judge."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.calibration.capture import dataset
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import collect
from mien.calibration.plan.check_poses import check_poses
from mien.calibration.plan.excitation import make_plan
from mien.calibration.plan.stages import PLAN
from mien.calibration.verbs import cli, session
from mien.calibration.verbs.drift import seen_otherwise_mm
from mien.calibration.verify.checks import check_model
from mien.calibration.verify.watched_poses import FILE, save_watched, watch_poses
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.errors import ConfigError
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.runs import write_json
from tests.calibration.analytic_rig import AnalyticRig
from tests.calibration.verify.test_diagnosis import NOISE_MM, Faulty


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("hobby9")


@pytest.fixture(scope="module")
def folder(face: FaceConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A calibration that was verified."""
    out = tmp_path_factory.mktemp("check")
    make_plan(face, 250).save(out / PLAN)
    collect(face, AnalyticRig(face, NOISE_MM), out)
    data = dataset.load(out, face)
    model = face_fit.fit_face(face, data, FitConfig(latents=16, hidden=(24, 24), steps=400))
    face_fit.save(out, model)
    write_json(out / "metrics.json", check_model(face, data, model).metrics)
    save_watched(out, watch_poses(face, AnalyticRig(face, NOISE_MM), check_poses(face, 20)))
    return out


def checked(folder: Path, rig: AnalyticRig, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What a check of ``rig`` prints, on stdout and stderr together, and its verdict."""
    monkeypatch.setattr(session, "open_rig", lambda *_: rig)
    done = CliRunner().invoke(
        cli.app, ["check", "--face", "hobby9", "--out", str(folder)], catch_exceptions=False
    )
    assert rig.stopped
    return done.output, json.loads((folder / "metrics.json").read_text())["check_verdict"]


def test_a_healthy_face_is_kept(
    folder: Path, face: FaceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = AnalyticRig(face, NOISE_MM, noise_seed=8)
    output, verdict = checked(folder, rig, monkeypatch)
    assert verdict == "keep"
    assert "keep: error" in output
    assert json.loads((folder / "metrics.json").read_text())["check_faults"] == []


@pytest.mark.parametrize(
    ("kind", "verdict", "words"),
    [
        ("stuck", "repair", "does not move: it is stuck or dead"),
        ("slow", "repair", "is slow: it reaches"),
        ("slipped", "trim", "has slipped by +0."),
    ],
)
def test_a_faulty_actuator_is_named(
    folder: Path,
    face: FaceConfig,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    verdict: str,
    words: str,
) -> None:
    name = "jaw_open"
    output, found = checked(folder, Faulty(face, kind, face.index(name)), monkeypatch)
    assert found == verdict
    assert f"{name} {words}" in output
    (fault,) = json.loads((folder / "metrics.json").read_text())["check_faults"]
    assert fault["actuator"] == name


def test_another_light_is_no_fault_of_an_actuator(
    folder: Path, face: FaceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = AnalyticRig(face, NOISE_MM)
    rig.neutral = rig.neutral + 1.5 * np.sin(rig.neutral[:, [1]] / 7.0) * (0.0, 1.0, 0.5)
    output, verdict = checked(folder, rig, monkeypatch)
    assert verdict == "redo"
    assert "if light, lens or camera have changed" in " ".join(output.split())


def test_another_robot_is_refused_with_the_command_for_it(
    folder: Path, face: FaceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="another robot or another camera: build is 0 there") as e:
        checked(folder, AnalyticRig(face, build=3), monkeypatch)
    assert "mien calibrate all --face hobby9" in e.value.hint


def test_an_older_calibration_is_still_checked_for_drift(
    folder: Path, face: FaceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / FILE).read_bytes()
    (folder / FILE).unlink()
    try:
        output, verdict = checked(folder, AnalyticRig(face, NOISE_MM), monkeypatch)
    finally:
        (folder / FILE).write_bytes(before)
    assert verdict == "keep"
    assert "faulty actuators are not named" in " ".join(output.split())
    assert "mien calibrate verify" in " ".join(output.split())


def test_only_what_all_poses_share_counts_as_seen_otherwise() -> None:
    change = np.random.default_rng(0).normal(size=(400, 478, 3))
    assert seen_otherwise_mm(change) < 0.2
    assert seen_otherwise_mm(change + 5.0) < 0.2  # the camera's drift
    assert seen_otherwise_mm(np.where(np.arange(478)[:, None] % 2, 1.0, -1.0) + change) > 1.5
