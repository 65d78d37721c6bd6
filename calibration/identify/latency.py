"""How late the skin follows: a wave is played, the model's answer slid over what was seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.calibration.capture.rig import Stage
from mien.models.face.regions import REGIONS
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

SECONDS = 10.0
LONGEST_S = 0.4
_STEP_S = 0.002
_SHARE = 0.6  # of the speed limit
_HZ = (0.6, 1.6)  # slowest and fastest actuator of the wave


@dataclass(frozen=True)
class Lag:
    """Seconds from the moment a pulse was to be executed to the skin being there.

    Attributes:
        mouth: of lips and jaw together; what speech must be advanced by.
        by_region: of each region that moved.
    """

    mouth: float
    by_region: dict[str, float]


def wave(face: FaceConfig, rate: float, seed: int = 0) -> Floats:
    """(T, n) commands: every actuator its own sine, rising from and falling back to rest."""
    rng = np.random.default_rng(seed)
    n = len(face.names)
    t = np.arange(int(SECONDS * rate)) / rate
    hz = rng.uniform(*_HZ, n)
    low, high = face.limits.T
    reach = np.minimum(0.5 * (high - low) / 2, _SHARE * face.speed / (2 * np.pi * hz))
    middle = np.where(low < -0.5, 0.0, (low + high) / 2)
    fade = np.minimum(1.0, np.minimum(t, t[-1] - t) / 1.0)[:, None]
    still = np.array([a.region == "neck" for a in face.actuators.values()])
    swing = middle + reach * np.sin(2 * np.pi * (hz * t[:, None] + rng.uniform(size=n)))
    return np.where(still, 0.0, fade * swing)


def measure(face: FaceConfig, model: SelfModel, studio: Stage, rate: float = 60.0) -> Lag:
    """Play the wave on a started studio and find the lag of each region.

    The studio's face is at rest before and after.
    """
    run = studio.follow(wave(face, rate), rate)
    said = model.sequence(run.sent)

    def of(at: tuple[int, ...]) -> float:
        return _delay(run.sent_at, said[:, list(at)], run.seen_at, run.seen[:, list(at)])

    found = {name: of(at) for name, at in REGIONS.items()}
    return Lag(
        mouth=of(REGIONS["lips"] + REGIONS["jaw"]),
        by_region={k: v for k, v in found.items() if np.isfinite(v)},
    )


def _delay(sent_at: Floats, said: Floats, seen_at: Floats, seen: Floats) -> float:
    """Delay (s) of ``seen`` after ``said`` with the least squared error; NaN if nothing moved."""
    good = np.isfinite(seen).all((1, 2))
    if not good.any():
        return float("nan")
    a, b = said.reshape(len(said), -1), seen[good].reshape(int(good.sum()), -1)
    if a.var(0).sum() < 1e-3:
        return float("nan")
    at = seen_at[good]
    b = b - b.mean(0)
    delays = np.arange(0.0, LONGEST_S, _STEP_S)
    errors = np.empty(len(delays))
    for k, delay in enumerate(delays):
        x = np.clip((at - delay - sent_at[0]) / (sent_at[1] - sent_at[0]), 0, len(a) - 1)
        low = np.minimum(x.astype(int), len(a) - 2)
        part = (x - low)[:, None]
        shifted = a[low] * (1 - part) + a[low + 1] * part
        errors[k] = np.square(shifted - shifted.mean(0) - b).mean()
    return float(delays[errors.argmin()])
