"""Hobby servos on a PCA9685: from pulse width to motor voltage, all servos at once.

The PCA9685 quantises a pulse to 1/4096 of a period and takes a new value only when its counter
wraps.
The servo measures the pulse once per period, smooths it and compares it with the potentiometer on
its gear. Within its dead band it does nothing. Otherwise it drives the motor with a voltage that
grows with the error and shrinks with the speed. There is backlash between gear and horn: the horn
moves freely within it, and the motor has to cross it before it pushes the other way. Torque and
speed limits belong to the motor and are in the mechanism.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.robot.face.config import FaceConfig
from mien.robot.sim.builds import CLOCK_SHARE, SCALE_SHARE, SPLINE_DEG, WEAR_SHARE, Build
from mien.robot.sim.servo_kind import ServoKind

F64 = NDArray[np.float64]
ServoState: TypeAlias = tuple[float, F64, F64, F64]
COUNTS = 4096  # per PWM period, NXP PCA9685 datasheet rev. 4, section 7.3.3
_ROUNDING = 1e-9  # s; sums of time steps may fall short of a wrap by less than this


class ServoBank:
    """State and electronics of n servos. Angles in rad, 0 at the neutral pulse.

    Attributes:
        slip: (n,) rad by which each horn sits further on its spline.
    """

    def __init__(self, face: FaceConfig, kinds: Sequence[ServoKind], build: Build, dt: float):
        names, actuators = face.names, face.actuators.values()

        def each(attribute: str, share: float = 0.0) -> F64:
            return np.array(
                [
                    build.scaled(f"servo.{attribute}:{n}", getattr(k, attribute), share)
                    for n, k in zip(names, kinds, strict=True)
                ]
            )

        clock = {b: build.scaled(f"pwm:{b}", 1.0, CLOCK_SHARE) for b in range(len(face.boards))}
        self.dt, self.period = dt, 1.0 / face.pwm_hz
        self._count_us = 1e6 / (face.pwm_hz * COUNTS)
        self._clock = np.array([clock[a.board] for a in actuators])
        self._neutral = face.pulses[:, 1].copy()
        self._scale = np.deg2rad(each("degrees_per_us", SCALE_SHARE)) * face.direction
        self._dead_band = np.abs(self._scale) * each("dead_band_us", WEAR_SHARE)
        self._follow = 1.0 - np.exp(-dt / np.maximum(each("lag_ms") * 1e-3, 1e-6))
        self._gain = 1.0 / np.deg2rad(each("full_drive"))
        self._rate_gain = each("rate_gain")
        # Below this voltage the motor cannot turn its own gears.
        self._breakaway = each("friction", WEAR_SHARE) / each("stall_torque")
        self._play = 0.5 * np.deg2rad(each("backlash", WEAR_SHARE))
        self._crossing = np.deg2rad(each("no_load_speed")) * dt
        self._trim = np.deg2rad([build.shifted(f"spline:{n}", 0.0, SPLINE_DEG) for n in names])
        self.slip = np.zeros(len(names))
        self.reset()

    def reset(self) -> None:
        """Back to the neutral pulse, at a PWM wrap."""
        self._elapsed = self.period - self.dt
        self._latched = self._neutral.copy()
        self._target = self._aim(self._latched)
        self._gear = np.zeros_like(self._target)

    def snapshot(self) -> ServoState:
        """A copy of the state for ``restore``."""
        return self._elapsed, self._latched.copy(), self._target.copy(), self._gear.copy()

    def restore(self, state: ServoState) -> None:
        """Restore a state of ``snapshot``."""
        self._elapsed = state[0]
        self._latched, self._target, self._gear = (part.copy() for part in state[1:])

    @property
    def latched_us(self) -> F64:
        """(n,) pulse widths in us that the servos receive now."""
        return np.asarray(self._latched * self._clock)

    def quantised(self, pulses_us: F64) -> F64:
        """Pulses (n,) in us, quantised to counts, before the clock error."""
        return np.asarray(np.rint(pulses_us / self._count_us) * self._count_us)

    def drive(self, pulses_us: F64, angle: F64, rate: F64) -> F64:
        """Motor voltages (n,) in [-1, 1] that reach the horns in this time step.

        Args:
            pulses_us: (n,) as commanded. angle, rate: (n,) of the horns, rad and rad/s.
        """
        self._elapsed += self.dt
        if self._elapsed >= self.period - _ROUNDING:
            self._elapsed -= self.period
            self._latched = self.quantised(pulses_us)
        self._target += self._follow * (self._aim(self._latched) - self._target)
        # A horn at the end of its play takes the gear along.
        gear = np.minimum(np.maximum(self._gear, angle - self._play), angle + self._play)
        error = self._target - gear
        error -= np.minimum(np.maximum(error, -self._dead_band), self._dead_band)
        voltage: F64 = self._gain * (error - self._rate_gain * rate * (error != 0.0))
        lost = np.minimum(np.maximum(voltage, -self._breakaway), self._breakaway)
        voltage = np.minimum(np.maximum(voltage - lost, -1.0), 1.0)
        ahead = angle + np.sign(voltage) * self._play - gear
        step = np.minimum(np.maximum(ahead, -self._crossing), self._crossing)
        self._gear = gear + np.where(voltage != 0.0, step, 0.0)
        return np.asarray(np.where(np.abs(ahead) <= self._crossing, voltage, 0.0))

    def _aim(self, latched: F64) -> F64:
        shift = (latched * self._clock - self._neutral) * self._scale
        return np.asarray(shift + self._trim + self.slip)
