"""A face and its mechanism as YAML files that a person edits."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import Any, Final

import yaml

from mien.robot.errors import InputError
from mien.robot.sim.design.drawing import Design, face_tree, mechanism_tree

_FACE_HEAD: Final = """\
# A face that `mien face new` drew. Edit it to what you have built, then: mien face check {file}
#
# kind: rigid (a servo with rods) or tendon. servo: micro (9 g) or large (60 g). board and channel:
# where the servo is plugged in; board counts the list `boards` (I2C addresses of PCA9685 servo
# boards) from 0. pulse_us: [min, neutral, max] of the servo in us. Commands run from -1 to 1 with 0
# at neutral; direction -1 mirrors the servo. limits: allowed commands. speed: fastest change of the
# command per second. safe: the pose that every fault ends in. role: what an actuator is for that no
# landmark shows. slack_us: pulse that only takes up a loose tendon. floor_us: the pull that keeps
# it taut. supplies: what feeds the servos; they start in groups to stay within its current.
"""
_MECHANISM_HEAD: Final = """\
# The mechanism of {name}, which only the simulated robot uses. A real robot needs no such file.
#
# Lengths in mm, angles in degrees, masses in g, torques in N m, stiffnesses in N/m (hinges:
# N m/rad). Vectors in the head frame: +x the face's own left, +y up, +z forward. "*" is written out
# to left and right; the right one gets mirrored vectors and the second landmark. `linkages` and
# `tendons` say what each actuator moves. A part that no actuator moves rests on its springs.
"""


def face_text(design: Design) -> str:
    """Text of the face's YAML file."""
    tree = face_tree(design)
    lines = [_FACE_HEAD.format(file=f"{design.name}.yaml")]
    for key, value in tree.items():
        if key == "boards":
            lines.append(f"boards: [{', '.join(f'{address:#04x}' for address in value)}]\n")
        elif isinstance(value, dict):
            lines.append(f"{key}:\n")
            lines += [f"  {name}: {_inline(entry)}\n" for name, entry in value.items()]
        elif isinstance(value, list):
            lines.append(f"{key}:\n")
            lines += [f"  - {_inline(entry)}\n" for entry in value]
        else:
            lines.append(f"{key}: {_inline(value)}\n")
    return "".join(lines)


def mechanism_text(design: Design) -> str:
    """Text of the mechanism's file."""
    tree = mechanism_tree(design)
    lines = [_MECHANISM_HEAD.format(name=design.name)]
    for key, value in tree.items():
        if not isinstance(value, dict) or not value:
            lines.append(f"{key}: {_inline(value)}\n")
            continue
        lines.append(f"\n{key}:\n")
        lines += [f"  {name}: {_inline(entry)}\n" for name, entry in value.items()]
    return "".join(lines)


def refuse_existing(design: Design, folder: Path) -> tuple[Path, Path]:
    """Paths of the face and of its mechanism, which do not exist yet.

    Raises:
        InputError: one of them exists.
    """
    face, mechanism = folder / f"{design.name}.yaml", folder / design.mechanism_file
    for path in (face, mechanism):
        if path.exists() or path.is_symlink():
            raise InputError(
                f"{path} exists, it is not overwritten; take another name or --out FOLDER",
                f"mien face check {quote(str(face))}",
            )
    return face, mechanism


def write(design: Design, folder: Path) -> tuple[Path, Path]:
    """Write both files into a folder, which is made if it is not there.

    Returns the face's path and the mechanism's.

    Raises:
        InputError: one of them exists. Nothing is written then.
    """
    face, mechanism = refuse_existing(design, folder)
    texts = {mechanism: mechanism_text(design), face: face_text(design)}
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as undo:
        for path, text in texts.items():
            with path.open("x", encoding="utf-8", newline="\n") as file:
                undo.callback(path.unlink, missing_ok=True)
                file.write(text)
        undo.pop_all()
    return face, mechanism


def _inline(value: Any) -> str:
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...").strip()
