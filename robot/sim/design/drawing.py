"""From chosen parts to a face: the content of its YAML file and of its mechanism's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from mien.robot.errors import InputError
from mien.robot.face.config import FACES
from mien.robot.face.currents import draw_of, least_a
from mien.robot.face.entries import CHANNELS_PER_SERVO_BOARD
from mien.robot.names import is_name, quoted
from mien.robot.sim.design.library import Chosen, Section, library

FIRST_ADDRESS: Final = 0x40
MOST_BOARDS: Final = 3
_VOLTS: Final = (4.5, 8.4)
"""Lowest and highest supply voltage of hobby servos, V."""
_ADDRESSES: Final = (0x40, 0x7F)  # of a PCA9685
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LIBRARY_V: Final = 6.0
_SUPPLIES_A: Final = (2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0)
"""Power supplies that one can buy."""
_SPARE: Final = 1.25
_SIDES: Final = ("left", "right")


@dataclass(frozen=True)
class Design:
    """What a user wants.

    Attributes:
        name: of the face. chosen: its parts.
        addresses: of its servo boards; empty: as many as it needs, from 0x40.
        volts: of the servos' supply. amps: what it carries; 0: as much as the servos need.
        large: parts with large servos.
    """

    name: str
    chosen: Chosen
    addresses: tuple[int, ...] = ()
    volts: float = 6.0
    amps: float = 0.0
    large: tuple[str, ...] = ()

    @property
    def mechanism_file(self) -> str:
        """Name of the mechanism's file, which lies beside the face's."""
        return f"{self.name}_mechanism.yaml"


def design(
    name: str,
    chosen: Chosen,
    addresses: list[str],
    volts: float = 6.0,
    amps: float = 0.0,
    large: Iterable[str] = (),
) -> Design:
    """A design from what a user wrote; see ``Design``.

    Raises:
        InputError: anything that no face can have.
    """
    example = "mien face new NAME"
    if not (_NAME.fullmatch(name) and is_name(name)):
        raise InputError(
            f"{quoted(name)} is no name for a face; it has 1 to 40 small letters, digits and _, "
            "the first a letter",
            "mien face new myface",
        )
    if (FACES / f"{name}.yaml").exists():
        raise InputError(f"{name} is the name of a face that ships", "mien face new myface")
    if not _VOLTS[0] <= volts <= _VOLTS[1]:
        raise InputError(
            f"--volts is {volts:g}; hobby servos take {_VOLTS[0]} to {_VOLTS[1]} V",
            f"{example} --volts 6",
        )
    if unknown := [part for part in large if part not in library().parts]:
        raise InputError(
            f"--large is {quoted(unknown[0])}; the parts are {', '.join(library().parts)}",
            f"{example} --large jaw",
        )
    return Design(name, chosen, _parsed(addresses), volts, amps, tuple(large))


def _parsed(addresses: list[str]) -> tuple[int, ...]:
    example = "mien face new NAME --servo-board 0x40 --servo-board 0x41"
    out: list[int] = []
    for text in addresses:
        try:
            address = int(text, 16 if text.lower().startswith("0x") else 10)
        except ValueError:
            raise InputError(
                f"--servo-board is {quoted(text)}, which is no I2C address", example
            ) from None
        if not _ADDRESSES[0] <= address <= _ADDRESSES[1] or address in out:
            raise InputError(
                f"--servo-board is {quoted(text)}; an address is {_ADDRESSES[0]:#x} to "
                f"{_ADDRESSES[1]:#x} and given once",
                example,
            )
        out.append(address)
    if len(out) > MOST_BOARDS:
        raise InputError(f"--servo-board names {len(out)}; a board has {MOST_BOARDS}", example)
    return tuple(out)


def face_tree(plan: Design) -> Section:
    """Content of the face's YAML file.

    Raises:
        InputError: too few servo boards, or a supply that is too weak.
    """
    actuators: dict[str, Section] = {}
    interlocks: list[Section] = []
    for part_name, count in plan.chosen.items():
        part = library().parts[part_name]
        variant = part.variants[count]
        for pattern, entry in variant.actuators.items():
            for name, direction in _two_sides(pattern):
                actuators[name] = _actuator(entry, part.region, direction, part_name in plan.large)
        interlocks += deepcopy(variant.interlocks)
    addresses = _addresses(plan, len(actuators))
    for k, entry in enumerate(actuators.values()):
        entry["board"], entry["channel"] = divmod(k, CHANNELS_PER_SERVO_BOARD)
    tree: Section = {
        "face": plan.name,
        "description": f"{len(actuators)} servos: " + ", ".join(plan.chosen),
        "mechanism": plan.mechanism_file,
        "boards": addresses,
        "pwm_hz": 50,
        "baud": 500000,
        "timeout_ms": 200,
        "actuators": actuators,
    }
    if interlocks:
        tree["interlocks"] = interlocks
    used = sorted({entry["board"] for entry in actuators.values()})
    supply: Section = {"name": "servos", "volts": plan.volts, "amps": _amps(plan, actuators)}
    return tree | {"supplies": [supply | {"boards": used}]}


def mechanism_tree(plan: Design) -> Section:
    """Content of the mechanism's file; names with ``*`` stand for two sides."""
    merged: Section = deepcopy(library().base)
    for part_name, count in plan.chosen.items():
        _merge(merged, library().parts[part_name].variants[count].mechanism)
    scale = plan.volts / _LIBRARY_V
    servos = {
        name: kind | {key: round(kind[key] * scale, 4) for key in ("stall_torque", "no_load_speed")}
        for name, kind in library().servos.items()
    }
    merged["bodies"] = _parents_first(merged["bodies"])
    sections = (
        "skin", "bodies", "nodes", "cords", "bulges", "linkages", "tendons", "contacts", "stops",
        "outputs",
    )  # fmt: skip
    merged.setdefault("linkages", {})
    filled = {key: merged[key] for key in sections if merged.get(key) is not None}
    return {"name": plan.name, "servos": servos} | filled


def _actuator(entry: Section, region: str, direction: int, large: bool) -> Section:
    out: Section = {"kind": "rigid", "region": region} | deepcopy(entry)
    if large:
        out["servo"] = "large"
    if direction < 0:
        out["direction"] = -1
    return out | {"safe": 0.0}


def _two_sides(pattern: str) -> list[tuple[str, int]]:
    """Names of an entry with the direction of each: the servo of the right side is mirrored."""
    if "*" not in pattern:
        return [(pattern, 1)]
    return [(pattern.replace("*", side), sign) for side, sign in zip(_SIDES, (1, -1), strict=True)]


def _addresses(plan: Design, servos: int) -> list[int]:
    needed = -(-servos // CHANNELS_PER_SERVO_BOARD)
    addresses = list(plan.addresses) or [FIRST_ADDRESS + k for k in range(needed)]
    if len(addresses) < needed:
        raise InputError(
            f"{servos} servos need {needed} servo boards of {CHANNELS_PER_SERVO_BOARD} channels; "
            f"{len(addresses)} are given",
            f"mien face new {plan.name} "
            + " ".join(f"--servo-board {FIRST_ADDRESS + k:#x}" for k in range(needed)),
        )
    return addresses


def _amps(plan: Design, actuators: Mapping[str, Section]) -> float:
    draws = [draw_of(name, str(a["servo"]), plan.volts, {}) for name, a in actuators.items()]
    least = least_a(draws)
    if plan.amps and plan.amps < least:
        raise InputError(
            f"--amps is {plan.amps:g}; {len(draws)} servos need at least {least:g} A",
            f"mien face new {plan.name} --amps {math.ceil(least * _SPARE)}",
        )
    usual = next((a for a in _SUPPLIES_A if a >= least * _SPARE), _SUPPLIES_A[-1])
    return plan.amps or usual


def _merge(into: Section, more: Mapping[str, Any]) -> None:
    """Add ``more`` to ``into``; objects are merged, anything else is replaced."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = deepcopy(value)


def _parents_first(bodies: Section) -> Section:
    out: Section = {}

    def add(name: str) -> None:
        parent = bodies[name]["parent"]
        if parent in bodies and parent not in out:
            add(parent)
        out[name] = bodies[name]

    for name in bodies:
        if name not in out:
            add(name)
    return out
