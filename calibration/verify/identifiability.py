"""Identifiability: how well any method could estimate a command from one observation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify.face_fit import usable
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

IDENTIFIABLE = 0.05
"""Share of the range. An actuator counts in ``command_l1`` if an unbiased method could estimate its
command from one observation with at most this mean error. The targets are noiseless, so a method
may be better than this bound; ``command_l1_all`` counts all actuators."""
_MEAN_OF_STD = float(np.sqrt(2.0 / np.pi))  # mean absolute value of a normal error of 1


def are_identifiable(bound: Floats) -> NDArray[np.bool_]:
    """Whether each actuator (m,) with this Cramer-Rao bound is identifiable."""
    return np.asarray(_MEAN_OF_STD * bound <= IDENTIFIABLE)


def cramer_rao_bound(face: FaceConfig, data: Dataset, model: SelfModel, commands: Floats) -> Floats:
    """Cramer-Rao bound (m,) of each input from one observation, as a share of its range.

    No unbiased method can estimate commands from one observation with standard deviations below the
    square roots of the diagonal of (J' N^-1 J)^-1. J (1434, m) is the model's Jacobian, and N holds
    the variance of each coordinate that the model leaves unexplained in the observations that it
    learned from: the camera's noise and the model's own error, as if they were independent. The
    result of an inversion plays no part in it.

    Args:
        face: the face.
        data: observations.
        model: fitted to ``data``.
        commands: (P, n), the bound is an RMS over them; for a tendon it is that of its pull.
    """
    learn = usable(data)
    residual = model.sequence(data.commands)[learn] - data.landmarks[learn]
    x = np.array(commands[:, model.inputs])
    if len(model.tendons):
        x[:, model.tendons] = model.play.scan(x[:, model.tendons])
    whitened = model.decoder / residual.std(0).reshape(-1)
    gram = whitened @ whitened.T
    variance = np.zeros(len(model.inputs))
    for j in model.latent_jacobian(x):
        variance += np.diag(np.linalg.pinv(j @ gram @ j.T)) / len(x)
    span = np.ptp(face.limits, axis=1)[model.inputs]
    span = np.where(span > 0.0, span, 1.0)  # of an absent actuator
    return np.asarray(np.sqrt(variance) / span)
