"""How much current servos take, and who may start when so that a supply can carry them.

No hobby servo reports its current. The numbers below are typical values of data sheets; a face may
write its own. A servo that gets its first pulse may be anywhere in its travel: it is taken to draw
its stall current for as long as its whole way takes, and its running current from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Slots: TypeAlias = NDArray[np.int64]

SLOT_S: Final = 0.05
"""Resolution of a start; the wire's MIEN_DELAY_UNIT_MS."""
LAST_SLOT: Final = 255  # of the wire's byte
TYPICAL_V: Final = 6.0
_ROUNDING_A: Final = 1e-9


@dataclass(frozen=True)
class Draw:
    """What one servo takes from its supply.

    Attributes:
        idle_a: powered and without a pulse, A.
        run_a: moving or holding under the load of a face, A.
        stall_a: at full voltage and not moving, which every start from rest is at first, A.
        travel_s: its whole way under load, s.
    """

    idle_a: float
    run_a: float
    stall_a: float
    travel_s: float


TYPICAL: Final = {
    # TowerPro MG90S and its like, 9 g, at 6 V: 0.12 to 0.25 A without load, 0.7 to 0.8 A stalled;
    # measured under 1 to 1.6 kg cm: 0.25 to 0.4 A (arxterra.com, MG90S current test).
    # 160 degrees at 0.10 s/60 degrees, half as long again under load.
    "micro": Draw(0.01, 0.30, 0.80, 0.40),
    # TowerPro MG996R and its like, 55 g, at 6 V: 0.5 to 0.9 A running, 2.5 A stalled.
    # 160 degrees at 0.14 s/60 degrees, half as long again under load.
    "large": Draw(0.01, 0.90, 2.50, 0.60),
}


def draw_of(
    name: str, servo: str, volts: float, written: Mapping[str, Mapping[str, float]]
) -> Draw:
    """Draw of actuator ``name``: what is written for it, for its class, and else the typical one.

    A motor's stall current is in proportion to its voltage, so the typical one is scaled from 6 V
    to ``volts``. What is written holds as it is.
    """
    typical = TYPICAL[servo]
    scaled = replace(typical, stall_a=max(typical.run_a, typical.stall_a * volts / TYPICAL_V))
    return replace(replace(scaled, **written.get(servo, {})), **written.get(name, {}))


def least_a(draws: Sequence[Draw]) -> float:
    """Smallest budget that can start these servos at all, one after the other, A.

    The best order is that of falling ``stall_a - run_a``: whoever adds most starts while few run.
    """
    base = sum(d.idle_a for d in draws)
    peaks = [base]
    for draw in sorted(draws, key=_excess):
        peaks.append(base + draw.stall_a - draw.idle_a)
        base += draw.run_a - draw.idle_a
    return max(peaks)


def start_slots(draws: Sequence[Draw], amps: float) -> Slots:
    """First fit: the earliest slot (n,) in which each servo may start, in units of ``SLOT_S``.

    Servos are placed in the order of ``least_a``, ties in the order given, so that a budget of at
    least ``least_a`` always suffices. The result may exceed ``LAST_SLOT``; the caller checks.

    Raises:
        ValueError: ``amps`` is below ``least_a(draws)``.
    """
    if amps < least_a(draws) - _ROUNDING_A:
        raise ValueError(f"{amps:g} A is below the least budget of {least_a(draws):g} A")
    ways = [slots_of(d) for d in draws]
    room = np.full(sum(ways) + 1, amps - sum(d.idle_a for d in draws) + _ROUNDING_A)
    out = np.zeros(len(draws), dtype=np.int64)
    for k in sorted(range(len(draws)), key=lambda k: _excess(draws[k])):
        draw, way = draws[k], ways[k]
        start = next(s for s in range(len(room)) if _fits(room, draw, s, way))
        room[start : start + way] -= draw.stall_a - draw.idle_a
        room[start + way :] -= draw.run_a - draw.idle_a
        out[k] = start
    return out


def slots_of(draw: Draw) -> int:
    """For how many slots a start is taken to draw its stall current, at least 1."""
    return max(1, int(np.ceil(draw.travel_s / SLOT_S - 1e-9)))


def _excess(draw: Draw) -> float:
    return draw.run_a - draw.stall_a


def _fits(room: NDArray[np.float64], draw: Draw, start: int, way: int) -> bool:
    during, after = room[start : start + way], room[start + way :]
    return bool(
        during.min() >= draw.stall_a - draw.idle_a
        and after.min(initial=np.inf) >= draw.run_a - draw.idle_a
    )
