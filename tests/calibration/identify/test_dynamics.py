"""Dead times and speeds are those of the servos; nothing is estimated where nothing is visible."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.calibration.capture import dataset
from mien.calibration.capture.open_rig import open_rig
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import PLAN, collect
from mien.calibration.identify.dynamics import (
    FOLDER,
    RATE_HZ,
    ActuatorDynamics,
    identify_dynamics,
    late_actuators,
    record_step_responses,
    rows,
    stroke_commands,
    warnings,
)
from mien.calibration.plan.excitation import make_plan
from mien.models.self_model import model as self_model
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import FaceConfig, Floats, load_face
from tests.calibration.analytic_rig import AnalyticRig
from tests.calibration.sim_rigs import watch_steps

Known = tuple[FaceConfig, SelfModel]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    face, folder = load_face("hobby9"), tmp_path_factory.mktemp("pace")
    make_plan(face, 300).save(folder / PLAN)
    collect(face, AnalyticRig(face), folder)
    # Every actuator has been watched on the way, once, and their strokes are no poses.
    assert {p.stem for p in (folder / FOLDER).glob("*.npz")} == set(face.names)
    data = dataset.load(folder, face)
    assert (data.pose == -1).sum() == 1 + 2 * len(face.names)
    assert not list(
        record_step_responses(face, AnalyticRig(face), folder, np.zeros(len(face.names), bool))
    )
    return face, face_fit.fit_face(face, data, FitConfig(latents=16, hidden=(24, 24), steps=400))


def watched(
    face: FaceConfig, model: SelfModel, folder: Path, spoil: Callable[[AnalyticRig], None]
) -> dict[str, ActuatorDynamics]:
    rig = AnalyticRig(face, noise=0.3)
    rig.speed = 2.0 * face.speed
    spoil(rig)
    for _ in record_step_responses(face, rig, folder, np.zeros(len(face.names), bool)):
        pass
    return {p.actuator: p for p in identify_dynamics(face, model, folder)}


def test_strokes_are_inside_limits_speed_and_alone() -> None:
    face = load_face("morpheus33")
    for i, name in enumerate(face.names):
        run = stroke_commands(face, i)
        assert (run >= face.limits[:, 0]).all()
        assert (run <= face.limits[:, 1]).all()
        assert (np.abs(np.diff(run, axis=0)) <= face.speed / RATE_HZ + 1e-9).all()
        assert not np.delete(run - face.safe, i, axis=1).any()
        assert not run[-1, i]
        if face.actuators[name].region == "neck":
            assert np.abs(run).max() <= 0.5


def test_what_a_formula_does_is_found(known: Known, tmp_path: Path) -> None:
    face, model = known
    slow = face.index("jaw_open")

    def spoil(rig: AnalyticRig) -> None:
        rig.dead_s = 0.045
        rig.speed[slow] = 0.4 * face.speed[slow]

    found = watched(face, model, tmp_path, spoil)
    assert [n for n, p in found.items() if p.slow] == ["jaw_open"]
    assert found["jaw_open"].speed == pytest.approx(0.4 * face.speed[slow], rel=0.1)
    for p in found.values():
        assert abs(p.dead_s - 0.045) < max(0.004, 3 * p.dead_error_s)
    (output,) = warnings(list(found.values()))
    assert "jaw_open is slow" in output
    assert f"the YAML allows {face.speed[slow]:g}" in output


def test_one_that_is_late_is_named(known: Known, tmp_path: Path) -> None:
    face, model = known
    watched(face, model, tmp_path, lambda _: None)
    (tmp_path / FOLDER / "gaze_x.npz").unlink()
    found = watched(face, model, tmp_path, lambda rig: setattr(rig, "dead_s", 0.12))
    assert [p.actuator for p in late_actuators(list(found.values()))] == ["gaze_x"]
    assert rows(list(found.values()))["gaze_x"]["late"]


def test_what_does_not_show_is_not_seen(known: Known, tmp_path: Path) -> None:
    face, model = known

    def spoil(rig: AnalyticRig) -> None:
        rig.patches[face.index("brow_left")] = 0.0
        rig.patches[face.index("gaze_y")] *= 0.02

    found = watched(face, model, tmp_path, spoil)
    assert not found["brow_left"].visible
    assert not found["gaze_y"].visible
    assert rows(list(found.values()))["gaze_y"]["speed"] is None
    assert found["jaw_open"].visible
    path = tmp_path / FOLDER / "gaze_x.npz"
    with np.load(path) as z:
        dark = {k: z[k] for k in z.files}
    dark["seen"][:] = np.nan
    np.savez(path, **dark)
    found = {p.actuator: p for p in identify_dynamics(face, model, tmp_path)}
    assert not found["gaze_x"].visible
    assert found["gaze_x"].frames == 0
    # It is watched again when collecting goes on.
    still = np.zeros(len(face.names), bool)
    assert [n for n, _ in record_step_responses(face, AnalyticRig(face), tmp_path, still)] == [
        "gaze_x"
    ]
    path = tmp_path / FOLDER / "jaw_open.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert "jaw_open" not in {p.actuator for p in identify_dynamics(face, model, tmp_path)}


def test_the_rigs_servos_in_lock_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A horn's true lateness: when it is half way of a stroke, against its command."""
    face = load_face("hobby9")
    model = self_model.read(self_model.shipped("hobby9"))
    slow = "corner_y_left"
    truth: list[tuple[float, Floats]] = []
    watch_steps(monkeypatch, lambda rig: truth.append((rig.time, rig.servo_angles())))
    rig = open_rig(face, faults=(f"slow:{slow}:0.4",))
    try:
        rig.start()
        runs = dict(record_step_responses(face, rig, tmp_path, np.zeros(len(face.names), bool)))
    finally:
        rig.stop()
    found = {p.actuator: p for p in identify_dynamics(face, model, tmp_path)}
    assert [n for n, p in found.items() if p.slow] == [slow]
    at, angles = np.array([t for t, _ in truth]), np.array([a for _, a in truth])
    off = []
    for name, run in runs.items():
        if not found[name].visible or name == slow:
            continue
        i = face.index(name)
        here = (at >= run.sent_at[0]) & (at <= run.sent_at[-1])
        t, angle = at[here], angles[here, i]
        way = np.interp(t, run.sent_at, run.sent[:, i])
        back = np.arange(0.0, 0.1, 0.002)
        fits = [
            np.corrcoef(np.interp(t - d, run.sent_at, run.sent[:, i]), angle)[0, 1] for d in back
        ]
        assert np.ptp(way) > 0.5
        off.append(found[name].dead_s - back[int(np.argmax(fits))])
    assert len(off) >= 6
    assert abs(float(np.mean(off))) < 0.008
    assert float(np.abs(off).max()) < 0.025
