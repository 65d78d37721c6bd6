"""Takes the sway out of what a camera saw: a pose estimate wanders, the stillest points show how
far.

The landmarks that move least over a whole babbling (forehead, temples) stay put in the head; what
they do together from look to look is the camera's doing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.dataset import Dataset
from robot.config import Floats

POINTS = 60


@dataclass(frozen=True, eq=False)
class Steady:
    """Brings looks into one place.

    Attributes:
        at: (POINTS,) the stillest landmarks.
        place: (POINTS, 3) where they are on average, mm.
    """

    at: NDArray[np.intp]
    place: Floats

    def __call__(self, landmarks: Floats) -> Floats:
        """Landmarks (..., 478, 3) moved as a whole so that the still ones are where they belong."""
        sway = (landmarks[..., self.at, :] - self.place).mean(-2, keepdims=True)
        return np.asarray(landmarks - sway)


def find_steady(data: Dataset) -> Steady:
    """The stillest points of a data set that has seen poses."""
    seen = data.landmarks[data.seen]
    moved = seen - seen.mean(1, keepdims=True)  # the sway itself must not count as motion
    # Twice: the mean of all points moves with the jaw, the mean of the still ones does not.
    for _ in range(2):
        at = np.argsort(moved.var(0).sum(-1))[:POINTS]
        moved = seen - seen[:, at].mean(1, keepdims=True)
    return Steady(at, seen[:, at].mean(0))


def steadied(data: Dataset) -> tuple[Dataset, Steady]:
    """The data set without sway, and how to treat further looks of the same camera."""
    steady = find_steady(data)
    return replace(data, landmarks=steady(data.landmarks)), steady
