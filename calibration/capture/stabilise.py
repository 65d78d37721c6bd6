"""Camera-motion compensation: removes the drift of the tracker's head pose from a data set.

The estimated head pose drifts from observation to observation, and all landmarks move with it. The
landmarks that move least over a whole session (forehead, temples) are fixed in the head. Their
common motion is the camera's drift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular

from mien.calibration.capture.dataset import Dataset
from mien.robot.face.config import Floats

STABLE_POINTS = 60
_MODE_WIDTH, _MEAN_SHIFTS = 0.6, 30  # width of the kernel in standard deviations of the noise
_MIN_RELATIVE_DIAGONAL = 1e-3  # of R in the QR factorisation: below it a feature is redundant
_OBSERVATIONS_PER_FEATURE = 3


@dataclass(frozen=True, eq=False)
class Stabiliser:
    """Removes the drift from further observations of the same camera.

    Attributes:
        at: (STABLE_POINTS,) indices of the landmarks that move least.
        reference: (STABLE_POINTS, 3) mm, their mean positions.
    """

    at: NDArray[np.intp]
    reference: Floats

    def __call__(self, landmarks: Floats) -> Floats:
        """Landmarks (..., 478, 3) mm, translated so that the stable ones are at their reference."""
        drift = (landmarks[..., self.at, :] - self.reference).mean(-2, keepdims=True)
        return np.asarray(landmarks - drift)


def find_stabiliser(data: Dataset) -> Stabiliser:
    """The stabiliser of a data set, from the landmarks that move least."""
    seen = data.landmarks[data.observed]
    moved = seen - seen.mean(1, keepdims=True)  # the drift itself must not count as motion
    # Twice: the mean of all landmarks moves with the jaw, the mean of the stable ones does not.
    for _ in range(2):
        at = np.argsort(moved.var(0).sum(-1))[:STABLE_POINTS]
        moved = seen - seen[:, at].mean(1, keepdims=True)
    return Stabiliser(at, seen[:, at].mean(0))


def stabilised(data: Dataset) -> tuple[Dataset, Stabiliser]:
    """The data set without drift, and the stabiliser for further observations.

    A quadratic map of the commands predicts the centroid of all landmarks. The difference to the
    observed centroid is drift. The common motion of most landmarks is taken out of the map itself:
    an actuator moves some of the skin, and most landmarks stay. So what a head pose leans with the
    mouth (MediaPipe's: 0.37 mm) is drift as well.
    """
    learn = data.observed & ~data.of("held_out")
    drift = (data.landmarks.mean(1) - _predicted_centroid(data, learn))[:, None]
    return replace(data, landmarks=data.landmarks - drift), find_stabiliser(data)


def _predicted_centroid(data: Dataset, learn: NDArray[np.bool_]) -> Floats:
    """Centroid (R, 3) mm of the landmarks by the commands, fitted to the records ``learn`` (R,)."""
    u = data.commands
    features = np.concatenate([u, np.square(u)], axis=1)
    if learn.sum() < _OBSERVATIONS_PER_FEATURE * features.shape[1]:
        features = u
    features = features - features[learn].mean(0)
    seen = data.landmarks[learn].reshape(learn.sum(), -1)
    mean = seen.mean(0)
    basis, upper, order = qr(features[learn], mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(upper))
    rank = int((diagonal > _MIN_RELATIVE_DIAGONAL * diagonal.max(initial=1e-12)).sum())
    fields = basis[:, :rank].T @ (seen - mean)
    residuals = (seen - mean - basis[:, :rank] @ fields).reshape(len(seen), -1, 3)
    noise = float(np.sqrt((residuals - residuals.mean(1, keepdims=True)).var(0).sum(-1).mean()))
    by_point = fields.reshape(rank, -1, 3)
    common = np.array([_mode(f, noise) for f in by_point]).reshape(rank, 3)
    slopes = solve_triangular(upper[:rank, :rank], by_point.mean(1) - common)
    return np.asarray(mean.reshape(-1, 3).mean(0) + features[:, order[:rank]] @ slopes)


def _mode(field: Floats, noise: float) -> Floats:
    """Mode (3,) of the displacements of a field (478, 3) mm, by mean shift.

    Source: Comaniciu and Meer, "Mean shift: a robust approach toward feature space analysis", IEEE
    Trans. PAMI 24 (2002).
    """
    width = max(_MODE_WIDTH * noise, 1e-9)
    mode = np.median(field, axis=0)
    for _ in range(_MEAN_SHIFTS):
        weight = np.exp(-0.5 * np.square((field - mode) / width).sum(1))
        mode = weight @ field / max(float(weight.sum()), 1e-12)
    return np.asarray(mode)
