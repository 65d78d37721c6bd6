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
from models.objective import Wishes
from models.regions import REGIONS, mouth_width
from models.self_model import SelfModel
from models.train.self_model import FitConfig, fit
from robot.config import FaceConfig, Floats
from robot.retarget import Retarget, limits_of

ASKED = 80
"""Held-out faces that are shown again by every method."""
_STEPS = 15
_CURVE, _CURVE_STEPS = (100, 200, 400, 800, 1600), 600


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
        metrics["memory_gain"] = memory_gain(face, data, model)
    retarget = Retarget(model, limits_of(face))
    metrics["reach"] = {name: round(share, 3) for name, share, _ in retarget.reach.rows()}
    error = np.linalg.norm(said - held, axis=-1)
    return Verdict(metrics, {"landmark_error": error.mean(0), "pose_error": error.mean(1)})


def check_inverse(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    stage: Stage,
    steady: Callable[[Floats], Floats] = lambda landmarks: landmarks,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verdict:
    """Shows held-out faces again with each method's commands and compares.

    Targets are what the camera saw of the held-out poses. Errors are measured on the true landmarks
    where the stage knows them (a rig) and as the camera sees them; ``inverse_*`` are the former if
    there, ``inverse_seen_*`` always the latter, which hold the noise of two looks. The stage must
    be started.
    """
    at = np.flatnonzero(data.held)[:ASKED]
    targets, wanted = data.landmarks[at], data.commands[at]
    learn = usable(data)
    u, seen = data.commands[learn], data.landmarks[learn]
    low, high = face.limits.T
    # Held-out faces are noisy looks at babble: symmetry says nothing of them, and how far an input
    # is believed to be from rest is the camera's noise over what the babbling did (both squared).
    doubted = noise_floor(data) ** 2 / 3 / float(u[:, model.inputs].var())
    wishes = Wishes(mirror=0.0, neutral=doubted if np.isfinite(doubted) else Wishes().neutral)
    inverse = Inverse(model, limits_of(face), wishes, steps=_STEPS)
    methods: dict[str, Callable[[int], Floats]] = {
        "asked": wanted.__getitem__,
        "self_model": lambda k: inverse.solve(targets[k]).commands,
        "ridge": baselines.ridge(u, seen)(targets).__getitem__,
        "nearest": baselines.nearest(u, seen)(targets).__getitem__,
        "direct": baselines.direct(u, seen)(targets).__getitem__,
    }
    arrays: dict[str, Floats] = {"targets": targets}
    done = 0
    for name, commands in methods.items():
        stage.go(face.safe)
        sent, shown, true = np.empty_like(wanted), np.empty_like(targets), np.empty_like(targets)
        for k in range(len(targets)):
            sent[k] = stage.go(np.clip(commands(k), low, high))
            shown[k] = steady(stage.look().landmarks)
            known = stage.truth()
            true[k] = np.nan if known is None else known
            done += 1
            progress(done, len(methods) * len(targets))
        arrays |= {f"{name}_sent": sent, f"{name}_shown": shown, f"{name}_true": true}
    width = mouth_width(model.landmarks(np.zeros(model.n)))
    metrics: dict[str, Any] = {"inverse_asked": len(targets), "mouth_width_mm": width}
    for name in list(methods)[1:]:
        seen_pct = _percent(arrays[f"{name}_shown"] - targets, width)
        true_pct = _percent(arrays[f"{name}_true"] - arrays["asked_true"], width)
        best = true_pct if len(true_pct) else seen_pct
        l1 = np.abs(arrays[f"{name}_sent"] - wanted)[:, model.inputs] / (high - low)[model.inputs]
        prefix = "" if name == "self_model" else f"{name}_"
        metrics[f"{prefix}inverse_mean_pct"] = float(best.mean())
        metrics[f"{prefix}inverse_p95_pct"] = float(np.percentile(best, 95))
        metrics[f"{prefix}inverse_seen_mean_pct"] = float(seen_pct.mean())
        metrics[f"{prefix}command_l1"] = float(l1.mean())
        arrays[f"{name}_pct"] = best
    for name in list(methods)[2:]:
        metrics[f"vs_{name}"] = metrics["inverse_mean_pct"] / metrics[f"{name}_inverse_mean_pct"]
    return Verdict(metrics, arrays)


def _percent(off: Floats, width: float) -> Floats:
    """(P,) mean landmark distance of (T, 478, 3) in % of the mouth width, where all is known."""
    share = np.linalg.norm(off, axis=-1).mean(1) / width * 100
    return np.asarray(share[np.isfinite(share)])


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


def check_truth(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    shown: Verdict,
    config: FitConfig | None = None,
) -> dict[str, float]:
    """On a rig: the model's error without the camera's, from the held-out poses shown again.

    What is off by the same in all poses is the camera's bias, which the model has to share, and is
    taken off. Empty where the truth is not known.
    """
    true, sent = shown.arrays["asked_true"], shown.arrays["asked_sent"]
    if not np.isfinite(true).all():
        return {}
    zone = list(REGIONS["nose"] + REGIONS["cheeks"])

    def error(said: Floats, at: list[int] | slice) -> float:
        off = (said - true)[:, at]
        return rmse(off - off.mean(0), np.zeros_like(off))

    out = {"model_true_rmse_mm": error(model.sequence(sent), slice(None))}
    if len(model.tendons):
        inputs = tuple(int(i) for i in model.inputs)
        config = config or FitConfig(seed=int(model.meta.get("seed", 0)))
        blind = fit(examples(face, data, usable(data), inputs), replace(config, memory=False))
        out["memory_gain_true"] = error(model.sequence(sent), zone) / error(
            blind.sequence(sent), zone
        )
    return out


def memory_gain(
    face: FaceConfig, data: Dataset, model: SelfModel, config: FitConfig | None = None
) -> float:
    """Error in the strings' zones with memory over that of the same fit without."""
    inputs = tuple(int(i) for i in model.inputs)
    config = config or FitConfig(seed=int(model.meta.get("seed", 0)))
    blind = fit(examples(face, data, usable(data), inputs), replace(config, memory=False))
    zone = list(REGIONS["nose"] + REGIONS["cheeks"])
    held = data.landmarks[data.held][:, zone]
    with_memory = rmse(predict_held(model, data)[:, zone], held)
    without = rmse(predict_held(replace(blind, neck=model.neck), data)[:, zone], held)
    return with_memory / without
