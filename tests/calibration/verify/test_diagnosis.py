"""A check names the actuator that is at fault, and what it has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.calibration.capture import dataset
from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import PLAN, collect
from mien.calibration.plan.check_poses import check_poses
from mien.calibration.plan.excitation import make_plan
from mien.calibration.verify.diagnosis import diagnose
from mien.calibration.verify.watched_poses import (
    WatchedPose,
    load_watched,
    save_watched,
    watch_poses,
)
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import FaceConfig, Floats, load_face
from tests.calibration.analytic_rig import AnalyticRig

NOISE_MM = 0.4
KINDS = ("stuck", "slow", "slipped")


class Faulty(AnalyticRig):
    """The robot with a fault of one actuator."""

    def __init__(self, face: FaceConfig, kind: str, i: int) -> None:
        super().__init__(face, NOISE_MM, noise_seed=5)
        self.kind, self.i = kind, i
        if kind == "slow":
            self.speed[i] = 0.3 * face.speed[i]

    def actual(self, told: Floats) -> Floats:
        change = {"stuck": -told[self.i], "slipped": 0.25}.get(self.kind, 0.0)
        return np.asarray(told + change * (np.arange(len(told)) == self.i))


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("hobby9")


@pytest.fixture(scope="module")
def known(
    face: FaceConfig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SelfModel, Dataset, list[WatchedPose]]:
    folder = tmp_path_factory.mktemp("diagnosis")
    make_plan(face, 250).save(folder / PLAN)
    collect(face, AnalyticRig(face, NOISE_MM), folder)
    data = dataset.load(folder, face)
    model = face_fit.fit_face(face, data, FitConfig(latents=16, hidden=(24, 24), steps=400))
    save_watched(folder, watch_poses(face, AnalyticRig(face, NOISE_MM), check_poses(face, 20)))
    return model, data, load_watched(folder, face)


@pytest.mark.parametrize("kind", KINDS)
def test_each_faulty_actuator_is_named_with_its_fault(
    face: FaceConfig, known: tuple[SelfModel, Dataset, list[WatchedPose]], kind: str
) -> None:
    model, data, healthy = known
    for i in model.inputs[::3]:
        now = watch_poses(face, Faulty(face, kind, int(i)), check_poses(face, 20))
        found = diagnose(face, model, data, healthy, now)
        assert [f.actuator for f in found] == [face.names[i]]
        assert found[0].kind == kind.replace("stuck", "still")
        assert str(found[0]).startswith(face.names[i])


def test_a_healthy_robot_has_no_fault(
    face: FaceConfig, known: tuple[SelfModel, Dataset, list[WatchedPose]]
) -> None:
    model, data, healthy = known
    for seed in range(4):
        rig = AnalyticRig(face, NOISE_MM, noise_seed=10 + seed)
        now = watch_poses(face, rig, check_poses(face, 20))
        assert diagnose(face, model, data, healthy, now) == []


def test_lost_pictures_of_a_faulty_robot_hide_nothing(
    face: FaceConfig, known: tuple[SelfModel, Dataset, list[WatchedPose]]
) -> None:
    model, data, healthy = known
    i = int(model.inputs[0])
    now = watch_poses(face, Faulty(face, "stuck", i), check_poses(face, 20))
    for k in (3, 7):
        now[k] = replace(now[k], seen=now[k].seen * np.nan, head=now[k].head * np.nan)
    run = now[9].run
    assert run is not None
    run.seen[1], run.head[1] = np.nan, np.nan
    (fault,) = diagnose(face, model, data, healthy, now)
    assert (fault.actuator, fault.kind) == (face.names[i], "still")


def test_a_damaged_record_of_the_healthy_face_counts_as_none(
    face: FaceConfig, known: tuple[SelfModel, Dataset, list[WatchedPose]], tmp_path: Path
) -> None:
    save_watched(tmp_path, known[2])
    path = tmp_path / "healthy.npz"
    assert len(load_watched(tmp_path, face)) == 20
    assert load_watched(tmp_path, load_face("morpheus33")) == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert load_watched(tmp_path, face) == []
