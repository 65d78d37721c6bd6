"""Settings of a self-model's fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FitConfig:
    """Settings of a fit.

    Attributes:
        latents: principal modes of the landmarks that are kept.
        hidden: width of the two hidden layers.
        steps: Adam steps, each on the whole data set.
        rate: peak learning rate.
        decay: weight decay of the hidden layers.
        sparse: L1 penalty on the first layer. On a face, few actuators interact, so a hidden unit
            should depend on few of them. Without the penalty the mixing terms fit the noise.
        rounds: number of fits. Each fit after the first removes the common motion of all landmarks
            that the fit before does not explain: the camera's drift.
        hysteresis: False fits without play operators; commands of tendons are then inputs.
        seed: of the initial weights.
    """

    latents: int = 48
    hidden: tuple[int, int] = (32, 32)
    steps: int = 1500
    rate: float = 8e-3
    decay: float = 1e-3
    sparse: float = 5e-3
    rounds: int = 3
    hysteresis: bool = True
    seed: int = 0
