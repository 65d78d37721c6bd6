"""Faults of a face that no single field shows: ends that cross, a channel wired twice.

It reads the raw tree of the YAML file, so that a fault in one place hides none in another; what is
malformed in itself is left to the schema in ``config``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mien.robot import wire
from mien.robot.face.actuator_kinds import kind_named
from mien.robot.face.budget import budget_faults, is_number

MAX_ENTRIES: Final = 64
"""Most entries of any list of a face. Where one has more, only the schema is asked."""
_MIN_COEFFICIENT: Final = 0.001
_MIN_LIMITS: Final = 0.001  # in commands
_MIN_PULSE_US: Final = 1.0  # a servo does not tell less apart


def consistency(tree: Any) -> list[str]:
    """Every fault between the fields of a face, one line each, beginning with its key."""
    if not isinstance(tree, dict) or any(len(_entries(v)) > MAX_ENTRIES for v in tree.values()):
        return []
    actuators = _dict(tree.get("actuators"))
    faults = list(_servo_boards(tree, actuators))
    for name, raw in actuators.items():
        faults += [f"actuators.{name}.{line}" for line in _actuator(_dict(raw))]
    faults += _roles(actuators)
    faults += _interlocks(tree, actuators)
    faults += budget_faults(tree, actuators)
    return faults


def _actuator(raw: dict[str, Any]) -> Iterator[str]:
    pulse = _numbers(raw.get("pulse_us"), 3)
    if pulse and not min(pulse[1] - pulse[0], pulse[2] - pulse[1]) >= _MIN_PULSE_US:
        yield f"pulse_us: must rise (min < neutral < max) by {_MIN_PULSE_US:g} us, is {pulse}"
    limits = _numbers(raw.get("limits", (-1.0, 1.0)), 2)
    if limits and not limits[1] - limits[0] >= _MIN_LIMITS:
        yield f"limits: must rise (low < high) by {_MIN_LIMITS:g}, are {limits}"
    safe = raw.get("safe", 0.0)
    if limits and is_number(safe) and not limits[0] <= safe <= limits[1]:
        yield f"safe: must lie within limits {limits}, is {safe}"
    if raw.get("absent") is True and is_number(safe) and safe != 0.0:
        yield f"safe: is {safe}, an absent actuator stays at 0"
    if limits and not limits[0] <= 0.0 <= limits[1]:
        yield f"limits: must hold the neutral 0, are {limits}"
    if kind := kind_named(raw.get("kind")):
        yield from kind.faults(raw, limits)


def _servo_boards(tree: dict[str, Any], actuators: dict[str, Any]) -> Iterator[str]:
    listed = tree.get("boards")
    boards = listed if isinstance(listed, list) else []
    for i, address in enumerate(boards):
        if isinstance(address, int) and address in boards[:i]:
            yield f"boards.{i}: address {address:#x} is listed twice"
    taken: dict[tuple[Any, Any], str] = {}
    for name, raw in actuators.items():
        board, channel = _dict(raw).get("board"), _dict(raw).get("channel")
        if not (isinstance(board, int) and isinstance(channel, int)):
            continue
        if board >= len(boards):
            yield f"actuators.{name}.board: is {board}, but {len(boards)} servo boards are listed"
        other = taken.setdefault((board, channel), name)
        if other != name:
            yield (
                f"actuators.{name}.channel: servo board {board} channel {channel} "
                f"is already used by {other}"
            )


def _interlocks(tree: dict[str, Any], actuators: dict[str, Any]) -> Iterator[str]:
    locks = tree.get("interlocks", [])
    if isinstance(locks, list):
        yield from _too_many(locks)
    for i, lock in enumerate(locks if isinstance(locks, list) else []):
        terms = _dict(_dict(lock).get("terms"))
        for name, c in terms.items():
            if name not in actuators:
                yield f"interlocks.{i}.terms.{name}: no such actuator"
            if is_number(c) and 0 < abs(c) < _MIN_COEFFICIENT:
                yield f"interlocks.{i}.terms.{name}: is {c:g}, 0 or at least {_MIN_COEFFICIENT:g}"
        safe = [(c, _dict(actuators.get(n)).get("safe", 0.0)) for n, c in terms.items()]
        limit = _dict(lock).get("max")
        if is_number(limit) and all(is_number(x) for pair in safe for x in pair):
            total = sum(c * s for c, s in safe)
            if total > limit:
                yield f"interlocks.{i}.max: {limit}, but the safe pose itself has {total:g}"


def _too_many(locks: list[Any]) -> Iterator[str]:
    """What does not fit into the board, which holds the interlocks in its own ramps."""
    counts = [len(_dict(_dict(lock).get("terms"))) for lock in locks]
    if len(locks) > wire.INTERLOCKS_MAX:
        yield f"interlocks: are {len(locks)}, the board takes {wire.INTERLOCKS_MAX}"
    if sum(counts) > wire.TERMS_MAX:
        yield f"interlocks: have {sum(counts)} terms, the board takes {wire.TERMS_MAX} in all"
    for i, count in enumerate(counts):
        if count > wire.INTERLOCK_TERMS:
            yield f"interlocks.{i}.terms: are {count}, the board takes {wire.INTERLOCK_TERMS}"


def _roles(actuators: dict[str, Any]) -> Iterator[str]:
    taken: dict[str, str] = {}
    for name, raw in actuators.items():
        role = _dict(raw).get("role")
        if isinstance(role, str):
            other = taken.setdefault(role, name)
            if other != name:
                yield f"actuators.{name}.role: {role} is already that of {other}"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> Any:
    return value if isinstance(value, list | dict) else ()


def _numbers(value: Any, count: int) -> list[float] | None:
    if isinstance(value, list | tuple) and len(value) == count and all(map(is_number, value)):
        return list(value)
    return None
