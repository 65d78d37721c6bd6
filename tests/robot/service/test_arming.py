"""The rule: every part must hold, and what does not is said."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mien.robot.service.arming import Facts, board_fault, reason_to_rest
from mien.robot.service.settings import ArmRule
from mien.robot.wire import State

FRIDAY = datetime(2026, 1, 2, 12, 0)
READY = Facts(
    board="", since_s=20.0, pressed=None, estopped=False, local=FRIDAY, disk="", moving=False
)
RULE = ArmRule(healthy_s=10.0, grace_s=2.0)


def test_a_healthy_board_long_enough_is_all_that_the_plain_rule_asks_for() -> None:
    assert reason_to_rest(RULE, READY) == ""
    assert "9 of 10 s" in reason_to_rest(RULE, replace(READY, since_s=9.0))


@pytest.mark.parametrize(
    ("rule", "fact", "said"),
    [
        ({}, {"board": "the board is in ESTOP"}, "ESTOP"),
        ({}, {"disk": "the disk has 3 MB left"}, "3 MB"),
        ({}, {"estopped": True}, "emergency stop"),
        ({}, {"estopped": True, "pressed": False}, "emergency stop"),
        ({}, {"pressed": False}, "said rest"),
        ({"person": True}, {}, "waits for a person"),
        ({"hours": ("08:00-12:00",)}, {}, "outside of its hours"),
        ({"days": ("sat", "sun")}, {}, "outside of its hours"),
    ],
)
def test_any_part_alone_keeps_the_face_at_rest(
    rule: dict[str, Any], fact: dict[str, Any], said: str
) -> None:
    for moving in (False, True):
        found = reason_to_rest(
            RULE.model_copy(update=rule), replace(READY, **{"moving": moving, **fact})
        )
        assert said in found


def test_a_person_arms_what_waits_for_one_but_not_beyond_the_rest_of_the_rule() -> None:
    asks = RULE.model_copy(update={"person": True})
    pressed = replace(READY, pressed=True)
    assert reason_to_rest(asks, pressed) == ""
    assert reason_to_rest(asks, replace(pressed, estopped=True)) == ""
    assert reason_to_rest(asks, replace(pressed, since_s=1.0))
    assert reason_to_rest(asks, replace(pressed, board="the board does not answer"))


def test_a_face_that_moves_outlasts_a_short_fault_of_its_board() -> None:
    gone = replace(READY, board="the board does not answer", moving=True)
    assert reason_to_rest(RULE, replace(gone, since_s=2.0)) == ""
    assert reason_to_rest(RULE, replace(gone, since_s=2.1))
    assert reason_to_rest(RULE, replace(gone, since_s=0.0, moving=False))


def test_what_counts_as_a_healthy_board() -> None:
    def link(state: State, boards: int = 0b11) -> dict[str, float]:
        return {"board_state": float(state), "board_boards": float(boards)}

    for state in State:
        found = board_fault(True, link(state), 2)
        assert bool(found) == (state in (State.UNCONFIGURED, State.ESTOP)), state
    assert "does not answer" in board_fault(False, link(State.ARMED), 2)
    assert "not reported" in board_fault(True, {}, 2)
    assert board_fault(True, link(State.DISARMED, 0b01), 2) == "servo board 1 does not answer"
    assert board_fault(True, link(State.DISARMED, 0), 0) == ""
