"""Asks held-out poses: how well the model predicts them, and how well the face finds them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.rig import Stage
from mien.calibration.identify.fit import examples, noise_floor, usable
from mien.calibration.verify import baselines
from mien.calibration.verify.hysteresis import (
    ZONE,
    check_memory,
    fit_blind,
    memory_gain,
    predict_held,
)
from mien.calibration.verify.inverse import check_inverse
from mien.calibration.verify.repeatability import check_repeats
from mien.calibration.verify.results import Verdict, rmse
from mien.models.face.regions import REGIONS
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.config import FitConfig
from mien.models.train.self_model.fit import fit
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.retarget import Retarget, limits_of

_CURVE, _CURVE_STEPS = (100, 200, 400, 800, 1600, 3000), 600


def check_all(
    face: FaceConfig,
    data: Dataset,
    steady: Callable[[Floats], Floats],
    model: SelfModel,
    stage: Stage,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verdict:
    """All that can be asked of a calibrated face; the stage must be started."""
    blind = fit_blind(face, data, model)
    verdict = check_model(face, data, model)
    shown = check_inverse(face, data, model, stage, steady, progress)
    metrics = verdict.metrics | shown.metrics | check_truth(model, blind, shown)
    if len(model.tendons):
        metrics["memory_gain_seen"] = memory_gain(data, model, blind)
    metrics |= check_memory(face, model, blind, stage, seed)
    metrics |= check_repeats(face, stage, data.commands[data.held])
    if "repeat_mm" in metrics:
        metrics["model_over_repeat"] = metrics["model_rmse_mm"] / metrics["repeat_mm"]
    if "camera_error_mm" in metrics:
        metrics["model_over_camera"] = metrics["model_rmse_mm"] / metrics["camera_error_mm"]
    return Verdict(metrics, verdict.arrays | shown.arrays)


def check_model(face: FaceConfig, data: Dataset, model: SelfModel) -> Verdict:
    """Prediction on held-out poses against linear and nearest neighbour on the same data."""
    held, learn = data.landmarks[data.held], usable(data)
    said = predict_held(model, data)
    u, seen = data.commands[learn], data.landmarks[learn]
    linear = baselines.ridge_forward(u, seen)(data.commands[data.held])
    near = baselines.nearest_forward(u, seen)(data.commands[data.held])
    ours, floor = rmse(said, held), noise_floor(data)
    metrics: dict[str, Any] = {
        "model_rmse_mm": ours,
        "noise_floor_mm": floor,
        "model_over_floor": ours / floor,
        "model_vs_ridge": ours / rmse(linear, held),
        "model_vs_nearest": ours / rmse(near, held),
        "motion_rms_mm": rmse(held, seen.mean(0)),
        "poses_learned": int(learn.sum()),
        "poses_held": len(held),
        "poses_unseen": int((~data.seen & (data.pose >= 0)).sum()),
        "fit_cpu_s": model.meta.get("fit_cpu_s"),
    }
    metrics |= {
        f"model_rmse_{name}_mm": rmse(said[:, list(at)], held[:, list(at)])
        for name, at in REGIONS.items()
    }
    retarget = Retarget(model, limits_of(face))
    metrics["reach"] = {name: round(share, 3) for name, share, _ in retarget.reach.rows()}
    error = np.linalg.norm(said - held, axis=-1)
    return Verdict(metrics, {"landmark_error": error.mean(0), "pose_error": error.mean(1)})


def learning_curve(face: FaceConfig, data: Dataset, model: SelfModel) -> dict[str, float]:
    """Held-out error (mm) by how many poses, drawn from all, were learned from."""
    learn = np.flatnonzero(usable(data))
    inputs = tuple(int(i) for i in model.inputs)
    out = {}
    for count in (*(c for c in _CURVE if c < 0.9 * len(learn)), len(learn)):
        if count < 2 * len(inputs):
            continue
        part = np.zeros(len(data), dtype=bool)
        part[np.random.default_rng(0).permutation(learn)[:count]] = True
        some = fit(examples(face, data, part, inputs), FitConfig(steps=_CURVE_STEPS))
        out[str(count)] = rmse(predict_held(some, data), data.landmarks[data.held])
    return out


def check_truth(model: SelfModel, blind: SelfModel, shown: Verdict) -> dict[str, float]:
    """On a rig: the model's error without the camera's, from the held-out poses shown again.

    What is off by the same in all poses is the camera's bias, which the model has to share, and is
    taken off. Empty where the truth is not known. ``camera_error_mm``: what the camera itself is
    off by, in single looks at these faces, that bias off.
    """
    true, sent = shown.arrays["asked_true"], shown.arrays["asked_sent"]
    if not np.isfinite(true).all():
        return {}

    def error(off: Floats) -> float:
        return rmse(off - off.mean(0), np.zeros_like(off))

    said = model.sequence(sent)
    seen = shown.arrays["asked_shown"] - true
    out = {
        "model_true_rmse_mm": error(said - true),
        "camera_error_mm": error(seen[np.isfinite(seen).all((1, 2))]),
    }
    if len(model.tendons):
        forgot = error((blind.sequence(sent) - true)[:, ZONE])
        out["memory_gain_mixtures"] = error((said - true)[:, ZONE]) / forgot
    return out
