"""A face is called calibrated when held-out faces were found again, and not before."""

from __future__ import annotations

import pytest

from mien.calibration.verify.acceptance import GOALS, MEANING, PROOF, judged, wanting

FOUND = {"inverse_mean_pct": 0.34, "inverse_p95_pct": 0.65, "vs_nearest": 0.15, "vs_ridge": 0.6}


def test_every_goal_has_its_meaning() -> None:
    assert set(MEANING) == set(GOALS)
    assert set(PROOF) <= set(GOALS)


def test_a_face_that_finds_held_out_faces_is_calibrated() -> None:
    assert wanting(FOUND) == []
    # A model that misses a goal of another kind is still one of this face.
    assert wanting(FOUND | {"model_over_floor": 5.0, "memory_gain": 0.95}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("inverse_mean_pct", 1.6), ("inverse_p95_pct", 4.1), ("vs_nearest", 1.01)],
)
def test_what_is_missed_is_named_with_its_value_and_what_is_allowed(
    name: str, value: float
) -> None:
    (said,) = wanting(FOUND | {name: value})
    assert said == f"{name} is {value:.4g}, at most {PROOF[name]:g}"


def test_what_was_not_measured_proves_nothing() -> None:
    assert len(wanting({})) == len(PROOF)
    assert wanting(FOUND | {"inverse_mean_pct": float("nan")}) == [
        "inverse_mean_pct is nan, at most 1.5"
    ]


def test_a_missed_goal_says_what_it_hangs_on() -> None:
    metrics = {
        "model_over_floor": 4.7,
        "repeat_mm": 0.22,
        "noise_floor_mm": 0.128,
        "memory_gain": 0.96,
        "memory_gain_clear": 0.72,
        "fit_s": 14.0,
    }
    rows = {row.name: row for row in judged(metrics)}
    assert not rows["model_over_floor"].met
    assert "are read 1.7 times it apart" in rows["model_over_floor"].note
    assert rows["memory_gain"].note == "0.72 by what the eyes see"
    assert rows["fit_s"].met
    assert not rows["fit_s"].note
