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
_MIN_WAY_RAD: Final = np.deg2rad(3.0)


@dataclass(frozen=True)
class Load:
    """One servo held at one end of its range.

    Attributes:
        actuator: its name. command: where it was sent.
        reached: share of the way from neutral that it went.
        torque: of its motor there, N m. stall: the most that it has, N m.
    """

    actuator: str
    command: float
    reached: float
    torque: float
    stall: float

    @property
    def fault(self) -> str:
        """What is wrong; empty if nothing is."""
        if self.reached > 1.0 - _SHORT:
            return ""
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
        return (
            f"its servo holds {self.torque:.3g} of {self.stall:.3g} N m at command "
            f"{self.command:+g}; held for long it gets hot"
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
            out.append(
                Load(face.names[k], float(sent[k]), share, float(torques[k]), kind.stall_torque)
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
