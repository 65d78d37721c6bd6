"""Builds: every seed gives a robot of the same design with other tolerances.

A tolerance depends on the seed and on the name of the part only. A part that is added to a
mechanism changes no other part of any build. Seed 0 has no tolerances.

Tolerances (one standard deviation of a normal distribution, truncated at two):

| what | tolerance | why |
|---|---|---|
| rod, arm and horn lengths | 1.5 % and 0.15 mm | printed parts, hand-bent rods |
| pivots and shafts | 0.4 mm per axis | screw holes |
| horn on its spline | 2.5 degrees | 21 to 25 teeth, trimmed by eye |
| servo: stall torque, speed | 8 % | data sheets' spread |
| servo: backlash, friction, dead band | 25 % | wear |
| servo: degrees per us | 2 % | potentiometers |
| PWM clock, per servo board | 1.5 % | PCA9685's internal oscillator, 25 MHz nominal |
| tendon: slack | 0.5 mm | knots |
| tendon: friction | 30 % | sheath and grease |
| tendon: stiffness | 12 % | braid |
| silicone: stiffness of the whole skin | 12 % | batch and cure |
| silicone: stiffness at one point | 12 % | thickness |
| rod seats in the silicone: stiffness | 15 % | glue |
| anchors of nodes | 0.7 mm per axis | where the seat was glued |
| identity of the head | 0.35 of a whole shape target per mode | another mould |
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

LENGTH_SHARE, LENGTH_MM = 0.015, 0.15
PIVOT_MM = 0.4
SPLINE_DEG = 2.5
SERVO_SHARE, WEAR_SHARE, SCALE_SHARE = 0.08, 0.25, 0.02
CLOCK_SHARE = 0.015
SLACK_MM, SHEATH_SHARE, BRAID_SHARE = 0.5, 0.30, 0.12
BATCH_SHARE, SPOT_SHARE, SEAT_SHARE = 0.12, 0.12, 0.15
ANCHOR_MM = 0.7
IDENTITY_WEIGHT = 0.35
IDENTITY_MM = 30.0  # a mode that moves skin further does not fit over the same eyes and teeth


Factors: TypeAlias = tuple[tuple[str, float], ...]
"""Pairs of (beginning of the names of some parts, factor); an empty beginning names all parts."""


@dataclass(frozen=True)
class Build:
    """Random tolerances of one seed. Every method returns the nominal value for seed 0.

    Attributes:
        seed: of the tolerances.
        wider: factors on tolerances.
        drawn: factors on the nominal values of ``scaled`` quantities: another drawing.
    """

    seed: int = 0
    wider: Factors = ()
    drawn: Factors = ()

    def _normal(self, name: str, size: int = 1) -> F64:
        if self.seed == 0:
            return np.zeros(size)
        generator = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
        return _factor(self.wider, name) * np.clip(generator.standard_normal(size), -2.0, 2.0)

    def length(self, name: str, millimetres: float) -> float:
        """A manufactured length in mm."""
        share, absolute = self._normal(name, 2)
        return float(millimetres * (1.0 + LENGTH_SHARE * share) + LENGTH_MM * absolute)

    def scaled(self, name: str, value: float, share: float) -> float:
        """``value`` with a relative tolerance; never below a tenth of it."""
        value *= _factor(self.drawn, name)
        return float(value * max(0.1, 1.0 + share * self._normal(name)[0]))

    def shifted(self, name: str, value: float, deviation: float) -> float:
        """``value`` with an absolute tolerance in its own unit."""
        return float(value + deviation * self._normal(name)[0])

    def offset(self, name: str, deviation: float) -> F64:
        """Offset (3,) of a point, in the unit of ``deviation``."""
        return deviation * self._normal(name, 3)

    def identity(self, modes: NDArray[np.float32]) -> F64:
        """(M,): weights of a head's identity modes (M, V, 3) mm; 0 for those out of reach."""
        fits = np.abs(modes).max(axis=(1, 2)) <= IDENTITY_MM
        return np.where(fits, IDENTITY_WEIGHT * self._normal("identity", len(modes)), 0.0)


def _factor(factors: Factors, name: str) -> float:
    """Product of the factors whose beginning fits the name."""
    return float(np.prod([factor for start, factor in factors if name.startswith(start)]))
