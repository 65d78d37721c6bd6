"""Robots of the same design: alike, and never the same."""

from __future__ import annotations

import numpy as np
import pytest

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.sim.rig import Rig
from tests.bench.robot.rig_measures import hysteresis, landmarks_at, random_poses
from tests.robot.sim.rigs import commands

FACE = load_face("morpheus33")
UPPER_LIP, LOWER_LIP = [80, 81, 82, 13, 312, 311, 310], [88, 178, 87, 14, 317, 402, 318]
"""Landmarks at the edges where closed lips meet, without the corners."""


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    return random_poses(FACE, 4, seed=11)


def test_every_build_works_and_no_two_have_the_same_map(poses: np.ndarray) -> None:
    maps = []
    for seed in range(7):
        rig = Rig(FACE, build=seed)
        rest = rig.landmarks()
        moved = landmarks_at(rig, poses) - rest
        assert np.all(np.isfinite(moved))
        assert np.linalg.norm(moved, axis=2).max() < 60.0
        off = (
            rig.data.ten_length[rig.machine.rods]
            - rig.machine.model.tendon_length0[rig.machine.rods]
        )
        assert np.abs(off).max() < 3e-3  # as made, rods differ from the drawing
        maps.append(moved)
    for one in range(len(maps)):
        for other in range(one):
            apart = np.sqrt(np.mean((maps[one] - maps[other]) ** 2))
            assert apart > 0.1, (one, other)


def test_builds_differ_in_identity() -> None:
    one, other = (Rig(FACE, build=s).head.neutral_landmarks for s in (1, 2))
    assert np.abs(one - other).max() > 1.0


@pytest.mark.parametrize("seed", [2, 10, 19, 33])
def test_a_jaw_takes_no_part_of_the_upper_lip_along(seed: int) -> None:
    # Lips touch: the vertex nearest to a place on the lower lip may belong to the upper one.
    rig = Rig(FACE, build=seed)
    rest = rig.landmarks()
    moved = landmarks_at(rig, commands(FACE, jaw_open=0.9)[None])[0] - rest
    assert np.abs(moved[UPPER_LIP, 1]).max() < 2.0
    assert np.abs(moved[LOWER_LIP, 1]).min() > 10.0


@pytest.mark.parametrize("seed", [0, 2])
def test_tendons_remember(seed: int) -> None:
    shares = hysteresis(Rig(FACE, build=seed), levels=5)
    assert set(shares) == {"cheek_left", "cheek_right", "nose_left", "nose_right"}
    assert all(0.02 < share < 0.4 for share in shares.values())
    assert 0.05 < np.mean(list(shares.values())) < 0.25


def test_trim_of_a_build_shows_at_neutral() -> None:
    rig = Rig(FACE, build=6)
    for pulses in to_pulses(FACE, np.zeros((1, len(FACE.names)))):
        for _ in range(50):
            rig.step(pulses)
    off = np.rad2deg(np.abs(rig.servo_angles()))
    assert 0.5 < off.max() < 12.0
