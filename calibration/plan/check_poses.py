"""The poses of a check: few, and each actuator's commands differ from those of its neighbours.

A check fits the response of each actuator to some twenty poses. Commands of neighbours that go
together could not be told apart. So each actuator follows a column of a Hadamard matrix, which are
orthogonal, and actuators far from each other on the face may share one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from mien.calibration.plan.excitation import limited
from mien.robot.face.areas import AREAS
from mien.robot.face.config import FaceConfig, Floats

RESTS = 2
"""Poses at rest of each round, the first ones."""
_ROWS = 16
_NECK_TURNS = np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, 0.0]])  # of every second neck actuator
_LEVEL, _PULL, _NECK_SHARE = 0.7, 0.85, 0.5  # shares of the range


def check_poses(face: FaceConfig, count: int, seed: int = 0) -> Floats:
    """Poses (count, n) of a check, as the limiter sends them: rounds of rest, skin and neck.

    Args:
        face: the face.
        count: number of poses.
        seed: of the order of the poses in a round.
    """
    rng = np.random.default_rng([seed, 0xC4E])
    columns, rows = _columns(face), list[Floats]()
    while len(rows) < count:
        signs = hadamard(_ROWS)[rng.permutation(_ROWS)][:, columns]
        rows += [np.zeros(len(face.names))] * RESTS
        rows += list(_skin(face, signs)) + list(_necks(face))
    return limited(face, np.array(rows[:count]))


def _columns(face: FaceConfig) -> list[int]:
    """Column of each actuator: that which the fewest actuators at the same skin have."""
    out, taken = list[int](), list[tuple[int, frozenset[str]]]()
    for actuator in face.actuators.values():
        at = frozenset(AREAS[actuator.region])
        shared = np.zeros(_ROWS)
        shared[0] = np.inf  # a constant
        for column, other in taken:
            shared[column] += len(at & other) + 1e-3
        best = int(shared.argmin())
        taken.append((best, at))
        out.append(best)
    return out


def _skin(face: FaceConfig, signs: Floats) -> Floats:
    """Commands (P, n) by signs (P, n): tendons taut or at rest, the neck at neutral."""
    low, high = face.limits.T
    pulls = np.where(signs > 0, _PULL * high, 0.0)
    goals = np.where(signs > 0, _LEVEL * high, _LEVEL * low)
    goals = np.where(face.can_go_slack, pulls, goals)
    return np.asarray(np.where(_is_neck(face), 0.0, goals))


def _necks(face: FaceConfig) -> Floats:
    """Commands (P, n) that turn the neck alone; none where the face has no neck."""
    at = np.flatnonzero(_is_neck(face))
    if not len(at):
        return np.zeros((0, len(face.names)))
    out = np.zeros((len(_NECK_TURNS), len(face.names)))
    turns = _NECK_TURNS[:, np.arange(len(at)) % _NECK_TURNS.shape[1]]
    if len(at) > 2:
        turns[:, 2:] = np.array([[0.0], [-1.0], [1.0]])
    low, high = face.limits[at].T
    out[:, at] = _NECK_SHARE * np.where(turns > 0, turns * high, -turns * low)
    return out


def _is_neck(face: FaceConfig) -> NDArray[np.bool_]:
    return np.array([a.region == "neck" and not a.absent for a in face.actuators.values()])
