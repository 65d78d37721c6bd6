"""How hot each servo may be, estimated from its commands, and how far to back off.

No hobby servo reports current or temperature. This estimate takes the torque to be the pull of the
skin (in proportion to how far the actuator is from neutral), friction (whenever it moves) and
acceleration, as shares of the stall torque; copper heats with its square. It errs toward hot: the
constants are for a servo in a closed head without moving air. It is no measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.robot.face.config import FaceConfig, Floats

AMBIENT_C: Final = 30.0
"""Inside a closed head."""
BACK_OFF_C: Final = 65.0
RELEASE_C: Final = 80.0
"""Hobby servos carry plastic gears and windings of class A or B; their makers state 60 to 70 C."""


@dataclass(frozen=True)
class Kind:
    """One class of servo.

    Attributes:
        stall_rise_c: how much hotter than the air it would get if stalled for ever, K.
        tau_s: time constant, s.
        hold: torque at full command against the skin, share of stall.
        friction: torque of moving at all, share of stall.
        inertia: torque of full acceleration (top speed within 50 ms), share of stall.
    """

    stall_rise_c: float
    tau_s: float
    hold: float
    friction: float
    inertia: float


KINDS: Final = {
    # 9 g at 5 V: about 0.7 A stalled = 3.5 W through about 45 K/W; 9 g * 0.7 J/gK * 45 K/W.
    "micro": Kind(160.0, 280.0, 0.35, 0.10, 0.15),
    # 55 g metal gear at 6 V: about 2.5 A stalled = 15 W through about 12 K/W; 55 * 0.6 * 12.
    "large": Kind(180.0, 400.0, 0.30, 0.08, 0.25),
}
MOVING_SHARE: Final = 0.02
RAMP_S: Final = 0.05


class Thermal:
    """Temperatures (n,) in C and the share of its travel that each actuator may use.

    Args:
        face: the face.
        ambient_c: of the air around the servos, and where they start.
    """

    def __init__(self, face: FaceConfig, ambient_c: float = AMBIENT_C) -> None:
        kinds = [KINDS[a.servo] for a in face.actuators.values()]
        self._rise = np.array([k.stall_rise_c for k in kinds])
        self._tau = np.array([k.tau_s for k in kinds])
        self._hold = np.array([k.hold for k in kinds])
        self._friction = np.array([k.friction for k in kinds])
        self._inertia = np.array([k.inertia for k in kinds])
        self._safe, self._speed = face.safe, face.speed
        self._ambient = ambient_c
        n = len(kinds)
        self.celsius = np.full(n, ambient_c)
        self.duty = np.zeros(n)
        self._last: Floats | None = None
        self._velocity = np.zeros(n)

    def load(self, commands: Floats, dt: float) -> Floats:
        """Torque (n,) as a share of stall, for commands (n,) reached ``dt`` s after the last."""
        last = commands if self._last is None else self._last
        velocity = (commands - last) / max(dt, 1e-6)
        hard = np.abs(velocity - self._velocity) / max(dt, 1e-6) * RAMP_S / self._speed
        moving = np.abs(velocity) > MOVING_SHARE * self._speed
        self._last, self._velocity = commands.copy(), velocity
        load = self._hold * np.abs(commands) + self._friction * moving
        return np.asarray(np.minimum(load + self._inertia * np.minimum(hard, 1.0), 1.0))

    def step(self, commands: Floats, dt: float, driven: bool = True) -> Floats:
        """Advance ``dt`` s with commands (n,) as sent. Returns temperatures (n,) in C."""
        torque = self.load(commands, dt) if driven else np.zeros_like(self.celsius)
        if not driven:
            self._last, self._velocity = None, np.zeros_like(self._velocity)
        goal = self._ambient + self._rise * np.square(torque)
        self.celsius += (goal - self.celsius) * (1.0 - np.exp(-dt / self._tau))
        self.duty += (torque - self.duty) * (1.0 - np.exp(-dt / 10.0))
        return self.celsius

    @property
    def authority(self) -> Floats:
        """(n,) in 0..1: 1 up to 65 C, 0 from 80 C on, where only the safe pose is left."""
        return np.asarray(np.clip((RELEASE_C - self.celsius) / (RELEASE_C - BACK_OFF_C), 0.0, 1.0))

    def relieved(self, commands: Floats) -> Floats:
        """Commands (n,) drawn toward the safe pose where a servo is hot."""
        return np.asarray(self._safe + self.authority * (commands - self._safe))
