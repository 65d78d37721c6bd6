"""The drift of the head's position is removed, the motion of the skin is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.calibration.capture.dataset import Dataset, Setup
from mien.calibration.capture.stabilise import stabilised
from mien.calibration.plan.plan import KINDS
from mien.robot.face.config import Floats

POSES, RESTS = 80, 12


def observations(sway: Floats) -> Dataset:
    """Looks at random poses, then at rest, off by ``sway`` (R, 3) as a whole."""
    rng = np.random.default_rng(0)
    commands = rng.uniform(-1.0, 1.0, size=(POSES + RESTS, 3))
    commands[POSES:] = 0.0
    faces = rng.normal(size=(478, 3)) * 40.0 + np.einsum(
        "rn,nlk->rlk", commands, rng.normal(size=(3, 478, 3))
    )
    kind = np.full(len(commands), KINDS.index("combo"), dtype=np.int32)
    kind[POSES:] = KINDS.index("neutral")
    count = np.arange(len(commands), dtype=np.int32)
    return Dataset(
        Setup("face", "hash", "mechanism", 0, "camera"),
        count,
        kind,
        count.astype(np.float64),
        commands,
        faces + sway[:, None],
        np.tile(np.eye(4), (len(commands), 1, 1)),
        np.full(len(commands), 0.1),
    )


def test_sway_of_every_look_is_taken_out() -> None:
    still = observations(np.zeros((POSES + RESTS, 3)))
    sway = np.random.default_rng(1).normal(size=(POSES + RESTS, 3))
    data, stabiliser = stabilised(observations(sway))
    left = data.landmarks - still.landmarks
    assert (left - left.mean(0)).std() < 0.3 * sway.std()
    moved = still.landmarks[3] + 5.0
    assert np.abs(stabiliser(moved) - moved).max() > 1.0


def test_few_observations_at_rest_that_share_one_drift_do_not_hide_it() -> None:
    """A camera's drift is correlated in time: at rest, five observations in a row show little."""
    still = observations(np.zeros((POSES + RESTS, 3)))
    sway = np.random.default_rng(1).normal(size=(POSES + RESTS, 3))
    sway[POSES:] = sway[POSES]
    data, _ = stabilised(observations(sway))
    left = data.landmarks - still.landmarks
    assert (left - left.mean(0)).std() < 0.3 * sway.std()


def test_what_moves_with_the_face_stays_and_the_rest_of_the_skin_stands_still() -> None:
    """A lever that bends a part of the skin, and sway that by chance goes with its commands."""
    still = observations(np.zeros((POSES + RESTS, 3)))
    u = still.commands
    faces = np.zeros((len(u), 478, 3))
    faces[:, :120, 1] = (5.0 * u[:, 0] + 4.0 * u[:, 1] ** 2)[:, None]
    faces += 0.05 * np.random.default_rng(2).normal(size=faces.shape)
    sway = np.random.default_rng(1).normal(size=(len(u), 3)) + np.outer(u[:, 0], (0.5, 0.5, 0.0))
    data, _ = stabilised(replace(still, landmarks=faces + sway[:, None]))
    left = data.landmarks - faces
    assert (left - left.mean(0)).std() < 0.05 * sway.std()
