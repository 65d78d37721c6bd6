"""What a calibrated face should reach, and what it must reach before it is called calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GOALS: dict[str, float] = {
    "model_over_floor": 1.3,
    "inverse_mean_pct": 1.5,
    "inverse_p95_pct": 4.0,
    "command_l1": 0.03,
    "vs_ridge": 0.7,
    "vs_nearest": 0.4,
    "memory_gain": 0.7,
    "fit_s": 240.0,
    "robot_s": 480.0,
    "poses": 1500.0,
}
"""The most that each may be; shown beside what was measured."""
PROOF: dict[str, float] = {
    "inverse_mean_pct": GOALS["inverse_mean_pct"],
    "inverse_p95_pct": GOALS["inverse_p95_pct"],
    "vs_nearest": 1.0,
}
"""Without these no face is called calibrated: held-out faces are found again, and better than by
looking up the most alike pose of all that were collected."""
MEANING = {
    "model_over_floor": "error of a predicted face over the camera's noise at rest",
    "inverse_mean_pct": "faces shown again: mean error, % of mouth width",
    "inverse_p95_pct": "the same, 95th percentile of the faces",
    "command_l1": "commands found again: mean distance, share of the range",
    "vs_ridge": "error of faces shown again over that of linear ridge",
    "vs_nearest": "the same, over that of the nearest neighbour",
    "memory_gain": "error where strings pull, with their memory over without",
    "fit_s": "fitting the self-model, s",
    "robot_s": "robot time of collecting, s",
    "poses": "poses collected",
}


@dataclass(frozen=True)
class Row:
    """A number and its goal; ``note`` says what a missed one hangs on, where that was measured."""

    name: str
    value: float
    goal: str
    met: bool
    note: str = ""


def judged(metrics: Mapping[str, Any]) -> list[Row]:
    """The numbers that have a goal."""
    rows = []
    for name, limit in GOALS.items():
        value = metrics.get(name)
        if isinstance(value, int | float):
            met = bool(value <= limit)
            note = "" if met else _note(name, metrics)
            rows.append(Row(name, float(value), f"at most {limit:g}", met, note))
    return rows


def wanting(metrics: Mapping[str, Any]) -> list[str]:
    """What keeps a face from being called calibrated; empty for one that is."""
    out = []
    for name, limit in PROOF.items():
        value = metrics.get(name)
        if not isinstance(value, int | float):
            out.append(f"{name} was not measured")
        elif not value <= limit:  # also NaN
            out.append(f"{name} is {value:.4g}, at most {limit:g}")
    return out


def _note(name: str, metrics: Mapping[str, Any]) -> str:
    repeat, floor = metrics.get("repeat_mm"), metrics.get("noise_floor_mm")
    clear, true = metrics.get("memory_gain_clear"), metrics.get("memory_gain")
    if name == "model_over_floor" and repeat and floor:
        times = f"{repeat / floor:.1f} times it"
        return f"the same commands, come by another way, are read {times} apart"
    if name == "memory_gain" and clear and clear != true:
        return f"{clear:.2f} by what the eyes see"
    return ""
