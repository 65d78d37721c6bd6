"""From chosen parts to a face: the content of its YAML file and of its mechanism's."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from mien.robot.errors import InputError
from mien.robot.face.currents import draw_of, least_a
from mien.robot.face.entries import CHANNELS_PER_SERVO_BOARD
from mien.robot.sim.design.library import Chosen, Section, library

FIRST_ADDRESS: Final = 0x40
MOST_BOARDS: Final = 3
VOLTS: Final = (4.8, 7.4)
"""Lowest and highest supply voltage of hobby servos."""
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


def face_tree(design: Design) -> Section:
    """Content of the face's YAML file.

    Raises:
        InputError: too few servo boards, or a supply that is too weak.
    """
    actuators: dict[str, Section] = {}
    interlocks: list[Section] = []
    for part_name, count in design.chosen.items():
        part = library().parts[part_name]
        variant = part.variants[count]
        for pattern, entry in variant.actuators.items():
            for name, direction in _two_sides(pattern):
                actuators[name] = _actuator(
                    entry, part.region, direction, part_name in design.large
                )
        interlocks += deepcopy(variant.interlocks)
    addresses = _addresses(design, len(actuators))
    for k, entry in enumerate(actuators.values()):
        entry["board"], entry["channel"] = divmod(k, CHANNELS_PER_SERVO_BOARD)
    tree: Section = {
        "face": design.name,
        "description": f"{len(actuators)} servos: " + ", ".join(design.chosen),
        "mechanism": design.mechanism_file,
        "boards": addresses,
        "pwm_hz": 50,
        "baud": 500000,
        "timeout_ms": 200,
        "actuators": actuators,
    }
    if interlocks:
        tree["interlocks"] = interlocks
    used = sorted({entry["board"] for entry in actuators.values()})
    supply = {"name": "servos", "volts": design.volts, "amps": _amps(design, actuators)}
    return tree | {"supplies": [supply | {"boards": used}]}


def mechanism_tree(design: Design) -> Section:
    """Content of the mechanism's file; names with ``*`` stand for two sides."""
    merged: Section = deepcopy(library().base)
    for part_name, count in design.chosen.items():
        _merge(merged, library().parts[part_name].variants[count].mechanism)
    scale = design.volts / _LIBRARY_V
    servos = {
        name: kind
        | {key: round(kind[key] * scale, 4) for key in ("stall_torque", "no_load_speed")}
        for name, kind in library().servos.items()
    }
    merged["bodies"] = _parents_first(merged["bodies"])
    sections = (
        "skin", "bodies", "nodes", "cords", "bulges", "linkages", "tendons", "contacts", "stops",
        "outputs",
    )  # fmt: skip
    filled = {key: merged[key] for key in sections if merged.get(key)}
    return {"name": design.name, "servos": servos, "linkages": {}} | filled


def _actuator(entry: Section, region: str, direction: int, large: bool) -> Section:
    out = {"kind": "rigid", "region": region} | deepcopy(entry)
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


def _addresses(design: Design, servos: int) -> list[int]:
    needed = -(-servos // CHANNELS_PER_SERVO_BOARD)
    addresses = list(design.addresses) or [FIRST_ADDRESS + k for k in range(needed)]
    if len(addresses) < needed:
        raise InputError(
            f"{servos} servos need {needed} servo boards of {CHANNELS_PER_SERVO_BOARD} channels; "
            f"{len(addresses)} are given",
            " ".join(f"--servo-board {FIRST_ADDRESS + k:#x}" for k in range(needed)),
        )
    return addresses


def _amps(design: Design, actuators: Mapping[str, Section]) -> float:
    draws = [draw_of(name, str(a["servo"]), design.volts, {}) for name, a in actuators.items()]
    least = least_a(draws)
    if design.amps and design.amps < least:
        raise InputError(
            f"--amps is {design.amps:g}; {len(draws)} servos need at least {least:g} A",
            f"--amps {least * _SPARE:.0f}",
        )
    usual = next((a for a in _SUPPLIES_A if a >= least * _SPARE), _SUPPLIES_A[-1])
    return design.amps or usual


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
