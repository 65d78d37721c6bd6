"""Faults of a rig, by name: ``stuck:brow_mid_left``, ``slip:jaw_open:8@2.5``.

    stuck:NAME          the gear train jams where it is
    slow:NAME[:SHARE]   the motor turns at SHARE (0.3) of its speed
    dead:NAME           no torque: a burned motor or a broken wire
    torn:NAME           the tendon is torn
    slack:NAME[:MM]     the tendon is MM (3) mm too long
    slip:NAME[:DEG]     the horn sits DEG (8) degrees further on its spline
    brownout[:S]        no servo has power for S (0.5) seconds
    camera_lost[:S]     the camera gives no frame for S (1) seconds
    bytes_lost[:SHARE]      SHARE (0.001) of the bytes on the line vanish
    bytes_flipped[:SHARE]   one bit of SHARE (0.001) of the bytes on the line is wrong

Each may end in ``@T``. The fault then occurs T seconds after the start (default 0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig

Kind: TypeAlias = Literal[
    "stuck",
    "slow",
    "dead",
    "torn",
    "slack",
    "slip",
    "brownout",
    "camera_lost",
    "bytes_lost",
    "bytes_flipped",
]
_DEFAULT: dict[str, float] = {
    "slow": 0.3,
    "slack": 3.0,
    "slip": 8.0,
    "brownout": 0.5,
    "camera_lost": 1.0,
    "bytes_lost": 0.001,
    "bytes_flipped": 0.001,
}
_OF_TENDONS = {"torn", "slack"}
_OF_ALL = {"brownout", "camera_lost", "bytes_lost", "bytes_flipped"}


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        kind: name of the fault.
        actuator: empty for a fault of the whole rig.
        amount: share, mm, degrees or seconds, by the kind.
        at: time in s.
    """

    kind: Kind
    actuator: str = ""
    amount: float = 0.0
    at: float = 0.0

    def __str__(self) -> str:
        parts = [self.kind, self.actuator, f"{self.amount:g}" if self.kind in _DEFAULT else ""]
        return ":".join(p for p in parts if p) + f"@{self.at:g}"


def parse_fault(text: str, face: FaceConfig) -> Fault:
    """Read one fault.

    Raises:
        InputError: unknown kind or actuator, a tendon fault on a rigid actuator, a bad number.
    """
    body, _, when = text.partition("@")
    kind, *rest = body.split(":")
    if kind not in get_args(Kind):
        raise InputError(f"fault {text!r}: no kind {kind!r}; kinds: {', '.join(get_args(Kind))}")
    actuator = ""
    if kind not in _OF_ALL:
        actuator = rest.pop(0) if rest else ""
        able = [
            n for n, a in face.actuators.items() if kind not in _OF_TENDONS or a.kind == "tendon"
        ]
        if actuator not in able:
            what = "tendon" if kind in _OF_TENDONS else "actuator"
            raise InputError(
                f"fault {text!r}: {face.name} has no {what} {actuator!r}; "
                f"it has {', '.join(able) or 'none'}"
            )
    if len(rest) > (kind in _DEFAULT):
        raise InputError(f"fault {text!r}: too many parts; see robot/sim/faults.py")
    amount = _number(text, rest[0]) if rest else _DEFAULT.get(kind, 0.0)
    at = _number(text, when) if when else 0.0
    if at < 0 or (kind != "slip" and amount < 0):
        raise InputError(f"fault {text!r}: time and amount must not be negative")
    return Fault(kind, actuator, amount, at)  # type: ignore[arg-type]


def parse_faults(texts: list[str], face: FaceConfig) -> list[Fault]:
    """Read several faults; see ``parse_fault``."""
    return [parse_fault(text, face) for text in texts]


def _number(text: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"fault {text!r}: {word!r} is not a number")
    return value
