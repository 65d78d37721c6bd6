"""The sample of faulty robots is the same each time, and has every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.calibration.verify.diagnosis import ActuatorFault
from mien.robot.face.config import load_face
from mien.robot.sim.faults import parse_fault
from tests.bench.calibration import faults as bench
from tests.bench.calibration.faults import KINDS, checks, sample, sized


def test_every_kind_is_drawn_equally_often_and_can_occur() -> None:
    drawn = sample([1, 2, 3], 60)
    assert drawn == sample([1, 2, 3], 60)
    assert drawn != sample([1, 2, 3], 60, seed=1)
    for kind in KINDS:
        assert sum(one.kind == kind for one in drawn) == 10
    for one in drawn:
        parse_fault(f"{one.kind}:{one.actuator}", load_face(one.face))
    assert {one.build for one in drawn} == {1, 2, 3}
    assert sized("projected", 60) == 60
    assert sized("rendered", 60) == 20


def test_only_the_right_actuator_with_the_right_fault_counts_as_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = iter(sample([1], 12))
    seen: list[list[ActuatorFault]] = []
    for k in range(12):
        one = next(drawn)
        right = ActuatorFault(one.actuator, KINDS[one.kind], 0.0, False)
        other = ActuatorFault("somebody", "slow", 0.3, False)
        wrong = ActuatorFault(one.actuator, "slack", 0.3, False)
        seen.append({0: [], 1: [other], 2: [right, other], 3: [wrong]}.get(k, [right]))
    answers = iter([*seen, [other], []])
    known = type("Known", (), {"face": None, "model": None, "data": None, "healthy": None})
    monkeypatch.setattr(bench, "known_robot", lambda *_: known)
    monkeypatch.setattr(bench, "watched", lambda *_: [])
    monkeypatch.setattr(bench, "diagnose", lambda *_: next(answers))
    found = checks(Path(), [1], "projected", 150, 12)
    slack = sample([1], 12)[3].kind == "slack"
    assert found["check_caught"] == pytest.approx((9 + slack) / 12)
    assert found["check_named"] == pytest.approx(10 / 12)
    assert found["check_false"] == pytest.approx(3 / 14)
