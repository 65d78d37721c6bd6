"""Asks held-out poses: how well the model predicts them, and how well the face finds them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calibration import baselines
from calibration.dataset import Dataset
from calibration.fit import examples, noise_floor, usable
from calibration.studio import Stage
from models.inverse import Inverse
from models.regions import REGIONS, mouth_width
from models.self_model import SelfModel
from models.train.self_model import FitConfig, fit
from robot.config import FaceConfig, Floats
from robot.retarget import Retarget, limits_of

ASKED = 60
"""Held-out faces that are shown again by every method."""
_STEPS = 15


@dataclass(frozen=True, eq=False)
class Verdict:
    """What verification found.

    Attributes:
        metrics: numbers for ``metrics.json``.
        arrays: what the figures need.
    """

    metrics: dict[str, Any]
    arrays: dict[str, Floats]


def predict_held(model: SelfModel, data: Dataset) -> Floats:
    """(H, 478, 3) predictions of the held-out poses, with the memory of all that came before."""
    return model.sequence(data.commands)[data.held]


def rmse(a: Floats, b: Floats) -> float:
    """RMS distance (mm) over landmarks (..., 3)."""
    return float(np.sqrt(np.square(a - b).sum(-1).mean()))


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
    if len(model.tendons):
        metrics["memory_gain"] = _memory_gain(face, data, model)
    retarget = Retarget(model, limits_of(face))
    metrics["reach"] = {name: round(share, 3) for name, share, _ in retarget.reach.rows()}
    error = np.linalg.norm(said - held, axis=-1)
    return Verdict(metrics, {"landmark_error": error.mean(0), "pose_error": error.mean(1)})


def check_inverse(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    stage: Stage,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verdict:
    """Shows held-out faces again with each method's commands and compares what the camera sees.

    The stage must be started. The first method is ours.
    """
    at = np.flatnonzero(data.held)[:ASKED]
    targets, wanted = data.landmarks[at], data.commands[at]
    learn = usable(data)
    u, seen = data.commands[learn], data.landmarks[learn]
    inverse = Inverse(model, limits_of(face), steps=_STEPS)
    inputs = model.inputs
    low, high = face.limits.T
    methods: dict[str, Floats | None] = {
        "self_model": None,
        "ridge": baselines.ridge(u, seen)(targets),
        "nearest": baselines.nearest(u, seen)(targets),
        "direct": baselines.direct(u, seen)(targets),
    }
    metrics: dict[str, Any] = {}
    arrays: dict[str, Floats] = {"targets": targets, "asked": wanted}
    width = mouth_width(model.landmarks(np.zeros(model.n)))
    done = 0
    for name, commands in methods.items():
        stage.go(face.safe)
        inverse.reset()
        sent, shown = np.empty_like(wanted), np.empty_like(targets)
        for k, target in enumerate(targets):
            goal = inverse.solve(target).commands if commands is None else commands[k]
            sent[k] = stage.go(np.clip(goal, low, high))
            shown[k] = stage.look().landmarks
            done += 1
            progress(done, len(methods) * len(targets))
        share = np.linalg.norm(shown - targets, axis=-1).mean(1) / width * 100
        share = share[np.isfinite(share)]
        l1 = np.abs(sent - wanted)[:, inputs] / (high - low)[inputs]
        prefix = "" if name == "self_model" else f"{name}_"
        metrics[f"{prefix}inverse_mean_pct"] = float(share.mean())
        metrics[f"{prefix}inverse_p95_pct"] = float(np.percentile(share, 95))
        metrics[f"{prefix}command_l1"] = float(l1.mean())
        arrays |= {f"{name}_sent": sent, f"{name}_shown": shown, f"{name}_pct": share}
    for name in ("ridge", "nearest", "direct"):
        metrics[f"vs_{name}"] = metrics["inverse_mean_pct"] / metrics[f"{name}_inverse_mean_pct"]
    metrics["inverse_asked"] = len(targets)
    return Verdict(metrics, arrays)


def _memory_gain(face: FaceConfig, data: Dataset, model: SelfModel) -> float:
    """Error in the strings' zones with memory over that of the same fit without."""
    inputs = tuple(int(i) for i in model.inputs)
    config = FitConfig(memory=False, seed=int(model.meta.get("seed", 0)))
    blind = fit(examples(face, data, usable(data), inputs), config)
    zone = list(REGIONS["nose"] + REGIONS["cheeks"])
    held = data.landmarks[data.held][:, zone]
    with_memory = rmse(predict_held(model, data)[:, zone], held)
    without = rmse(predict_held(replace(blind, neck=model.neck), data)[:, zone], held)
    return with_memory / without
