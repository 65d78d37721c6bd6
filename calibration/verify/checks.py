"""Verification on held-out poses: prediction, round trip of the inverse, and hysteresis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify.face_fit import examples, noise_floor, usable
from mien.calibration.identify.wiring import reference_model
from mien.calibration.verify import baselines
from mien.calibration.verify.asked_check import check_asked
from mien.calibration.verify.hysteresis_check import (
    ZONE,
    check_hysteresis,
    fit_without_hysteresis,
    memory_gain,
    predict_held,
)
from mien.calibration.verify.inverse_check import check_inverse
from mien.calibration.verify.repeatability import check_repeatability
from mien.calibration.verify.results import VerificationResults, rmse
from mien.models.face.regions import REGIONS
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit import fit
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.retarget import Retarget, limits_of

_CURVE, _CURVE_STEPS = (100, 200, 400, 800, 1600, 3000), 600


def check_all(
    face: FaceConfig,
    data: Dataset,
    stabiliser: Callable[[Floats], Floats],
    model: SelfModel,
    rig: CaptureRig,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> VerificationResults:
    """Verify a calibrated face.

    Args:
        face: the face.
        data: observations.
        stabiliser: removes the drift from further observations.
        model: fitted to ``data``.
        rig: started.
        seed: of the test poses.
        progress: called with (poses done, poses).
    """
    without_play = fit_without_hysteresis(face, data, model)
    predicted = check_model(face, data, model)
    reproduced = check_inverse(face, data, model, rig, stabiliser, progress)
    metrics = predicted.metrics | reproduced.metrics
    metrics |= check_against_truth(model, without_play, reproduced)
    if len(model.tendons):
        metrics["memory_gain_seen"] = memory_gain(data, model, without_play)
    metrics |= check_hysteresis(face, model, without_play, rig, seed)
    known = reference_model(face)
    metrics |= check_asked(face, model, rig, known)
    # The model of this very robot is no measure of what calibrating it is worth.
    another = known and known.meta.get("build") != data.setup.build
    metrics |= against_nominal(model, known if another else None, reproduced)
    metrics |= check_repeatability(face, rig, data.commands[data.held_out])
    if "repeat_mm" in metrics:
        metrics["model_over_repeat"] = metrics["model_rmse_mm"] / metrics["repeat_mm"]
    if "camera_error_mm" in metrics:
        metrics["model_over_camera"] = metrics["model_rmse_mm"] / metrics["camera_error_mm"]
    return VerificationResults(metrics, predicted.arrays | reproduced.arrays)


def check_model(face: FaceConfig, data: Dataset, model: SelfModel) -> VerificationResults:
    """Prediction error on held-out poses, against ridge regression and nearest neighbour."""
    held, learn = data.landmarks[data.held_out], usable(data)
    predicted = predict_held(model, data)
    u, seen = data.commands[learn], data.landmarks[learn]
    linear = baselines.ridge_forward(u, seen)(data.commands[data.held_out])
    near = baselines.nearest_forward(u, seen)(data.commands[data.held_out])
    ours, floor = rmse(predicted, held), noise_floor(data)
    metrics: dict[str, Any] = {
        "model_rmse_mm": ours,
        "noise_floor_mm": floor,
        "model_over_floor": ours / floor,
        "model_vs_ridge": ours / rmse(linear, held),
        "model_vs_nearest": ours / rmse(near, held),
        "motion_rms_mm": rmse(held, seen.mean(0)),
        "poses_learned": int(learn.sum()),
        "poses_held": len(held),
        "poses_unseen": int((~data.observed & (data.pose >= 0)).sum()),
        "fit_cpu_s": model.meta.get("fit_cpu_s"),
    }
    metrics |= {
        f"model_rmse_{name}_mm": rmse(predicted[:, list(at)], held[:, list(at)])
        for name, at in REGIONS.items()
    }
    retarget = Retarget(model, limits_of(face))
    metrics["reach"] = {name: round(share, 3) for name, share, _ in retarget.reach.rows()}
    error = np.linalg.norm(predicted - held, axis=-1)
    return VerificationResults(
        metrics, {"landmark_error": error.mean(0), "pose_error": error.mean(1)}
    )


def learning_curve(face: FaceConfig, data: Dataset, model: SelfModel) -> dict[str, float]:
    """Held-out error (mm) by the number of poses learned from, drawn at random from all."""
    learn = np.flatnonzero(usable(data))
    inputs = tuple(int(i) for i in model.inputs)
    out = {}
    for count in (*(c for c in _CURVE if c < 0.9 * len(learn)), len(learn)):
        if count < 2 * len(inputs):
            continue
        part = np.zeros(len(data), dtype=bool)
        part[np.random.default_rng(0).permutation(learn)[:count]] = True
        some = fit(examples(face, data, part, inputs), FitConfig(steps=_CURVE_STEPS))
        out[str(count)] = rmse(predict_held(some, data), data.landmarks[data.held_out])
    return out


def check_against_truth(
    model: SelfModel, without_play: SelfModel, reproduced: VerificationResults
) -> dict[str, float]:
    """Errors against the true landmarks, from the round trip of the inverse; simulated rig only.

    An error that is equal in all poses is the camera's bias. The model has to share it, so it is
    subtracted.

    Returns:
        ``model_true_rmse_mm`` of the model, ``camera_error_mm`` of single observations, and
        ``memory_gain_mixtures``, the error where tendons pull, with play operators over without;
        empty where the truth is unknown.
    """
    true, sent = reproduced.arrays["asked_true"], reproduced.arrays["asked_sent"]
    if not np.isfinite(true).all():
        return {}

    predicted = model.sequence(sent)
    seen = reproduced.arrays["asked_shown"] - true
    out = {
        "model_true_rmse_mm": _varying(predicted - true),
        "camera_error_mm": _varying(seen[np.isfinite(seen).all((1, 2))]),
    }
    if len(model.tendons):
        error_without = _varying((without_play.sequence(sent) - true)[:, ZONE])
        out["memory_gain_mixtures"] = _varying((predicted - true)[:, ZONE]) / error_without
    return out


def against_nominal(
    model: SelfModel, known: SelfModel | None, reproduced: VerificationResults
) -> dict[str, float]:
    """``truth_vs_nominal``: true error over that of another robot's model, never calibrated here.

    An error that is equal in all poses is left out, as in ``check_against_truth``. Empty where the
    truth is unknown, or no model of the design exists.
    """
    true, sent = reproduced.arrays["asked_true"], reproduced.arrays["asked_sent"]
    if known is None or not np.isfinite(true).all():
        return {}

    ours, theirs = (_varying(of.sequence(sent) - true) for of in (model, known))
    return {"truth_vs_nominal": ours / theirs}


def _varying(off: Floats) -> float:
    """RMS (mm) of errors (P, 478, 3) without what is equal in all poses, the camera's bias."""
    return rmse(off, off.mean(0))
