"""When an unattended face may move: a rule, facts, and the reason why it rests.

    rule (``settings.ArmRule``), facts  ->  reason, empty where the face may move

The board's health is what it reports now, and not what it has latched: a board that was without its
host for a moment keeps a fault until somebody clears it, and that must not end every night's run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mien.robot.service.settings import ArmRule
from mien.robot.wire import State

NO_REPORT: Final = "the board has not reported yet"
_UNFIT = (State.UNCONFIGURED, State.ESTOP)


@dataclass(frozen=True)
class Facts:
    """What the rule is asked about.

    Attributes:
        board: what is wrong with the board; empty when it is healthy.
        since_s: for how long the board has been so, healthy or not, in s.
        pressed: what a person said last: True to arm, False to rest, None nothing since the start.
        estopped: an emergency stop has ended an earlier run, and no person has said ``arm`` since.
        local: date and time of the day.
        disk: what is wrong with the disk; empty when there is room.
        moving: the face moves now.
    """

    board: str
    since_s: float
    pressed: bool | None
    estopped: bool
    local: datetime
    disk: str
    moving: bool


def reason_to_rest(rule: ArmRule, facts: Facts) -> str:
    """Why the face rests, for a person; empty where it may move."""
    if facts.estopped and facts.pressed is not True:
        return "an emergency stop ended an earlier run; look at the face, then mien service arm"
    if facts.pressed is False:
        return "a person said rest; mien service arm"
    if rule.person and facts.pressed is None:
        return "it waits for a person: mien service arm"
    if not rule.open_at(facts.local.weekday(), facts.local.time()):
        return f"{facts.local:%a %H:%M} is outside of its hours"
    if facts.disk:
        return facts.disk
    if facts.board:
        patient = facts.moving and facts.since_s <= rule.grace_s
        return "" if patient else facts.board
    if not facts.moving and facts.since_s < rule.healthy_s:
        return f"the board is healthy for {facts.since_s:.0f} of {rule.healthy_s:g} s"
    return ""


def board_fault(connected: bool, link: Mapping[str, float], boards: int) -> str:
    """What is wrong with a board; empty for a healthy one.

    Args:
        connected: whether the last exchange went well.
        link: ``Board.report``.
        boards: number of servo boards of the face.
    """
    if not connected:
        return "the board does not answer"
    if "board_state" not in link:
        return NO_REPORT
    state = State(int(link["board_state"]))
    if state in _UNFIT:
        return f"the board is in {state.name}"
    missing = [str(k) for k in range(boards) if not int(link["board_boards"]) >> k & 1]
    return f"servo board {', '.join(missing)} does not answer" if missing else ""
