"""Estimates of the current of a supply, which the tests compare with its budget."""

from __future__ import annotations

import numpy as np

from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.currents import SLOT_S, Draw, slots_of
from mien.robot.face.supply import Feed, draws_of, feeds, start_delays_s
from mien.robot.face.thermal import KINDS, MOVING_SHARE, RAMP_S


def assumed_a(feed: Feed, t: float) -> float:
    """What a supply is taken to carry ``t`` seconds after ARM, A."""
    return sum(
        _assumed(draw, t - start) for draw, start in zip(feed.draws, feed.start_s, strict=True)
    )


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


def _assumed(draw: Draw, since_start: float) -> float:
    if since_start < 0.0:
        return draw.idle_a
    return draw.stall_a if since_start < slots_of(draw) * SLOT_S else draw.run_a
