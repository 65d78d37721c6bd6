"""The supplies of a face: when each servo may start, and how much current it takes.

What a supply must carry is known best while nothing moves yet: at ARM no one knows where the servos
are, and each runs to its place at full voltage. The board therefore starts them one group after the
other (CONFIG_CHANNEL.delay), and the host waits with its first ramp until all have started.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.robot.face.config import FaceConfig, Floats, Supply
from mien.robot.face.currents import SLOT_S, TYPICAL_V, Draw, draw_of, start_slots


@dataclass(frozen=True)
class Feed:
    """One supply and whom it feeds.

    Attributes:
        name: as in the file. amps: its budget.
        actuators: indices (m,) into ``face.names``. draws: of each of them.
        start_s: when each of them may start after ARM, s.
    """

    name: str
    amps: float
    actuators: tuple[int, ...]
    draws: tuple[Draw, ...]
    start_s: tuple[float, ...]


def feeds(face: FaceConfig) -> tuple[Feed, ...]:
    """The supplies of ``face``, in the order of the file; none where none is written."""
    return tuple(_feed(face, k) for k in range(len(face.supplies)))


def start_delays_s(face: FaceConfig) -> Floats:
    """How long after ARM each actuator stays without a pulse (n,), in steps of ``SLOT_S``, s.

    Zero for all where the face names no supplies. At every moment the stall currents of those that
    start and the running currents of those that have started stay within each budget.
    """
    out = np.zeros(len(face.names))
    for feed in feeds(face):
        out[list(feed.actuators)] = feed.start_s
    return out


def draws_of(face: FaceConfig) -> tuple[Draw, ...]:
    """What each servo takes (n,); at ``TYPICAL_V`` where its supply is not written."""
    written = {k: c.model_dump(exclude_none=True) for k, c in face.currents.items()}
    volts = dict.fromkeys(face.names, TYPICAL_V)
    for supply in face.supplies:
        volts |= dict.fromkeys(_fed(face, supply), supply.volts)
    return tuple(draw_of(n, a.servo, volts[n], written) for n, a in face.actuators.items())


def _feed(face: FaceConfig, index: int) -> Feed:
    supply = face.supplies[index]
    members = [face.index(n) for n in _fed(face, supply)]
    every = draws_of(face)
    draws = tuple(every[k] for k in members)
    starts = SLOT_S * start_slots(draws, supply.amps)
    return Feed(supply.name, supply.amps, tuple(members), draws, tuple(starts.tolist()))


def _fed(face: FaceConfig, supply: Supply) -> list[str]:
    return [
        name
        for name, actuator in face.actuators.items()
        if name in supply.actuators or actuator.board in supply.boards
    ]
