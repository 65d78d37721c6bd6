"""The first pass names what is wired wrong, and nothing on a healthy robot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.calibration.capture import dataset
from mien.calibration.identify import fit
from mien.calibration.identify.collect import PLAN, collect
from mien.calibration.identify.tendons import loose_strings
from mien.calibration.identify.wiring import first_pass, known_robot
from mien.calibration.plan.excitation import make_plan
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.config import FitConfig
from mien.robot.face.config import FaceConfig, Floats, load_face
from tests.calibration.analytic_rig import AnalyticStage

NOISE = 0.5


class Miswired(AnalyticStage):
    """A robot that is told one thing and does another: ``wiring`` (n, n) mixes the commands."""

    def __init__(self, face: FaceConfig, wiring: Floats) -> None:
        super().__init__(face, noise=NOISE)
        self.wiring = wiring

    def truth(self) -> Floats:
        told, felt = self.at, self.memory
        self.at = self.wiring @ told
        self.memory = self.at[self.strings]
        try:
            return super().truth()
        finally:
            self.at, self.memory = told, felt


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("morpheus33")


@pytest.fixture(scope="module")
def known(face: FaceConfig, tmp_path_factory: pytest.TempPathFactory) -> SelfModel:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("known")
    make_plan(face, 600).save(folder / PLAN)
    collect(face, AnalyticStage(face), folder, stop_after=330)
    return fit.fit_face(face, dataset.load(folder, face), FitConfig(steps=200))


def find(face: FaceConfig, known: SelfModel, wiring: Floats, folder: Path) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    make_plan(face, 600).save(folder / PLAN)
    collect(face, Miswired(face, wiring), folder, stop_after=200)
    return {f.actuator: str(f) for f in first_pass(face, dataset.load(folder, face), known)}


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
    patches = AnalyticStage(face).patches.reshape(len(face.names), -1)
    rigid = [i for i, n in enumerate(face.names) if n.startswith(("brow", "lip", "corner"))]
    size = np.linalg.norm(patches[rigid], axis=1)
    alike = np.abs(patches[rigid] @ patches[rigid].T) / np.outer(size, size)
    alike += 9.0 * (np.minimum.outer(size, size) / np.maximum.outer(size, size) < 0.7)
    a, b = (rigid[k] for k in np.unravel_index(alike.argmin(), alike.shape))
    wiring[[a, b]] = wiring[[b, a]]
    one, other = face.names[a], face.names[b]
    found = find(face, known, wiring, tmp_path)
    assert "stuck" in found.pop("jaw_open")
    assert "loose or torn" in found.pop("cheek_left")
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
        found = loose_strings(face, data, blind)
        assert {f.actuator for f in found} == loose
        assert all("does not show, while cheek_right does" in str(f) for f in found)
        assert not loose_strings(face, data, known)
    data = dataset.load(tmp_path / "both", face)
    assert {f.actuator for f in first_pass(face, data, known)} == {"cheek_left", "cheek_right"}


def test_the_known_robot_is_the_shipped_one(face: FaceConfig) -> None:
    model = known_robot(face)
    assert model is not None
    assert model.names == face.names
