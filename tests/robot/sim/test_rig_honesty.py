"""The rig moves by its mechanism alone: it cannot make any face that somebody drew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import lsq_linear

import mien.robot.faces
import mien.robot.sim
from mien.robot.face.config import load_face
from mien.robot.sim.rig import Rig
from tests.bench.robot.rig_measures import landmarks_at

FACE = load_face("morpheus33")
UNITS = Path(mien.robot.faces.__file__).parent / "face_units.npz"


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig(FACE)


@pytest.fixture(scope="module")
def reach(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """Neutral landmarks, and what each actuator alone does at its highest command."""
    rig.reset()
    neutral = rig.landmarks()
    alone = []
    for k in range(len(FACE.names)):
        rig.reset()
        pose = np.zeros((1, len(FACE.names)))
        pose[0, k] = FACE.limits[k, 1]
        alone.append(landmarks_at(rig, pose)[0] - neutral)
    return neutral, np.array(alone)


def test_the_sources_of_the_rig_do_not_read_the_face_units() -> None:
    folder = Path(next(iter(mien.robot.sim.__path__)))
    for name in ("mechanism", "drives", "silicone", "layout", "servo", "rig", "skin", "builds"):
        assert "face_units" not in (folder / f"{name}.py").read_text(encoding="utf-8")
    for file in (folder / "mechanisms").glob("*.yaml"):
        assert "face_units" not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["jawForward", "cheekPuff", "mouthLeft", "mouthShrugUpper"])
def test_a_face_unit_is_not_reached_exactly(
    name: str, rig: Rig, reach: tuple[np.ndarray, np.ndarray]
) -> None:
    """Best commands by the map of single actuators, tried on the rig, then improved on it twice."""
    with np.load(UNITS) as data:
        units = dict(zip((str(n) for n in data["names"]), data["delta"], strict=True))
    target = units[name]
    neutral, alone = reach
    low, high = FACE.limits.T
    basis = (alone / FACE.limits[:, 1, None, None]).reshape(len(FACE.names), -1).T
    pose, best = np.zeros(len(FACE.names)), np.inf
    goal = target.ravel()
    for _ in range(3):
        solved = lsq_linear(basis, goal, (low, high), lsmr_tol="auto")
        pose = solved.x
        rig.reset()
        made = landmarks_at(rig, pose[None])[0] - neutral
        best = min(best, float(np.linalg.norm(made - target) / np.linalg.norm(target)))
        goal = goal + 0.5 * (target - made).ravel()
    assert best > 0.1, f"{name} is {100 * best:.0f} % off"
