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
_OWN = 0.5  # least share of the sway's variance that looks at one pose must show


@dataclass(frozen=True, eq=False)
class Steady:
    """Brings looks into one place.

    Attributes:
        at: (POINTS,) the stillest landmarks.
        place: (POINTS, 3) where they are on average, mm.
        sways: False for a camera whose looks are better left where they are.
    """

    at: NDArray[np.intp]
    place: Floats
    sways: bool = True

    def __call__(self, landmarks: Floats) -> Floats:
        """Landmarks (..., 478, 3) moved as a whole so that the still ones are where they belong."""
        if not self.sways:
            return landmarks
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
    """The data set without sway, and how to treat further looks of the same camera.

    Where the commands are known, a linear map of them says how the middle of all landmarks moves
    with the face; what it does beyond that is the camera's. Still points would do, but even the
    stillest of a face follow its mouth and brows by some tenths of a mm.

    Sway is what comes and goes while the pose stays. Where looks at the same pose do not show most
    of it, it belongs to the poses (MediaPipe leans with the mouth: 0.37 mm over all poses, 0.06 at
    rest), targets of the same camera have it too, and it stays.
    """
    middle = data.landmarks.mean(1)
    learn = data.seen & ~data.of("held")
    a = np.concatenate([data.commands, np.ones((len(data), 1))], axis=1)
    moves = np.linalg.lstsq(a[learn], middle[learn], rcond=None)[0]
    sway = (middle - a @ moves)[:, None]
    rest = data.of("neutral")
    steady = find_steady(data)
    if rest.sum() > 2 and _size(sway[rest]) < _OWN * _size(sway[learn]):
        return data, replace(steady, sways=False)
    return replace(data, landmarks=data.landmarks - sway), steady


def _size(sway: Floats) -> float:
    return float(sway.var(0).sum())
