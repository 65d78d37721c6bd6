"""Pose of a head in front of a camera, from points that are rigid in the head.

Camera frame: +x right, +y up, -z forward, in mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

F64 = NDArray[np.float64]

ITERATIONS = 6
"""Gauss-Newton iterations."""
STEP = 1e-5
"""Step of the numerical derivatives, rad and relative to the distance."""


@dataclass(frozen=True)
class Similarity:
    """Similarity transform x -> scale * rotation @ x + translation."""

    scale: float
    rotation: F64
    translation: F64

    def __call__(self, points: F64) -> F64:
        return np.asarray(self.scale * points @ self.rotation.T + self.translation)


def align(source: F64, target: F64, weights: F64 | None = None) -> Similarity:
    """Similarity from source (n, 3) to target (n, 3) with the least weighted squared error.

    Method: Umeyama (1991).
    """
    share = np.full(len(source), 1 / len(source)) if weights is None else weights / weights.sum()
    middle_s, middle_t = share @ source, share @ target
    s, t = source - middle_s, target - middle_t
    u, d, vt = np.linalg.svd((t * share[:, None]).T @ s)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * flip) @ vt
    scale = float((d * flip).sum() / (share @ (s * s).sum(axis=1)))
    return Similarity(scale, rotation, middle_t - scale * rotation @ middle_s)


@dataclass(frozen=True)
class Lens:
    """Projection of camera-frame points (x, y, z) mm to the image, in units of the focal length.

    With perspective: (x, y) / -z. Without: (x, y) / distance with one distance for all points
    (scaled orthography), for a camera with an unknown field of view.
    """

    perspective: bool

    def image(self, points: F64, distance: float) -> F64:
        """Points (n, 3) mm -> image (n, 2). ``distance`` in mm is used without perspective only."""
        depth = -points[:, 2:] if self.perspective else np.full((len(points), 1), distance)
        return np.asarray(points[:, :2] / depth)


@dataclass(frozen=True)
class HeadPose:
    """Pose: head frame -> camera frame, x -> rotation @ x + translation, mm."""

    rotation: F64
    translation: F64
    lens: Lens

    def rays(self, image: F64) -> tuple[F64, F64]:
        """Rays of image points (n, 2) in the head frame: a point (n, 3) mm on each, and its
        direction (n, 3)."""
        ones = np.ones((len(image), 1))
        if self.lens.perspective:
            start, along = np.zeros((len(image), 3)), np.hstack([image, -ones])
        else:
            start = np.hstack([image * -self.translation[2], 0 * ones])
            along = np.hstack([0 * image, -ones])
        return np.asarray((start - self.translation) @ self.rotation), np.asarray(
            along @ self.rotation
        )

    def at_depth(self, image: F64, z: F64) -> F64:
        """Points (n, 3) mm of the head frame with image (n, 2) and depth z (n,) mm."""
        start, along = self.rays(image)
        return np.asarray(start + along * ((z - start[:, 2]) / along[:, 2])[:, None])

    def matrix(self) -> F64:
        """Homogeneous 4x4 matrix, head frame -> camera frame."""
        out = np.eye(4)
        out[:3, :3], out[:3, 3] = self.rotation, self.translation
        return out


def solve_pose(points: F64, image: F64, start: HeadPose) -> tuple[HeadPose, F64]:
    """Pose from points (n, 3) mm of the head frame with image (n, 2).

    Method: Gauss-Newton with Huber weights.

    Returns:
        The pose, and the image error (n,) of each point in units of the focal length.
    """
    rotation, translation = start.rotation, start.translation
    lens, reach = start.lens, abs(float(start.translation[2]))

    def project(change: F64) -> F64:
        turned = Rotation.from_rotvec(change[:3]).as_matrix() @ rotation
        moved = (
            translation * np.array([1.0, 1.0, np.exp(change[5])])
            + np.array([*change[3:5], 0.0]) * reach
        )
        return lens.image(points @ turned.T + moved, -float(moved[2]))

    for _ in range(ITERATIONS):
        base = project(np.zeros(6))
        residual = image - base
        errors = np.linalg.norm(residual, axis=1)
        scale = max(float(np.median(errors)) * 2.0, 1e-6)
        weights = np.repeat(np.minimum(1.0, scale / np.maximum(errors, 1e-12)), 2)
        jacobian = np.stack(
            [(project(step) - base).ravel() / STEP for step in np.eye(6) * STEP], axis=1
        )
        weighted = jacobian * weights[:, None]
        change = np.linalg.solve(
            weighted.T @ jacobian + 1e-9 * np.eye(6), weighted.T @ residual.ravel()
        )
        rotation = Rotation.from_rotvec(change[:3]).as_matrix() @ rotation
        translation = translation * np.array([1.0, 1.0, np.exp(change[5])])
        translation = translation + np.array([*change[3:5], 0.0]) * reach
    pose = HeadPose(rotation, translation, lens)
    return pose, np.linalg.norm(image - project(np.zeros(6)), axis=1)
