"""The play operator: what a string with friction remembers.

A play of half-width r follows its input only after the input has travelled r in the new direction,
so that the same command gives another pull on the way up than on the way down. Friction along a
string grows with its tension (capstan), therefore r(u) = width + growth * u. The operator depends
on the order of its inputs, never on their speed. See Krejci & Kuhnen, "Inverse control of systems
with hysteresis and creep", IEE Proc. 148 (2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Play:
    """m plays side by side.

    Attributes:
        width: (m,) half-width at command 0, >= 0.
        growth: (m,) growth of the half-width per unit command, in [0, 1).
    """

    width: Floats
    growth: Floats

    def rest(self) -> Floats:
        """(m,) state of strings that were never pulled."""
        return np.zeros(len(self.width))

    def rising(self, u: Floats) -> Floats:
        """Pull (..., m) when command u is reached from below."""
        return np.asarray(u - self.width - self.growth * u)

    def falling(self, u: Floats) -> Floats:
        """Pull (..., m) when command u is reached from above."""
        return np.asarray(u + self.width + self.growth * u)

    def advance(self, state: Floats, u: Floats) -> Floats:
        """Next state (..., m) after the command moved (monotonically) to u (..., m)."""
        return np.minimum(np.maximum(state, self.rising(u)), self.falling(u))

    def slope(self, state: Floats, u: Floats) -> Floats:
        """d advance / d u (..., m): 0 inside the play, else that of the engaged flank."""
        up = self.rising(u) > state
        down = self.falling(u) < state
        return np.where(up, 1.0 - self.growth, np.where(down, 1.0 + self.growth, 0.0))

    def command(self, state: Floats, pull: Floats, held: Floats) -> Floats:
        """Command (..., m) that takes the pull from ``state`` to ``pull``; ``held`` if it stays."""
        up = (pull + self.width) / (1.0 - self.growth)
        down = (pull - self.width) / (1.0 + self.growth)
        return np.where(pull > state, up, np.where(pull < state, down, held))

    def scan(self, commands: Floats, start: Floats | None = None) -> Floats:
        """States (T, m) after each of T commands (T, m), from ``start`` (m,) or rest."""
        low, high = self.rising(commands), self.falling(commands)
        state = self.rest() if start is None else start
        out = np.empty_like(low)
        for t in range(len(low)):
            state = np.minimum(np.maximum(state, low[t]), high[t])
            out[t] = state
        return out
