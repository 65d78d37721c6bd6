"""Interlocks of a face in wire units: limits of sums of commands, converted to sums of pulses.

A command maps to its pulse along two straight lines that meet at neutral. An interlock of the face
is therefore a sum of piecewise linear terms of pulses, which the board adds in integers. All
rounding is to the safe side: whatever the board accepts satisfies the interlock in commands. One
case is left: a safe pose that stands on the limit. The board's limit is then the safe pose's own
sum, and holds within ``ROUNDING`` units (0.5 us) of each pulse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from mien.robot import wire
from mien.robot.errors import ConfigError
from mien.robot.face.config import FaceConfig
from mien.robot.face.entries import Interlock
from mien.robot.link.protocol import UNITS_PER_US, pack, to_units

SLOPE_MAX = 2**15 - 2  # of the wire's i16, with room for rounding up
ROUNDING = 2  # units of a safe pulse: neutral and floor are rounded each on its own


@dataclass(frozen=True)
class Lock:
    """One interlock in wire units."""

    head: wire.ConfigInterlock
    terms: tuple[wire.InterlockTerm, ...]

    @property
    def payload(self) -> bytes:
        """Payload of CONFIG_INTERLOCK."""
        return pack(self.head) + b"".join(pack(term) for term in self.terms)

    def total(self, pulses: Sequence[int]) -> int:
        """The sum that the board compares with ``head.limit``, for ``pulses`` (n,) in 0.25 us."""
        return sum(_part(term, int(pulses[term.channel])) for term in self.terms)


def locks_of(face: FaceConfig, channels: Sequence[wire.ConfigChannel]) -> tuple[Lock, ...]:
    """The interlocks of ``face`` for its ``channels``, in the order of the file.

    Raises:
        ConfigError: the safe pose of the board violates one of them.
    """
    locks: list[Lock] = []
    for lock in face.interlocks:
        if any(lock.terms.values()):  # all zero: the load has checked that it always holds
            locks.append(_lock(face, lock, len(locks), channels))
    return tuple(locks)


def _lock(
    face: FaceConfig, lock: Interlock, index: int, channels: Sequence[wire.ConfigChannel]
) -> Lock:
    slopes = {face.index(name): _slopes(face, name, c) for name, c in lock.terms.items() if c}
    steepest = max(abs(s) for pair in slopes.values() for s in pair)
    reach = sum((abs(Fraction(c)) for c in lock.terms.values()), Fraction(0))
    room = wire.INTERLOCK_SUM - wire.INTERLOCK_TERMS * wire.PULSE_MAX  # what rounding up may add
    scale = min(SLOPE_MAX / steepest, room / reach)
    terms, slip = [], Fraction(0)
    for k, (below, above) in sorted(slopes.items()):
        exact = Fraction(float(face.pulses[k, 1])) * UNITS_PER_US
        neutral = int(to_units(face.pulses[k, 1]))
        terms.append(
            # A part that is too large is safe: steeper upwards, flatter where it takes away.
            wire.InterlockTerm(k, neutral, floor(below * scale), ceil(above * scale))
        )
        slip += max(abs(below), abs(above)) * abs(exact - neutral) * scale
    limit = floor(Fraction(lock.max) * scale - slip)
    head = wire.ConfigInterlock(index, len(terms), 0)
    built = Lock(head, tuple(terms))
    safe = built.total([c.safe for c in channels])
    rounding = sum(max(abs(t.below), abs(t.above)) * ROUNDING for t in terms)
    if safe > limit + rounding:
        raise ConfigError(
            f"{face.name}: interlock {lock.name} allows {lock.max:g}, but the safe pose has "
            f"{float(safe / scale):g} when its tendons are pulled to their floor",
            "raise its max, or lower floor_us of its tendons",
        )
    # A safe pose that stands on the limit may stand there as its pulses are rounded.
    limit = min(max(limit, safe), wire.INTERLOCK_SUM)
    return replace(built, head=replace(head, limit=limit))


def _slopes(face: FaceConfig, name: str, coefficient: float) -> tuple[Fraction, Fraction]:
    """Contribution of one unit of pulse to the sum, below and above neutral."""
    actuator = face.actuators[name]
    low, neutral, high = (Fraction(us) * UNITS_PER_US for us in actuator.pulse_us)
    signed = Fraction(coefficient) * actuator.direction
    return signed / (neutral - low), signed / (high - neutral)


def _part(term: wire.InterlockTerm, pulse: int) -> int:
    way = pulse - term.neutral
    return way * (term.below if way < 0 else term.above)
