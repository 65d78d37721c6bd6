"""Settings of a self-model's fit, and the parts that it can do without.

What each part is worth on held-out faces of simulated robots, as ``mien bench calibration --without
all`` measures it: RMS error of the prediction (mm), and mean error of a reproduced face (% of the
mouth width). hobby9 is build 1 with 400 poses; morpheus33 is build 101 with 1,487 poses.

    without             hobby9           morpheus33
    nothing             0.177   0.131    0.223   0.156
    hysteresis          (no tendons)     0.224   0.262
    hidden_layers       0.178   0.129    0.226   0.158
    observation_noise   0.195   0.134    0.230   -
    interactions        0.177   0.134    0.263   0.185
    shrinkage           0.707   0.236    0.424   0.272
    drift_rounds        0.179   0.129    0.230   -

With fewer than four poses for each feature, hidden units are not fitted at all, which is the case
of hobby9 up to 435 poses (the table is from before): there they cost 3 to 23 %. With fewer poses
still, the higher powers of inputs are left out.

Shrinkage carries the result, hysteresis where tendons pull, and interactions on a face with many
actuators. The projected camera draws the error of each landmark independently, as shrinkage
assumes; where errors are smooth over the skin, shrinkage gains less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mien.models.errors import ModelError

PARTS: Final = {
    "hysteresis": "play operators of the tendons; without: commands of tendons are plain inputs",
    "hidden_layers": "training of the hidden layers; without: they keep their random weights",
    "observation_noise": "noise scale of each observation and autocorrelation; without: all equal",
    "interactions": "features of actuator pairs whose effects do not add up; without: none",
    "shrinkage": "shrinkage of displacement fields; without: plain least squares",
    "drift_rounds": "rounds after the first, each without the drift found before; without: one",
}
"""Parts of the fit, and what stands in for each that is left out. ``mien bench calibration
--without PART`` measures what a part is worth."""


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
        without: parts of the fit (``PARTS``) that are left out.
        seed: of the initial weights.
    """

    latents: int = 48
    hidden: tuple[int, int] = (32, 32)
    steps: int = 1500
    rate: float = 8e-3
    decay: float = 1e-3
    sparse: float = 5e-3
    rounds: int = 3
    without: frozenset[str] = frozenset()
    seed: int = 0

    def __post_init__(self) -> None:
        if unknown := sorted(self.without - PARTS.keys()):
            raise ModelError(
                f"the fit has no part {', '.join(unknown)}; it has {', '.join(PARTS)}",
                f"mien bench calibration --without {next(iter(PARTS))}",
            )
