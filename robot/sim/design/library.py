"""The library of parts of which ``mien face new`` makes a face, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, ValidationError

from mien.models.reading.strict import Strict, fault_lines, listed
from mien.models.reading.yaml_file import read_yaml
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.entries import Region

Chosen: TypeAlias = dict[str, int]
"""Number of servos by part, in the order of the library; parts that the face lacks are left out."""
Section: TypeAlias = dict[str, Any]

PARTS: Final = Path(__file__).with_name("parts.yaml")
TENDONS: Final = ("cheeks", "nose")
"""Parts that tendons move."""
_NONE: Final = "none"


class Variant(Strict):
    """A part with so many servos: its actuators, and what it adds to a mechanism or changes."""

    actuators: Section
    bodies: Section = {}
    nodes: Section = {}
    cords: Section = {}
    bulges: Section = {}
    linkages: Section = {}
    tendons: Section = {}
    interlocks: list[Section] = []

    @property
    def mechanism(self) -> dict[str, Section]:
        """Sections of the mechanism that are not empty."""
        return {k: v for k, v in self.model_dump(exclude={"actuators", "interlocks"}).items() if v}


class Part(Strict):
    """A part of a face. ``variants`` are by their number of servos."""

    about: str
    region: Region
    variants: dict[int, Variant]


class Library(Strict):
    """All parts. ``base`` is a face without a servo; ``order`` is how a face grows."""

    servos: dict[str, dict[str, float]]
    base: dict[str, Section]
    parts: dict[str, Part]
    order: Annotated[list[Chosen], Field(min_length=1)]


@cache
def library(path: Path = PARTS) -> Library:
    """The library.

    Raises:
        ConfigError: the file of parts is damaged.
    """
    try:
        return Library.model_validate(read_yaml(path))
    except ValidationError as e:
        raise ConfigError(f"{path} has faults:\n{listed(fault_lines(e))}") from None


def most_servos() -> int:
    """Servos of a face with every part."""
    return sum(max(part.variants) for part in library().parts.values())


def grown(servos: int, tendons: str = "") -> Chosen:
    """The parts of a face with so many servos.

    Args:
        servos: how many.
        tendons: parts to have tendons, separated by commas, or ``none``; empty leaves it to the
            library.

    Raises:
        InputError: no face has so many servos, or an unknown part.
    """
    wanted = tendon_parts(tendons)
    barred = set(TENDONS) - set(wanted or ()) if tendons else set()
    parts = library().parts
    most = sum(max(part.variants) for name, part in parts.items() if name not in barred)
    least = sum(min(parts[name].variants) for name in wanted or ()) or 1
    if not least <= servos <= most:
        raise InputError(
            f"--servos is {servos}; with these tendons a face has {least} to {most}",
            f"mien face new NAME --servos {min(max(servos, least), most)}",
        )
    begun = {name: min(parts[name].variants) for name in wanted or ()}
    steps = [item for step in library().order for item in step.items() if item[0] not in barred]
    found = _filled(begun, steps, servos - sum(begun.values()))
    if found is None:
        raise InputError(
            f"no parts with these tendons have {servos} servos together",
            f"mien face new NAME --servos {servos + 1}",
        )
    return ordered(found)


def _filled(chosen: Chosen, steps: list[tuple[str, int]], left: int) -> Chosen | None:
    """The choice with exactly ``left`` more servos, early steps first; None if there is none."""
    if not left:
        return chosen
    if not steps:
        return None
    (name, count), *later = steps
    more = count - chosen.get(name, 0)
    taken = _filled(chosen | {name: count}, later, left - more) if 0 < more <= left else None
    return taken or _filled(chosen, later, left)


def ordered(chosen: Mapping[str, int]) -> Chosen:
    """The choice in the order of the library, without parts of no servo.

    Raises:
        InputError: an unknown part, a number of servos that it cannot have, or no part.
    """
    parts = library().parts
    for name, count in chosen.items():
        if name not in parts:
            raise InputError(
                f"{name!r} is no part; the parts are {', '.join(parts)}", "mien face new --help"
            )
        if count and count not in parts[name].variants:
            allowed = " or ".join(map(str, parts[name].variants))
            raise InputError(
                f"the part {name} cannot have {count} servos; it has {allowed}",
                f"mien face new NAME --part {name}:{max(parts[name].variants)}",
            )
    out = {name: chosen[name] for name in parts if chosen.get(name)}
    if not out:
        raise InputError("a face needs a part", "mien face new NAME --part jaw:1")
    return out


def part_counts(given: list[str]) -> Chosen:
    """Parts as a user writes them, ``jaw`` or ``brows:2``; without a number the fewest servos.

    Raises:
        InputError: as ``ordered``, or not of that form, or a part twice.
    """
    out: Chosen = {}
    for text in given:
        name, colon, number = text.partition(":")
        part = library().parts.get(name)
        if name in out:
            raise InputError(f"--part names {name} twice", f"mien face new NAME --part {text}")
        if colon and not (number.isascii() and number.isdigit() and len(number) < 4):
            raise InputError(
                f"--part is {text[:40]!r}; it is a part and its number of servos",
                "mien face new NAME --part brows:2",
            )
        out[name] = int(number) if colon else (min(part.variants) if part else 1)
    return ordered(out)


def tendon_parts(text: str) -> tuple[str, ...]:
    """Parts named in ``cheeks,nose``; none for ``none`` or an empty text.

    Raises:
        InputError: a part that has no tendons.
    """
    names = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if names == (_NONE,):
        return ()
    for name in names:
        if name not in TENDONS:
            raise InputError(
                f"--tendons is {text[:40]!r}; it is {', '.join(TENDONS)}, both with a comma, "
                f"or {_NONE}",
                "mien face new NAME --tendons cheeks,nose",
            )
    return names
