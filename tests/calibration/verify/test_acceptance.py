"""A face is called calibrated when held-out faces were found again, and not before."""

from __future__ import annotations

import pytest

from mien.calibration.verify.acceptance import CRITERIA, DESCRIPTIONS, REQUIRED, evaluate, unmet

FOUND = {"inverse_mean_pct": 0.34, "inverse_p95_pct": 0.65, "vs_nearest": 0.15, "vs_ridge": 0.6}


def test_every_criterion_has_a_description() -> None:
    assert set(DESCRIPTIONS) == set(CRITERIA)
    assert set(REQUIRED) <= set(CRITERIA)


def test_a_face_that_finds_held_out_faces_is_calibrated() -> None:
    assert unmet(FOUND) == []
    # A model that misses another criterion is still one of this face.
    assert unmet(FOUND | {"model_over_floor": 5.0, "memory_gain": 0.95}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("inverse_mean_pct", 1.6), ("inverse_p95_pct", 4.1), ("vs_nearest", 1.01)],
)
def test_what_is_missed_is_named_with_its_value_and_what_is_allowed(
    name: str, value: float
) -> None:
    (output,) = unmet(FOUND | {name: value})
    assert output == f"{name} is {value:.4g}, at most {REQUIRED[name]:g}"


def test_what_was_not_measured_proves_nothing() -> None:
    assert len(unmet({})) == len(REQUIRED)
    assert unmet(FOUND | {"inverse_mean_pct": float("nan")}) == [
        "inverse_mean_pct is nan, at most 1.5"
    ]


def test_a_missed_criterion_says_why() -> None:
    metrics = {
        "model_over_floor": 4.7,
        "repeat_mm": 0.22,
        "noise_floor_mm": 0.128,
        "memory_gain": 0.96,
        "memory_gain_clear": 0.72,
        "fit_s": 14.0,
    }
    rows = {row.name: row for row in evaluate(metrics)}
    assert not rows["model_over_floor"].met
    assert "is 1.7 times the camera's noise" in rows["model_over_floor"].note
    assert rows["memory_gain"].note == "0.72 for what the camera sees"
    assert rows["fit_s"].met
    assert not rows["fit_s"].note
