"""Faults of a face's current budget: who has no supply, who has two, and what cannot start.

Like ``consistency``, of which it is a part, it reads the raw tree and leaves to the schema what is
malformed in itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

from mien.robot.face.currents import LAST_SLOT, SLOT_S, TYPICAL, Draw, draw_of, least_a, start_slots

# What the schema takes at most. Beyond it sums of currents would lose their last digits.
_SLOWEST_S, _MAX_DRAW_A, _MAX_SUPPLY_A, _MAX_VOLTS = 5.0, 50.0, 500.0, 30.0


def budget_faults(tree: dict[str, Any], actuators: dict[str, Any]) -> Iterator[str]:
    """Every fault between supplies, written currents and actuators, one line each."""
    for key in _dict(tree.get("currents")):
        if key in TYPICAL and key in actuators:
            yield f"currents.{key}: is a class of servos and an actuator; rename the actuator"
        elif key not in TYPICAL and key not in actuators:
            yield f"currents.{key}: no such actuator, and the classes are {', '.join(TYPICAL)}"
    listed = tree.get("supplies")
    supplies = [_dict(s) for s in listed] if isinstance(listed, list) else []
    if not supplies:
        return
    fed: dict[str, str] = {}
    for i, supply in enumerate(supplies):
        yield from _named(supplies, i)
        yield from _members(tree, actuators, i, supply)
        name = str(supply.get("name"))
        feeds = _feeds(supply, actuators)
        if not feeds:
            yield f"supplies.{i}: {name} feeds nothing; give it boards or actuators"
        for actuator in feeds:
            if actuator in fed:
                yield f"supplies.{i}: {actuator} is already fed by {fed[actuator]}"
            fed.setdefault(actuator, name)
        yield from _amps(tree, actuators, i, supply, feeds)
    if lonely := [name for name in actuators if name not in fed]:
        yield f"supplies: nothing feeds {', '.join(lonely)}"


def _named(supplies: list[dict[str, Any]], index: int) -> Iterator[str]:
    name = supplies[index].get("name")
    if name is not None and name in [s.get("name") for s in supplies[:index]]:
        yield f"supplies.{index}.name: {name} is given twice"


def _members(
    tree: dict[str, Any], actuators: dict[str, Any], index: int, supply: dict[str, Any]
) -> Iterator[str]:
    boards = len(_list(tree.get("boards")))
    for board in _list(supply.get("boards")):
        if isinstance(board, int) and board >= boards:
            yield f"supplies.{index}.boards: has {board}, but {boards} servo boards are listed"
    for name in _list(supply.get("actuators")):
        if isinstance(name, str) and name not in actuators:
            yield f"supplies.{index}.actuators: no such actuator as {name}"


def _feeds(supply: dict[str, Any], actuators: dict[str, Any]) -> list[str]:
    boards, named = _list(supply.get("boards")), _list(supply.get("actuators"))
    return [n for n, raw in actuators.items() if n in named or _dict(raw).get("board") in boards]


def _amps(
    tree: dict[str, Any], actuators: dict[str, Any], index: int, supply: dict[str, Any],
    feeds: list[str],
) -> Iterator[str]:  # fmt: skip
    amps: Any = supply.get("amps")
    draws = _draws(tree, actuators, feeds, supply.get("volts"))
    if draws is None or not _positive(amps, _MAX_SUPPLY_A):
        return
    bad = [n for n, d in zip(feeds, draws, strict=True) if not d.idle_a <= d.run_a <= d.stall_a]
    for name in bad:
        draw = draws[feeds.index(name)]
        yield (
            f"currents: {name} must have idle <= run <= stall, "
            f"has {draw.idle_a:g}, {draw.run_a:g} and {draw.stall_a:g} A"
        )
    if bad or not draws:
        return
    where, needed, all_a = f"supplies.{index}.amps", least_a(draws), sum(d.run_a for d in draws)
    if amps < needed - 1e-9:
        yield (
            f"{where}: is {amps:g}, but its {len(draws)} servos take {all_a:g} A "
            f"when all move, and {needed:g} A while the last one starts"
        )
    elif (last := int(start_slots(draws, amps).max())) > LAST_SLOT:
        yield (
            f"{where}: is {amps:g}, with which the last servo starts {last * SLOT_S:g} s after ARM;"
            f" the board waits {LAST_SLOT * SLOT_S:g} s at most"
        )


def _draws(
    tree: dict[str, Any], actuators: dict[str, Any], feeds: list[str], volts: Any
) -> list[Draw] | None:
    """None where something that it needs is malformed, which the schema reports."""
    written = _dict(tree.get("currents"))
    servos: list[Any] = [_dict(actuators[n]).get("servo") for n in feeds]
    plain = {k: {f: v for f, v in _dict(w).items() if v is not None} for k, w in written.items()}
    numbers = [(f, v) for w in plain.values() for f, v in w.items()]
    known = set(Draw.__dataclass_fields__)
    if not _positive(volts, _MAX_VOLTS) or not all(
        isinstance(s, str) and s in TYPICAL for s in servos
    ):
        return None
    if not all(f in known and is_number(v) and 0.0 <= v <= _MAX_DRAW_A for f, v in numbers):
        return None
    if any(f == "travel_s" and v > _SLOWEST_S for f, v in numbers):
        return None
    return [draw_of(n, s, volts, plain) for n, s in zip(feeds, servos, strict=True)]


def _positive(value: Any, most: float) -> bool:
    return is_number(value) and 0.0 < value <= most


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
