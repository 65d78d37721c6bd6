"""What the servos of a simulated face have to carry: each is moved to its ends and looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter
from mien.robot.sim.rig import Rig

_HOLD_S: Final = 0.5
_STALLED: Final = 0.97
"""Share of the stall torque at which a motor gives all it has."""
_HEAVY: Final = 0.6
"""Share of the stall torque that a hobby servo does not hold for long without getting hot."""
_SHORT: Final = 0.15
"""Share of the way that a servo may lack; its play and its dead band are less."""
_AT_STOP: Final = 0.2
"""Degrees or mm before a stop at which parts touch it."""
_MIN_WAY_RAD: Final = np.deg2rad(3.0)


@dataclass(frozen=True)
class Load:
    """One servo held at one end of its range.

    Attributes:
        actuator: its name. command: where it was sent.
        reached: share of the way from neutral that it went.
        torque: of its motor there, N m. stall: the most that it has, N m.
        stop: what of the mechanism holds it there; empty if nothing does.
    """

    actuator: str
    command: float
    reached: float
    torque: float
    stall: float
    stop: str = ""

    @property
    def fault(self) -> str:
        """What is wrong; empty if nothing is."""
        if self.reached > 1.0 - _SHORT or self.stop.startswith("stops."):
            return ""
        if self.stop:
            return (
                f"its pulse for command {self.command:+g} cannot be reached: {self.stop} ends "
                f"after {max(self.reached, 0.0):.0%} of the way; narrow pulse_us or limits"
            )
        if self.torque > _STALLED * self.stall:
            return (
                f"its servo is weaker than its load: at command {self.command:+g} it gives its "
                f"whole {self.stall:.3g} N m and gets {max(self.reached, 0.0):.0%} of the way; "
                "take a stronger servo, a shorter horn or a lighter part"
            )
        return ""

    @property
    def note(self) -> str:
        """What is worth knowing; empty if nothing is."""
        if self.fault or self.torque <= _HEAVY * self.stall:
            return ""
        against = f" against {self.stop}" if self.stop else ""
        return (
            f"its servo holds {self.torque:.3g} of {self.stall:.3g} N m{against} at "
            f"command {self.command:+g}; held for long it gets hot"
        )


def loads(face: FaceConfig, rig: Rig) -> list[Load]:
    """Loads of every servo at both ends of its range, with all others of its region at neutral.

    Raises:
        MienError: the rig leaves physics on the way.
    """
    limiter = Limiter(face)
    out = []
    for pose, moved in _poses(face):
        rig.reset()
        sent = np.asarray(limiter(pose, face.safe, 1e3).commands)
        pulses = to_pulses(face, sent)
        for _ in range(round(_HOLD_S / rig.dt)):
            rig.step(pulses)
        angles, torques = rig.servo_angles(), np.abs(rig.loads())
        for k in moved:
            actuator = list(face.actuators.values())[k]
            kind = rig.machine.plan.servos[actuator.servo]
            way = np.deg2rad(kind.degrees_per_us) * abs(pulses[k] - face.pulses[k, 1])
            if way < _MIN_WAY_RAD:
                continue
            share = float(angles[k] * np.sign(sent[k]) / way)
            name = face.names[k]
            stop = _stop(rig, name) if share <= 1.0 - _SHORT else ""
            out.append(
                Load(name, float(sent[k]), share, float(torques[k]), kind.stall_torque, stop)
            )
    return out


def _poses(face: FaceConfig) -> Iterator[tuple[Floats, list[int]]]:
    """Poses (n,) and who moves in each: one actuator of every region at a time, to either end."""
    regions: dict[str, list[int]] = {}
    for k, actuator in enumerate(face.actuators.values()):
        regions.setdefault(actuator.region, []).append(k)
    for turn in range(max(map(len, regions.values()))):
        moved = [members[turn] for members in regions.values() if turn < len(members)]
        for end in (0, 1):
            pose = np.zeros(len(face.names))
            pose[moved] = face.limits[moved, end]
            yield pose, [k for k in moved if pose[k]]


def _stop(rig: Rig, actuator: str) -> str:
    """Place in the mechanism's file of what the parts of an actuator have run into; or empty."""
    model, data, plan = rig.machine.model, rig.data, rig.machine.plan
    joints = {k.joint for k in plan.linkages.values() if k.actuator == actuator and k.joint}
    for name, stop in plan.stops.items():
        tendon = model.tendon(f"stop:{name}").id
        if joints & set(stop.terms) and data.ten_length[tendon] > stop.max - _AT_STOP:
            return f"stops.{name}"
    for name in sorted(joints):
        joint = model.joint(name)
        low, high = model.jnt_range[joint.id]
        at, slack = float(data.qpos[model.jnt_qposadr[joint.id]]), 0.02 * (high - low)
        if model.jnt_limited[joint.id] and not low + slack < at < high - slack:
            return f"the range of the joint {name}"
    return ""
