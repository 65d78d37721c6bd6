"""The search finds the input at fault, its fault and the amount, in a robot that is a formula."""

from __future__ import annotations

import numpy as np
import pytest

from mien.calibration.verify.fault_search import SLOW_SHARES, FoundFault, Inputs, search
from mien.robot.face.config import Floats

ROWS, COUNT, LATENTS, NOISE = 20, 6, 30, 0.3
TENDON = 5


def robot(seed: int = 0) -> tuple[Inputs, Floats]:
    """Inputs of a check, the last of them a tendon, and its fields (COUNT, LATENTS)."""
    rng = np.random.default_rng(seed)
    x = rng.choice([-0.7, 0.7], size=(ROWS, COUNT))
    x[:, TENDON] = rng.choice([0.0, 0.4, 0.85], size=ROWS)
    before = np.roll(x, 1, axis=0)
    slow = np.stack([before + share * (x - before) for share in SLOW_SHARES])
    slow[:, ::2] = x[::2]  # every second row is settled
    weight = np.where(np.arange(ROWS) % 2, 0.5, 1.0)
    tendons = np.arange(COUNT) == TENDON
    return Inputs(x, 0.0 * x, slow, tendons, weight), rng.normal(size=(COUNT, LATENTS))


def found(inputs: Inputs, fields: Floats, now: Floats) -> list[FoundFault]:
    """What the search makes of a robot whose inputs are ``now`` (ROWS, COUNT)."""
    seen = now @ fields + NOISE * np.random.default_rng(9).normal(size=(ROWS, LATENTS))
    precision = np.eye(LATENTS) / NOISE**2
    slopes = np.broadcast_to(fields, (ROWS, COUNT, LATENTS))
    return search(
        inputs,
        lambda x: x @ fields,
        lambda _x: slopes,
        precision,
        lambda z: (seen - z) / NOISE**2,
    )


def test_a_healthy_robot_has_none() -> None:
    inputs, fields = robot()
    assert found(inputs, fields, inputs.x) == []


@pytest.mark.parametrize(
    ("k", "kind", "amount"),
    [(2, "still", 0.25), (3, "slipped", -0.2), (TENDON, "slack", 0.33), (1, "slow", 0.35)],
)
def test_each_fault_has_its_name_and_size(k: int, kind: str, amount: float) -> None:
    inputs, fields = robot()
    now = inputs.x.copy()
    now[:, k] = {
        "still": np.full(ROWS, 0.25),
        "slipped": now[:, k] - 0.2,
        "slack": np.maximum(now[:, k] - 0.33, 0.0),
        "slow": inputs.slow[SLOW_SHARES.index(0.35), :, k],
    }[kind]
    (fault,) = found(inputs, fields, now)
    assert (fault.input, fault.kind) == (k, kind)
    assert fault.amount == pytest.approx(amount, abs=0.11)


def test_a_motor_that_its_neighbours_move_does_not_move_by_itself() -> None:
    inputs, fields = robot()
    now = inputs.x.copy()
    now[:, 2] = 0.6 * now[:, 0] * now[:, 1] / 0.7 + 0.2 * now[:, 3]
    (fault,) = found(inputs, fields, now)
    assert (fault.input, fault.kind) == (2, "still")


def test_two_faults_are_both_found() -> None:
    inputs, fields = robot()
    now = inputs.x.copy()
    now[:, 0], now[:, 4] = 0.0, now[:, 4] + 0.25
    assert {(f.input, f.kind) for f in found(inputs, fields, now)} == {
        (0, "still"),
        (4, "slipped"),
    }
