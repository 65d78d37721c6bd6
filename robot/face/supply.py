"""The supplies of a face: when each servo may start, and how much current it takes as it moves.

What a supply must carry is known best while nothing moves yet: at ARM no one knows where the servos
are, and each runs to its place at full voltage. The board therefore starts them one group after the
other (CONFIG_CHANNEL.delay), and the host waits with its first ramp until all have started.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.robot.face.config import FaceConfig, Floats, Supply
from mien.robot.face.currents import SLOT_S, TYPICAL_V, Draw, draw_of, slots_of, start_slots
from mien.robot.face.thermal import KINDS, MOVING_SHARE, RAMP_S


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

    def assumed_a(self, t: float) -> float:
        """What it is taken to carry ``t`` seconds after ARM, A."""
        return sum(
            _assumed(draw, t - start) for draw, start in zip(self.draws, self.start_s, strict=True)
        )


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


def power_up_s(face: FaceConfig) -> float:
    """From ARM until the last servo starts, s. The host's first ramp waits for it.

    From then on the servos that started before run, and the last are taken to stall whatever they
    are told, so that a slow ramp adds nothing.
    """
    return float(start_delays_s(face).max())


def currents_a(face: FaceConfig, commands: Floats, velocity: Floats, change: Floats) -> Floats:
    """Estimated current of every servo, (n,) A. No hobby servo measures it.

    The torque is taken as in ``mien.robot.face.thermal``: the pull of the skin in proportion to the
    command, friction while it moves, and inertia; a motor's current is in proportion to it. In
    ten seconds of random poses on the simulated faces it is higher than the rig's torques give in
    91 % (morpheus33) and 97 % (hobby9) of the ticks, and by 35 and 70 % on the mean.

    Args:
        commands: (n,) as sent. velocity: (n,) commands/s. change: (n,) commands/s^2.
    """
    kinds = [KINDS[a.servo] for a in face.actuators.values()]
    draws = draws_of(face)
    hold, friction, inertia = np.array([(k.hold, k.friction, k.inertia) for k in kinds]).T
    idle, stall = np.array([(d.idle_a, d.stall_a) for d in draws]).T
    moving = np.abs(velocity) > MOVING_SHARE * face.speed
    hard = np.minimum(np.abs(change) * RAMP_S / face.speed, 1.0)
    load = np.minimum(hold * np.abs(commands) + friction * moving + inertia * hard, 1.0)
    return np.asarray(idle + (stall - idle) * load)


def by_supply(face: FaceConfig, amps: Floats) -> dict[str, float]:
    """Currents of the servos (n,) A -> sum of each supply, A, by its name."""
    return {feed.name: float(amps[list(feed.actuators)].sum()) for feed in feeds(face)}


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


def _assumed(draw: Draw, since_start: float) -> float:
    if since_start < 0.0:
        return draw.idle_a
    return draw.stall_a if since_start < slots_of(draw) * SLOT_S else draw.run_a
