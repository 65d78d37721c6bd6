"""What is known of a camera's errors, and observations read by generalised least squares with it.

Errors of neighbouring landmarks belong together, and a tracker's are smooth functions of the pose,
so they do not average out over the poses. Source: Aitken, "On least squares and linear combinations
of observations", Proc. R. Soc. Edinburgh 55 (1935).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mien.models.self_model.model import Floats

TRACKED_WHITE_MM, DOTS_WHITE_MM = 0.8, 0.1
"""``white`` of the face tracker, and of dots on the skin."""
_DEGREES = 200.0  # observations that the known covariance of the errors counts for
_RANGE = 1.5  # distance of two poses whose errors differ
_AT_REST = 0.3  # variance of an error near rest, of that in motion
_MOTION = 6.8  # mean squared norm of mixtures' commands, from which a tracker's errors are known
_CONSTANT = 1e4  # variance of the constant error, of that of an error


class ObservedErrors(NamedTuple):
    """What is known of a camera's errors, before this robot is seen.

    Attributes:
        factor: (r, 1434) mm, a factor E of their covariance E' E.
        degrees: number of observations that this knowledge counts for.
        by_pose: share of their variance that is a smooth function of the pose, in [0, 1]. Such
            errors do not average out over the poses.
        motion: mean squared norm of the commands at which the covariance is known.
        white: mm, error of a coordinate that the covariance does not hold.
        seen: (K, K) latents of the prior -> mean latents that are observed; None: the same.
    """

    factor: Floats
    degrees: float = _DEGREES
    by_pose: float = 0.0
    motion: float = _MOTION
    white: float = 0.2
    seen: Floats | None = None

    def whitening(self, u: Floats) -> Floats:
        """Matrix (N, N) that makes the errors of the poses u (N, m) independent, and centres them.

        An error grows with the pose. The part of it that belongs to the pose is a Gaussian process:
        half of it is linear in the commands, the other half has the range ``_RANGE``. The constant
        part of all errors is unknown.
        """
        apart = np.square(u[:, None] - u).sum(-1)
        near = np.exp(-0.5 * apart / _RANGE**2)
        inner = u @ u.T / self.motion
        size = np.sqrt(_AT_REST + (1.0 - _AT_REST) * np.diag(inner))
        alike = 0.5 * self.by_pose * near + (1.0 - self.by_pose) * np.eye(len(u))
        kernel = 0.5 * self.by_pose * inner + alike * np.outer(size, size)
        if not self.by_pose:
            kernel = np.eye(len(u))
        return np.asarray(np.linalg.inv(np.linalg.cholesky(kernel + _CONSTANT)))


def encoder(decoder: Floats, factor: Floats, white: float) -> Floats:
    """Matrix (1434, K) from observed displacements to latents: generalised least squares.

    Coordinates that the camera sees well count more, and errors that belong together are known
    inside the modes from what they do outside of them.

    Args:
        decoder: (K, 1434) mm.
        factor, white: of the errors, as in ``ObservedErrors``.
    """
    inner = factor @ factor.T / white**2 + np.eye(len(factor))
    precise = decoder - (decoder @ factor.T / white**2) @ np.linalg.solve(inner, factor)
    return np.asarray(np.linalg.solve(precise @ decoder.T, precise).T)
