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
from typing import Final, Literal

from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig


@dataclass(frozen=True)
class FaultKind:
    """How a fault is written.

    Attributes:
        part: what has it; a fault of an actuator or of a tendon is written with an actuator.
        default: amount where none is written; None: the fault has no amount.
        signed: whether the amount may be negative.
    """

    part: Literal["actuator", "tendon", "supply", "camera", "line"]
    default: float | None = None
    signed: bool = False


KINDS: Final = {
    "stuck": FaultKind("actuator"),
    "slow": FaultKind("actuator", 0.3),
    "dead": FaultKind("actuator"),
    "torn": FaultKind("tendon"),
    "slack": FaultKind("tendon", 3.0),
    "slip": FaultKind("actuator", 8.0, signed=True),
    "brownout": FaultKind("supply", 0.5),
    "camera_lost": FaultKind("camera", 1.0),
    "bytes_lost": FaultKind("line", 0.001),
    "bytes_flipped": FaultKind("line", 0.001),
}
"""The faults by name. What each does is in ``damage`` (robot, camera) and ``sim_board`` (line)."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        kind: name of the fault, a key of ``KINDS``.
        actuator: empty for a fault of the whole rig.
        amount: share, mm, degrees or seconds, by the kind.
        at: time in s.
    """

    kind: str
    actuator: str = ""
    amount: float = 0.0
    at: float = 0.0

    def __str__(self) -> str:
        has_amount = KINDS[self.kind].default is not None
        parts = [self.kind, self.actuator, f"{self.amount:g}" if has_amount else ""]
        return ":".join(p for p in parts if p) + f"@{self.at:g}"


def parse_fault(text: str, face: FaceConfig) -> Fault:
    """Read one fault.

    Raises:
        InputError: unknown kind or actuator, a tendon fault on a rigid actuator, a bad number.
    """
    body, _, when = text.partition("@")
    name, *rest = body.split(":")
    kind = KINDS.get(name)
    if kind is None:
        raise InputError(f"fault {text!r}: no kind {name!r}; kinds: {', '.join(KINDS)}")
    actuator = ""
    if kind.part in ("actuator", "tendon"):
        actuator = rest.pop(0) if rest else ""
        able = [
            n for n, a in face.actuators.items() if kind.part == "actuator" or a.kind.can_go_slack
        ]
        if actuator not in able:
            raise InputError(
                f"fault {text!r}: {face.name} has no {kind.part} {actuator!r}; "
                f"it has {', '.join(able) or 'none'}"
            )
    if len(rest) > (kind.default is not None):
        raise InputError(f"fault {text!r}: too many parts; see robot/sim/faults.py")
    amount = _number(text, rest[0]) if rest else kind.default or 0.0
    at = _number(text, when) if when else 0.0
    if at < 0 or (amount < 0 and not kind.signed):
        raise InputError(f"fault {text!r}: time and amount must not be negative")
    return Fault(name, actuator, amount, at)


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
