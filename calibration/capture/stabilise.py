"""Takes the sway out of what a camera saw: a pose estimate wanders, the stillest points show how
far.

The landmarks that move least over a whole babbling (forehead, temples) stay put in the head; what
they do together from look to look is the camera's doing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular

from mien.calibration.capture.dataset import Dataset
from mien.robot.face.config import Floats

POINTS = 60
_WIDTH, _SHIFTS = 0.6, 30  # of the kernel that finds what most landmarks do, in noises
_LEAST = 1e-3  # of the largest: what moved less tells nothing of its own
_PLENTY = 3  # looks for each feature
_OWN = 0.2  # least share of the sway's variance that looks at one pose, some twenty, must show


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

    Where the commands are known, a quadratic map of them says how the middle of all landmarks moves
    with the face; what it does beyond that is the camera's. Of the map itself, what most landmarks
    do alike is the camera's as well: a lever moves some of the skin, and the rest stays.

    Sway is what comes and goes while the pose stays. Where looks at the same pose do not show most
    of it, it belongs to the poses (MediaPipe leans with the mouth: 0.37 mm over all poses, 0.06 at
    rest), targets of the same camera have it too, and it stays.
    """
    learn = data.seen & ~data.of("held")
    sway = (data.landmarks.mean(1) - _middle(data, learn))[:, None]
    rest = data.of("neutral")
    steady = find_steady(data)
    if rest.sum() > 2 and _size(sway[rest]) < _OWN * _size(sway[learn]):
        return data, replace(steady, sways=False)
    return replace(data, landmarks=data.landmarks - sway), steady


def _middle(data: Dataset, learn: NDArray[np.bool_]) -> Floats:
    """(R, 3) where the commands put the middle of the landmarks, as the looks ``learn`` show."""
    u = data.commands
    features = np.concatenate([u, np.square(u)], axis=1)
    if learn.sum() < _PLENTY * features.shape[1]:
        features = u
    features = features - features[learn].mean(0)
    seen = data.landmarks[learn].reshape(learn.sum(), -1)
    home = seen.mean(0)
    basis, upper, order = qr(features[learn], mode="economic", pivoting=True)
    size = np.abs(np.diag(upper))
    rank = int((size > _LEAST * size.max(initial=1e-12)).sum())
    fields = basis[:, :rank].T @ (seen - home)
    left = (seen - home - basis[:, :rank] @ fields).reshape(len(seen), -1, 3)
    noise = float(np.sqrt((left - left.mean(1, keepdims=True)).var(0).sum(-1).mean()))
    by_point = fields.reshape(rank, -1, 3)
    moves = by_point.mean(1) - np.array([_stillest(f, noise) for f in by_point]).reshape(rank, 3)
    slopes = solve_triangular(upper[:rank, :rank], moves)
    return np.asarray(home.reshape(-1, 3).mean(0) + features[:, order[:rank]] @ slopes)


def _stillest(field: Floats, noise: float) -> Floats:
    """(3,) the mode of a field (478, 3): mean shift (Comaniciu and Meer, "Mean shift: a robust
    approach toward feature space analysis", IEEE Trans. PAMI 24 (2002))."""
    width = max(_WIDTH * noise, 1e-9)
    middle = np.median(field, axis=0)
    for _ in range(_SHIFTS):
        weight = np.exp(-0.5 * np.square((field - middle) / width).sum(1))
        middle = weight @ field / max(float(weight.sum()), 1e-12)
    return np.asarray(middle)


def _size(sway: Floats) -> float:
    return float(sway.var(0).sum())
