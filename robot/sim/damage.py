"""What the faults have done to a simulated robot so far. A new fault is one more row here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.sim.faults import Fault

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_SPEED_SHARE: Final = 0.01
BLINDING: Final = frozenset({"camera_lost"})
"""Faults during which the cameras give no picture."""


class Damage:
    """State of a robot's faults; n actuators, S tendons. A new one has no damage.

    Args:
        names: the actuators.
        tendons: the actuators that have a tendon.

    Attributes:
        jammed: (n,) gear trains that cannot turn.
        dead: (n,) motors without torque.
        speed: (n,) shares of the maximum speed.
        slip: (n,) rad by which each horn sits further on its spline.
        torn: (S,) tendons that are torn.
        slack_mm: (S,) additional lengths of the tendons in mm.
        dark_until: time in s until which no servo has power.
    """

    def __init__(self, names: tuple[str, ...], tendons: tuple[str, ...]) -> None:
        self._names, self._tendons = names, tendons
        self.jammed, self.dead = np.zeros((2, len(names)), dtype=np.bool_)
        self.speed, self.slip = np.ones(len(names)), np.zeros(len(names))
        self.torn, self.slack_mm = np.zeros(len(tendons), dtype=np.bool_), np.zeros(len(tendons))
        self.dark_until = -1.0

    def add(self, fault: Fault, time: float) -> None:
        """Let a fault occur at ``time`` s. Faults of the camera and of the line change nothing."""
        if effect := EFFECTS.get(fault.kind):
            effect(self, fault, time)

    def actuator(self, fault: Fault) -> int:
        """Index of the fault's actuator."""
        return self._names.index(fault.actuator)

    def tendon(self, fault: Fault) -> int:
        """Index of the fault's tendon."""
        return self._tendons.index(fault.actuator)


def _jam(damage: Damage, fault: Fault, _time: float) -> None:
    damage.jammed[damage.actuator(fault)] = True


def _slow(damage: Damage, fault: Fault, _time: float) -> None:
    damage.speed[damage.actuator(fault)] = max(fault.amount, MIN_SPEED_SHARE)


def _kill(damage: Damage, fault: Fault, _time: float) -> None:
    damage.dead[damage.actuator(fault)] = True


def _slip(damage: Damage, fault: Fault, _time: float) -> None:
    damage.slip[damage.actuator(fault)] = np.deg2rad(fault.amount)


def _darken(damage: Damage, fault: Fault, time: float) -> None:
    damage.dark_until = time + fault.amount


def _tear(damage: Damage, fault: Fault, _time: float) -> None:
    damage.torn[damage.tendon(fault)] = True


def _slacken(damage: Damage, fault: Fault, _time: float) -> None:
    damage.slack_mm[damage.tendon(fault)] += fault.amount


EFFECTS: Final[dict[str, Callable[[Damage, Fault, float], None]]] = {
    "stuck": _jam,
    "slow": _slow,
    "dead": _kill,
    "slip": _slip,
    "brownout": _darken,
    "torn": _tear,
    "slack": _slacken,
}
"""What each fault of the robot does at the time at which it occurs."""
