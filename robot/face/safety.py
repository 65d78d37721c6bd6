"""The one limiter: nothing reaches ``link`` that did not pass here. The firmware limits again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.robot.face.config import FaceConfig, Floats


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

    A value that is not a number holds the actuator where it is. Interlocks work twice. On the goal
    they share what is allowed: the commands that add to an interlock are pulled back toward the
    safe pose, all in the same proportion, until it holds. On the step they protect: per-axis speed
    limits leave the straight line to the goal, so whatever adds to an interlock moves no farther
    than what relieves it makes room for. Speed is exact: in two calls ``dt`` apart no command moves
    more than ``speed * dt``. From a pose that holds all interlocks, every pose holds them.
    """

    def __init__(self, face: FaceConfig) -> None:
        self._low, self._high = face.limits.T
        self._speed, self._safe = face.speed, face.safe
        self._names = [lock.name for lock in face.interlocks]
        rows = [[lock.terms.get(n, 0.0) for n in face.names] for lock in face.interlocks]
        self._terms = np.array(rows).reshape(len(rows), len(face.names))
        self._max_sum = np.array([lock.max for lock in face.interlocks])

    def __call__(self, target: Floats, last: Floats, dt: float) -> Limited:
        """Target (n,) and last sent (n,) commands, ``dt`` seconds apart -> what may be sent."""
        finite = np.where(np.isfinite(target), target, last)
        boxed = np.clip(finite, self._low, self._high)
        clipped = ~(np.isfinite(target) & (boxed == target))
        open_, locked = self._shared(boxed)
        max_step = self._speed * max(dt, 0.0)
        commands, again = self._shortened(last, np.clip(open_ - last, -max_step, max_step))
        slowed = np.abs(open_ - commands) > 1e-12
        return Limited(commands, clipped, slowed, tuple(dict.fromkeys(locked + again)))

    def _shortened(self, last: Floats, step: Floats) -> tuple[Floats, list[str]]:
        """``last`` and as much of the step (n,) as every interlock leaves room for.

        An actuator may relieve one interlock and add to another, which may hold it back: only what
        adds to none counts as relief. So each interlock is right whatever the others do.
        """
        change = self._terms * step  # (locks, n)
        adds = change > 0.0
        relief = np.where(adds.any(axis=0), 0.0, change).sum(axis=1)
        added = np.where(adds, change, 0.0).sum(axis=1)
        room = np.maximum(self._max_sum - self._terms @ last - relief, 0.0)
        part = np.minimum(room / np.maximum(added, 1e-12), 1.0)  # (locks,)
        commands = last + step * np.where(adds, part[:, None], 1.0).min(axis=0, initial=1.0)
        short = (part < 1.0 - 1e-9) & (added > 1e-9)
        return commands, [name for name, limits in zip(self._names, short, strict=True) if limits]

    def _shared(self, commands: Floats) -> tuple[Floats, list[str]]:
        out, held = commands, []
        for name, terms, limit in zip(self._names, self._terms, self._max_sum, strict=True):
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
