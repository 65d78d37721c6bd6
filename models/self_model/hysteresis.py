"""The play operator: the hysteresis of a tendon with friction.

A play operator of half-width r follows its input only after the input has travelled r in the new
direction. The same command therefore gives one pull on the way up and another on the way down.
Friction along a tendon grows with its tension (capstan equation), so r depends on the command u:
r(u) = half_width + growth * u. The output depends on the order of the inputs and never on their
speed. Source: Krejci & Kuhnen, "Inverse control of systems with hysteresis and creep",
IEE Proc. 148 (2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlayOperator:
    """m play operators side by side. Commands, pulls and states are dimensionless, in [0, 1].

    Attributes:
        half_width: (m,) half-width at command 0, >= 0.
        growth: (m,) growth of the half-width per unit of command, in [0, 1).
    """

    half_width: Floats
    growth: Floats

    def rest(self) -> Floats:
        """State (m,) of tendons that were never pulled."""
        return np.zeros(len(self.half_width))

    def loading(self, u: Floats) -> Floats:
        """Pull (..., m) when the command u (..., m) is reached from below."""
        return np.asarray(u - self.half_width - self.growth * u)

    def unloading(self, u: Floats) -> Floats:
        """Pull (..., m) when the command u (..., m) is reached from above."""
        return np.asarray(u + self.half_width + self.growth * u)

    def advance(self, state: Floats, u: Floats) -> Floats:
        """State (..., m) after the command has moved monotonically to u (..., m)."""
        return np.minimum(np.maximum(state, self.loading(u)), self.unloading(u))

    def command(self, state: Floats, pull: Floats, current: Floats) -> Floats:
        """Command (..., m) that takes the pull from ``state`` to ``pull``: the inverse operator.

        Args:
            state: (..., m) pull now.
            pull: (..., m) target pull.
            current: (..., m) command now; it is returned where the pull does not change.
        """
        up = (pull + self.half_width) / (1.0 - self.growth)
        down = (pull - self.half_width) / (1.0 + self.growth)
        return np.where(pull > state, up, np.where(pull < state, down, current))

    def scan(self, commands: Floats, start: Floats | None = None) -> Floats:
        """States (T, m) after each of T commands (T, m), from state ``start`` (m,) or from rest."""
        low, high = self.loading(commands), self.unloading(commands)
        state = self.rest() if start is None else start
        out = np.empty_like(low)
        for t in range(len(low)):
            state = np.minimum(np.maximum(state, low[t]), high[t])
            out[t] = state
        return out
