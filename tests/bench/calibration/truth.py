"""How far a fitted model is from what the robot truly does."""

from __future__ import annotations

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify.design_prior import prior_of
from mien.calibration.identify.face_fit import usable
from mien.calibration.plan.excitation import mixtures
from mien.calibration.verify.baselines import ridge_forward
from mien.calibration.verify.results import rmse
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

TRUTH = ("truth_mm", "truth_vs_ridge", "truth_vs_nominal")
"""Metrics of the model against the simulated landmarks at poses of their own; see ``truth``."""
TRUTH_POSES = 80


def truth(
    face: FaceConfig, data: Dataset, model: SelfModel, rig: CaptureRig, seed: int
) -> dict[str, float]:
    """Errors of the model at mixtures that nobody observed, against the simulated landmarks.

    The mean over the poses is taken off, because the camera's constant error cannot be known.

    Returns:
        ``truth_mm``, and its ratio to the error of linear ridge regression on the same observations
        (``truth_vs_ridge``) and of the nominal model of the design (``truth_vs_nominal``).
    """
    rig.move_to(face.safe)
    goals = mixtures(face, TRUTH_POSES, 7000 + seed)
    true, commands = [], np.empty_like(goals)
    for k, goal in enumerate(goals):
        commands[k] = rig.move_to(goal)
        rig.observe()
        true.append(rig.true_landmarks())

    def error(predicted: Floats) -> float:
        off = predicted - np.array(true)
        return rmse(off - off.mean(0), np.zeros_like(off))

    learn = usable(data)
    ridge = ridge_forward(data.commands[learn], data.landmarks[learn])
    out = {"truth_mm": error(model.sequence(commands))}
    out["truth_vs_ridge"] = out["truth_mm"] / error(ridge(commands))
    prior = prior_of(face)
    if prior is not None:
        out["truth_vs_nominal"] = out["truth_mm"] / error(prior.nominal().sequence(commands))
    return out
