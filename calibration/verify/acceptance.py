"""Acceptance criteria: the values that a calibration should reach, and those that it must reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CRITERIA: dict[str, float] = {
    "model_over_floor": 1.3,
    "inverse_mean_pct": 1.5,
    "inverse_p95_pct": 4.0,
    "noisy_running_inverse_mean_pct": 1.0,
    "noisy_running_inverse_p95_pct": 2.0,
    "command_l1": 0.03,
    "vs_ridge": 0.7,
    "vs_nearest": 0.4,
    "memory_gain": 0.7,
    "blink_gap": 0.15,
    "shape_cross_talk": 0.15,
    "cross_talk": 0.02,
    "truth_vs_nominal": 0.8,
    "fit_s": 240.0,
    "robot_s": 480.0,
    "poses": 1500.0,
}
"""Largest acceptable value of each metric. The report shows it beside the measured value."""
REQUIRED: dict[str, float] = {
    "inverse_mean_pct": CRITERIA["inverse_mean_pct"],
    "inverse_p95_pct": CRITERIA["inverse_p95_pct"],
    "vs_nearest": 1.0,
}
"""A face that fails one of these is not calibrated. Its inverse must reproduce held-out faces, and
must do so better than a search for the most similar pose of the data set."""
REQUIRED_WHERE_MEASURED: dict[str, float] = {
    "noisy_running_inverse_mean_pct": 2.0,
    "noisy_running_inverse_p95_pct": 5.0,
    "blink_gap": 0.35,
    "shape_cross_talk": 0.3,
    "cross_talk": 0.1,
    "without_effect": 0.0,
    "slow_actuators": 0.0,
    "truth_vs_nominal": 1.0,
}
"""The same for what only some faces have: lids, a design that is known, a known truth. A face with
one of these faults reproduces its own poses and still cannot be used."""
DESCRIPTIONS = {
    "model_over_floor": "prediction error over the camera's noise at rest",
    "inverse_mean_pct": "reproduced faces: mean error, % of mouth width",
    "inverse_p95_pct": "reproduced faces: 95th percentile of the error, % of mouth width",
    "noisy_running_inverse_mean_pct": "single observations reproduced by the inverse as it runs: "
    "mean error, % of mouth width",
    "noisy_running_inverse_p95_pct": "single observations reproduced by the inverse as it runs: "
    "95th percentile of the error, % of mouth width",
    "command_l1": "estimated commands: mean error, share of the range",
    "vs_ridge": "error of reproduced faces over that of linear ridge regression",
    "vs_nearest": "error of reproduced faces over that of the nearest neighbour",
    "memory_gain": "error where tendons pull: with play operators over without",
    "blink_gap": "blink: opening of the worse eye, of that at rest",
    "shape_cross_talk": "largest command of an actuator whose region a shape does not move",
    "cross_talk": "range-of-motion takes: share of frames in which such a command exceeds 0.15",
    "truth_vs_nominal": "true error over that of the design's model, not calibrated",
    "fit_s": "time of the fit, s",
    "robot_s": "robot time of collecting, s",
    "poses": "poses collected",
}
"""Description of each metric, for the report."""


@dataclass(frozen=True)
class CriterionResult:
    """A metric beside its criterion.

    Attributes:
        name: of the metric.
        value: measured.
        criterion: as text.
        met: whether the value meets it.
        note: measured reason of a failure; may be empty.
    """

    name: str
    value: float
    criterion: str
    met: bool
    note: str = ""


def evaluate(metrics: Mapping[str, Any]) -> list[CriterionResult]:
    """Compare the metrics with their criteria; metrics that were not measured are left out."""
    results = []
    for name, limit in CRITERIA.items():
        value = metrics.get(name)
        if isinstance(value, int | float):
            met = bool(value <= limit)
            note = "" if met else _note(name, metrics)
            results.append(CriterionResult(name, float(value), f"at most {limit:g}", met, note))
    return results


def unmet(metrics: Mapping[str, Any]) -> list[str]:
    """The required criteria that are not met, one sentence each; empty for a calibrated face."""
    out = []
    for name, limit in REQUIRED.items():
        value = metrics.get(name)
        if not isinstance(value, int | float):
            out.append(f"{name} was not measured")
        elif not value <= limit:  # true for NaN, too
            out.append(f"{name} is {value:.4g}, at most {limit:g}")
    for name, limit in REQUIRED_WHERE_MEASURED.items():
        value = metrics.get(name)
        if value is not None and not value <= limit:
            out.append(_REASONS[name].format(value=value, limit=limit, **_told(metrics)))
    return out


_AS_IT_RUNS = (
    "its inverse, as it runs, reproduces what the camera sees with an error of {value:.2f} "
)
_REASONS = {
    "noisy_running_inverse_mean_pct": _AS_IT_RUNS + "% of the mouth width, at most {limit:g}",
    "noisy_running_inverse_p95_pct": _AS_IT_RUNS + "% in the worst 5 % of the faces, at most "
    "{limit:g}",
    "blink_gap": "its eyes do not shut: blink_gap is {value:.2f} of the opening at rest, at most "
    "{limit:g}",
    "shape_cross_talk": "an actuator is moved by a shape of another region: {by} is {value:.2f}, "
    "at most {limit:g}",
    "without_effect": "actuators without effect: {names}; mend them, or write absent: true beside "
    "those in the face's YAML that are not built in",
    "cross_talk": "actuators are moved by takes of other regions in {value:.0%} of the frames, at "
    "most {limit:.0%}",
    "slow_actuators": "actuators slower than the face's YAML allows: {slow}; repair them, or set "
    "their speed there to what the report says",
    "truth_vs_nominal": "its self-model is worse than that of the design without any calibration: "
    "truth_vs_nominal is {value:.2f}, at most {limit:g}",
}


def _told(metrics: Mapping[str, Any]) -> dict[str, str]:
    return {
        "by": str(metrics.get("shape_cross_talk_by", "")),
        "slow": str(metrics.get("slow_actuator_names", "")),
        "names": str(metrics.get("without_effect_names", "")),
    }


def _note(name: str, metrics: Mapping[str, Any]) -> str:
    repeat, floor = metrics.get("repeat_mm"), metrics.get("noise_floor_mm")
    noiseless, true = metrics.get("memory_gain_clear"), metrics.get("memory_gain")
    if name == "model_over_floor" and repeat and floor:
        return f"repeatability of the face is {repeat / floor:.1f} times the camera's noise"
    if name == "memory_gain" and noiseless and noiseless != true:
        return f"{noiseless:.2f} for what the camera sees"
    return ""
