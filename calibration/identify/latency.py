"""Latency from command to skin: a wave is played, and the prediction is aligned in time with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.models.face.regions import REGIONS
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

SECONDS = 10.0
MAX_LATENCY_S = 0.4
_STEP_S = 0.002
_SPEED_SHARE = 0.6  # of the speed limit
_FREQUENCIES_HZ = (0.6, 1.6)  # lowest and highest of the wave


@dataclass(frozen=True)
class Latency:
    """Time (s) from the execution of a command on the board to the motion of the skin.

    Attributes:
        mouth: of lips and jaw together; speech must be sent earlier by it.
        by_region: of each region that moved.
    """

    mouth: float
    by_region: dict[str, float]


def excitation_wave(face: FaceConfig, rate: float, seed: int = 0) -> Floats:
    """Commands (T, n) at ``rate`` Hz: a sine of its own for each actuator, from rest and back."""
    rng = np.random.default_rng(seed)
    n = len(face.names)
    t = np.arange(int(SECONDS * rate)) / rate
    hz = rng.uniform(*_FREQUENCIES_HZ, n)
    low, high = face.limits.T
    amplitude = np.minimum(0.5 * (high - low) / 2, _SPEED_SHARE * face.speed / (2 * np.pi * hz))
    middle = np.where(low < -0.5, 0.0, (low + high) / 2)
    fade = np.minimum(1.0, np.minimum(t, t[-1] - t) / 1.0)[:, None]
    still = np.array([a.region == "neck" for a in face.actuators.values()])
    swing = middle + amplitude * np.sin(2 * np.pi * (hz * t[:, None] + rng.uniform(size=n)))
    return np.where(still, 0.0, fade * swing)


def measure_latency(
    face: FaceConfig, model: SelfModel, rig: CaptureRig, rate: float = 60.0
) -> Latency:
    """Play the wave on a started rig and find the latency of each region.

    The face is at rest before and after.
    """
    run = rig.run_trajectory(excitation_wave(face, rate), rate)
    predicted = model.sequence(run.sent)

    def of(at: tuple[int, ...]) -> float:
        return _delay(run.sent_at, predicted[:, list(at)], run.seen_at, run.seen[:, list(at)])

    found = {name: of(at) for name, at in REGIONS.items()}
    return Latency(
        mouth=of(REGIONS["lips"] + REGIONS["jaw"]),
        by_region={k: v for k, v in found.items() if np.isfinite(v)},
    )


def _delay(sent_at: Floats, predicted: Floats, seen_at: Floats, seen: Floats) -> float:
    """Delay (s) of ``seen`` after ``predicted`` of the least squared error; NaN without motion."""
    good = np.isfinite(seen).all((1, 2))
    if not good.any():
        return float("nan")
    a, b = predicted.reshape(len(predicted), -1), seen[good].reshape(int(good.sum()), -1)
    if a.var(0).sum() < 1e-3:
        return float("nan")
    at = seen_at[good]
    b = b - b.mean(0)
    delays = np.arange(0.0, MAX_LATENCY_S, _STEP_S)
    errors = np.empty(len(delays))
    for k, delay in enumerate(delays):
        x = np.clip((at - delay - sent_at[0]) / (sent_at[1] - sent_at[0]), 0, len(a) - 1)
        low = np.minimum(x.astype(int), len(a) - 2)
        part = (x - low)[:, None]
        shifted = a[low] * (1 - part) + a[low + 1] * part
        errors[k] = np.square(shifted - shifted.mean(0) - b).mean()
    return float(delays[errors.argmin()])
