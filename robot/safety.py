"""The one limiter: nothing reaches ``link`` that did not pass here. The firmware limits again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.config import FaceConfig, Floats


@dataclass(frozen=True)
class Limited:
    """What the limiter let through, and what it had to change.

    Attributes:
        commands: (n,) commands to send.
        clipped: (n,) bool, a command was outside its range or not a number.
        slowed: (n,) bool, a command asked for more than its speed.
        locked: names of the interlocks that held something back.
    """

    commands: Floats
    clipped: NDArray[np.bool_]
    slowed: NDArray[np.bool_]
    locked: tuple[str, ...]


class Limiter:
    """Range, interlocks and speed of one face, applied in this order to every pose.

    A value that is not a number holds the actuator where it is. An interlock pulls the commands
    that add to it back toward the safe pose, all in the same proportion, until it holds. Speed
    comes last and is exact: in two calls ``dt`` apart no command moves more than ``speed * dt``.
    Per-axis speed limits leave the straight line to the goal, so the step itself is shortened
    where it would cross an interlock on its way.
    """

    def __init__(self, face: FaceConfig) -> None:
        self._low, self._high = face.limits.T
        self._speed, self._safe = face.speed, face.safe
        self._locks = [
            (lock.name, np.array([lock.terms.get(n, 0.0) for n in face.names]), lock.max)
            for lock in face.interlocks
        ]

    def __call__(self, wanted: Floats, last: Floats, dt: float) -> Limited:
        """Wanted (n,) and last sent (n,) commands, ``dt`` seconds apart -> what may be sent."""
        held = np.where(np.isfinite(wanted), wanted, last)
        boxed = np.clip(held, self._low, self._high)
        clipped = ~(np.isfinite(wanted) & (boxed == wanted))
        open_, locked = self._interlocked(boxed)
        step = self._speed * max(dt, 0.0)
        commands = last + np.clip(open_ - last, -step, step)
        commands, again = self._shortened(last, commands)
        slowed = np.abs(open_ - commands) > 1e-12
        return Limited(commands, clipped, slowed, tuple(dict.fromkeys(locked + again)))

    def _shortened(self, last: Floats, commands: Floats) -> tuple[Floats, list[str]]:
        held = []
        for name, terms, limit in self._locks * 2:  # twice: shortening for one may meet another
            before, after = float(terms @ last), float(terms @ commands)
            if after > limit + 1e-9 and after > before:
                part = max(0.0, limit - before) / (after - before)
                commands = np.where(terms != 0, last + part * (commands - last), commands)
                held.append(name)
        return commands, held

    def _interlocked(self, commands: Floats) -> tuple[Floats, list[str]]:
        out, held = commands, []
        for name, terms, limit in self._locks:
            total = float(terms @ out)
            if total <= limit:
                continue
            adds = terms * (out - self._safe) > 0
            pull = float((terms * (out - self._safe))[adds].sum())
            keep = max(0.0, 1.0 - (total - limit) / pull) if pull > 0 else 0.0
            out = np.where(adds, self._safe + keep * (out - self._safe), out)
            held.append(name)
        return out, held


def ramp(face: FaceConfig, start: Floats, goal: Floats, t: float) -> Floats:
    """Where a gentle move from ``start`` to ``goal`` is after ``t`` seconds, (n,).

    All actuators arrive together, at a quarter of the speed limit of the one with the farthest
    way, along a minimum-jerk curve (Flash and Hogan 1985, J. Neurosci. 5:1688), so that a first
    move never jumps.
    """
    u = min(1.0, max(0.0, t / ramp_seconds(face, start, goal)))
    s = u**3 * (10.0 - 15.0 * u + 6.0 * u * u)
    return np.asarray(start + s * (goal - start))


def ramp_seconds(face: FaceConfig, start: Floats, goal: Floats) -> float:
    """How long ``ramp`` takes; 1.875 is the peak of the minimum-jerk speed over its mean."""
    slowest = float(np.max(np.abs(goal - start) / face.speed, initial=0.0))
    return max(0.2, 4.0 * 1.875 * slowest)
