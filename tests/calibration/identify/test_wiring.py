"""The first pass names what is wired wrong, and nothing on a healthy robot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.calibration.capture import dataset
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import PLAN, collect
from mien.calibration.identify.tendons import slack_tendons
from mien.calibration.identify.wiring import check_wiring, reference_model
from mien.calibration.plan.excitation import make_plan
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import FaceConfig, Floats, load_face
from tests.calibration.analytic_rig import AnalyticRig

NOISE = 0.5


class Miswired(AnalyticRig):
    """A robot that is told one thing and does another: ``wiring`` (n, n) mixes the commands."""

    def __init__(self, face: FaceConfig, wiring: Floats) -> None:
        super().__init__(face, noise=NOISE)
        self.wiring = wiring

    def true_landmarks(self) -> Floats:
        told, felt = self.at, self.tendon_state
        self.at = self.wiring @ told
        self.tendon_state = self.at[self.tendons]
        try:
            return super().true_landmarks()
        finally:
            self.at, self.tendon_state = told, felt


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("morpheus33")


@pytest.fixture(scope="module")
def known(face: FaceConfig, tmp_path_factory: pytest.TempPathFactory) -> SelfModel:
    folder = tmp_path_factory.mktemp("known")
    make_plan(face, 600).save(folder / PLAN)
    collect(face, AnalyticRig(face), folder, stop_after=330)
    return face_fit.fit_face(face, dataset.load(folder, face), FitConfig(steps=200))


def find(face: FaceConfig, known: SelfModel, wiring: Floats, folder: Path) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    make_plan(face, 600).save(folder / PLAN)
    collect(face, Miswired(face, wiring), folder, stop_after=200)
    return {f.actuator: str(f) for f in check_wiring(face, dataset.load(folder, face), known)}


def test_a_healthy_robot_has_no_findings(
    face: FaceConfig, known: SelfModel, tmp_path: Path
) -> None:
    assert find(face, known, np.eye(len(face.names)), tmp_path) == {}


def test_everything_wrong_is_named_and_nothing_else(
    face: FaceConfig, known: SelfModel, tmp_path: Path
) -> None:
    wiring = np.eye(len(face.names))
    at = face.index
    wiring[at("jaw_open"), at("jaw_open")] = 0.0
    wiring[at("cheek_left"), at("cheek_left")] = 0.0
    wiring[at("gaze_x"), at("gaze_x")] = -1.0
    # Two that move different places in this made-up face, so that one cannot pass for the other.
    patches = AnalyticRig(face).patches.reshape(len(face.names), -1)
    rigid = [i for i, n in enumerate(face.names) if n.startswith(("brow", "lip", "corner"))]
    size = np.linalg.norm(patches[rigid], axis=1)
    alike = np.abs(patches[rigid] @ patches[rigid].T) / np.outer(size, size)
    alike += 9.0 * (np.minimum.outer(size, size) / np.maximum.outer(size, size) < 0.7)
    a, b = (rigid[k] for k in np.unravel_index(alike.argmin(), alike.shape))
    wiring[[a, b]] = wiring[[b, a]]
    one, other = face.names[a], face.names[b]
    found = find(face, known, wiring, tmp_path)
    assert "stuck" in found.pop("jaw_open")
    assert "slack or torn" in found.pop("cheek_left")
    assert "reversed" in found.pop("gaze_x")
    assert other in found.pop(one)
    assert one in found.pop(other)
    assert found == {}


def test_another_camera_may_not_see_all_that_moves(
    face: FaceConfig, known: SelfModel, tmp_path: Path
) -> None:
    blind = replace(known, meta=known.meta | {"camera": "another"})
    both, one = np.eye(len(face.names)), np.eye(len(face.names))
    cheeks = [face.index("cheek_left"), face.index("cheek_right")]
    both[cheeks, cheeks] = 0.0
    one[cheeks[0], cheeks[0]] = 0.0
    # A few pulls say nothing here; many do, if the other side shows that this camera sees cheeks.
    for name, wiring, loose in (("both", both, set[str]()), ("one", one, {"cheek_left"})):
        assert find(face, blind, wiring, tmp_path / name) == {}
        collect(face, Miswired(face, wiring), tmp_path / name, stop_after=70)
        data = dataset.load(tmp_path / name, face)
        found = slack_tendons(face, data, blind)
        assert {f.actuator for f in found} == loose
        assert all("does not see it move, but it sees cheek_right" in str(f) for f in found)
        assert not slack_tendons(face, data, known)
    data = dataset.load(tmp_path / "both", face)
    assert {f.actuator for f in check_wiring(face, data, known)} == {"cheek_left", "cheek_right"}


def test_the_known_robot_is_the_shipped_one(face: FaceConfig) -> None:
    model = reference_model(face)
    assert model is not None
    assert model.names == face.names
