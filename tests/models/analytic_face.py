"""A face whose every answer is known: landmark modes, saturation, cross-talk, tendons with play."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import COUNT, LIP_GAPS
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.train.self_model.fit import Examples

Floats = NDArray[np.float64]


@dataclass
class AnalyticFace:
    """``rigid`` actuators, then ``tendons`` tendons, then one neck joint that moves no landmark."""

    rigid: int = 8
    tendons: int = 2
    width: float = 0.12
    growth: float = 0.1
    seed: int = 3
    play: PlayOperator = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        m = self.rigid + self.tendons
        self.play = PlayOperator(
            np.full(self.tendons, self.width), np.full(self.tendons, self.growth)
        )
        self.neutral = rng.normal(scale=30.0, size=(COUNT, 3))
        for upper, lower in LIP_GAPS:  # wide open at rest: no pose lets the lips cross
            self.neutral[lower] = self.neutral[upper] - (0.0, 60.0, 0.0)
        self.modes = rng.normal(size=(m, COUNT * 3)) * 1.5
        self.mix = rng.normal(size=(m, m)) * 0.15

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the commands."""
        return (
            *(f"actuator_{i}" for i in range(self.rigid)),
            *(f"tendon_{i}" for i in range(self.tendons)),
            "neck",
        )

    @property
    def limits(self) -> Floats:
        """(n, 2) command limits: tendons only pull."""
        low = np.array([-1.0] * self.rigid + [0.0] * self.tendons + [-1.0])
        return np.stack([low, np.ones_like(low)], axis=1)

    def see(self, x: Floats) -> Floats:
        """Landmarks (..., 478, 3) of inputs x (..., m), tendons as pulls."""
        bent = np.tanh(x + np.tanh(x @ self.mix) * 0.5 + 0.2 * x**2)
        return self.neutral + (bent @ self.modes).reshape(*x.shape[:-1], COUNT, 3)

    def network_inputs(self, commands: Floats, start: Floats | None = None) -> Floats:
        """Inputs (T, m) of a sequence of commands (T, n)."""
        x = commands[:, :-1].copy()
        x[:, self.rigid :] = self.play.scan(x[:, self.rigid :], start)
        return x

    def random(self, count: int, seed: int) -> Floats:
        """(count, n) commands within the limits."""
        low, high = self.limits.T
        return np.random.default_rng(seed).uniform(low, high, size=(count, len(self.names)))

    def examples(self, count: int = 500, seed: int = 0, noise: float = 0.02) -> Examples:
        """Watched random poses in a row."""
        commands = self.random(count, seed)
        landmarks = self.see(self.network_inputs(commands))
        landmarks += np.random.default_rng(seed + 1).normal(scale=noise, size=landmarks.shape)
        return Examples(
            names=self.names,
            inputs=tuple(range(self.rigid + self.tendons)),
            tendons=tuple(range(self.rigid, self.rigid + self.tendons)),
            commands=commands,
            observed=np.arange(count),
            landmarks=landmarks,
        )
