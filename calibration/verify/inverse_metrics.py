"""Metrics of the round trip of the inverse; ``inverse.check_inverse`` describes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.verify.identifiability import are_identifiable, cramer_rao_bound
from mien.models.face.regions import mouth_width
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats


def inverse_metrics(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    arrays: dict[str, Floats],
) -> dict[str, Any]:
    """Metrics of a round trip. Arrays for the figures are added to ``arrays``.

    Args:
        face: the face.
        data: observations.
        model: fitted to ``data``.
        arrays: ``METHOD_sent`` (P, n), ``METHOD_shown`` and ``METHOD_true`` (P, 478, 3) of each
            method; ``asked`` is the requested pose; ``targets`` are noiseless, ``looked`` are
            observations (P, 478, 3).
    """
    width = mouth_width(model.landmarks(np.zeros(model.n)))
    requested, true_faces = arrays["asked_sent"], arrays["asked_true"]
    bound = cramer_rao_bound(face, data, model, requested)
    counted = are_identifiable(bound)
    arrays["cramer_rao"] = bound
    metrics: dict[str, Any] = {
        "inverse_asked": len(requested),
        "mouth_width_mm": width,
        "identifiable_actuators": int(counted.sum()),
        "unidentifiable_actuators": int((~counted).sum()),
        "not_identifiable": ", ".join(
            face.names[i] for i, yes in zip(model.inputs, counted, strict=True) if not yes
        ),
    }
    names = [k.removesuffix("_sent") for k in arrays if k.endswith("_sent") and k != "asked_sent"]
    for name in names:
        noisy = name.startswith("noisy_")
        method = name.removeprefix("noisy_")
        targets = arrays["looked" if noisy else "targets"]
        seen_pct = _percent(arrays[f"{name}_shown"] - targets, width)
        true_pct = _percent(arrays[f"{name}_true"] - true_faces, width)
        best = true_pct if len(true_pct) else seen_pct
        prefix = ("noisy_" if noisy else "") + ("" if method == "self_model" else f"{method}_")
        metrics[f"{prefix}inverse_mean_pct"] = float(best.mean())
        metrics[f"{prefix}inverse_p95_pct"] = float(np.percentile(best, 95))
        metrics[f"{prefix}inverse_seen_mean_pct"] = float(seen_pct.mean())
        by_pull, raw = _command_errors(face, model, arrays[f"{name}_sent"], requested)
        metrics[f"{prefix}command_l1"] = float(by_pull[:, counted].mean())
        metrics[f"{prefix}command_l1_all"] = float(raw.mean())
        arrays[f"{name}_pct"] = best
    compared = [("", other) for other in ("ridge", "nearest", "direct", "wide_ridge")]
    for noisy_prefix, other in (*compared, ("noisy_", "ridge"), ("noisy_", "nearest")):
        baseline = metrics.get(f"{noisy_prefix}{other}_inverse_mean_pct")
        if baseline is not None:
            ours = metrics[f"{noisy_prefix}inverse_mean_pct"]
            metrics[f"{noisy_prefix}vs_{other}"] = ours / baseline
    return metrics


def _command_errors(
    face: FaceConfig, model: SelfModel, sent: Floats, requested: Floats
) -> tuple[Floats, Floats]:
    """Errors (P, m) of commands (P, n), as shares of the range: tendons by pull, and all raw."""
    span = np.ptp(face.limits, axis=1)[model.inputs]
    span = np.where(span > 0.0, span, 1.0)  # of an absent actuator
    raw = np.abs(sent - requested)[:, model.inputs] / span
    by_pull = raw.copy()
    if len(model.tendons):
        tendons = model.inputs[model.tendons]
        pulls = [model.play.scan(run[:, tendons]) for run in (sent, requested)]
        by_pull[:, model.tendons] = np.abs(pulls[0] - pulls[1]) / span[model.tendons]
    return by_pull, raw


def _percent(difference: Floats, width: float) -> Floats:
    """Mean landmark distance (P,) of (P, 478, 3) mm in % of the mouth width; NaN is left out."""
    share = np.linalg.norm(difference, axis=-1).mean(1) / width * 100
    return np.asarray(share[np.isfinite(share)])
