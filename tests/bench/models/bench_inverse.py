"""``mien bench inverse``: how fast and how well landmarks become commands, on one core."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated

import numpy as np
import typer

from mien.models.checkpoint import WEIGHTS
from mien.models.self_model.inverse import Inverse, Limits
from mien.models.self_model.levenberg_marquardt import Box, minimise
from mien.models.self_model.model import Floats, SelfModel, read
from mien.models.self_model.objective import Objective, ObjectiveWeights
from mien.models.threads import torch_thread
from tests.bench.models.inverse_adam import adam

FPS = 60.0
RATES = (0.01, 0.03, 0.1)
"""Adam's learning rates; the best of them, frame by frame, is the yardstick."""
_SPEED = 10.0  # commands per second: a fast hobby servo
_NOISE_MM = 1.0


def inverse(
    face: Annotated[str, typer.Option(help="Whose shipped self-model.")] = "morpheus33",
    frames: Annotated[int, typer.Option(min=64, help="Frames of the trajectory.")] = 1200,
    reference: Annotated[int, typer.Option(min=1, help="Frames given to Adam.")] = 48,
) -> dict[str, float | int | str | None]:
    """Times and costs on a smooth trajectory of this face, with noise it cannot reach."""
    model = read(WEIGHTS / f"self_model_{face}.safetensors")
    limits = Limits.plain(command_limits(model), np.full(model.n, _SPEED))
    rng = np.random.default_rng(0)
    targets = model.sequence(wander(model, limits, frames))
    targets += rng.normal(scale=_NOISE_MM, size=targets.shape)
    solver = Inverse(model, limits)
    spent, sent = np.empty(frames), np.empty((frames, model.n))
    for k in range(20):  # first calls load code and fill caches
        solver.solve(targets[k], 1 / FPS)
    solver.reset()
    for k, target in enumerate(targets):
        began = perf_counter()
        sent[k] = solver.solve(target, 1 / FPS).commands
        spent[k] = perf_counter() - began
    steps = np.abs(np.diff(sent, axis=0, prepend=np.zeros((1, model.n))))
    low, high = limits.command.T
    violations = (sent < low) | (sent > high) | (steps > _SPEED / FPS + 1e-9)
    solver.solve_each(targets[:64])
    began = perf_counter()
    solver.solve_each(targets)
    batch = frames / (perf_counter() - began)
    ratio, speedup = against_adam(
        model, limits, targets[:: max(1, frames // reference)][:reference]
    )
    return {
        "inverse.frame_ms_p50": float(np.percentile(spent, 50) * 1e3),
        "inverse.frame_ms_p99": float(np.percentile(spent, 99) * 1e3),
        "inverse.batch_fps": float(batch),
        "inverse.loss_vs_adam500": ratio,
        "inverse.speedup_vs_adam500": speedup,
        "inverse.limit_violations": int(violations.sum()),
        "inverse.actuators": model.n,
        "inverse.face": face,
    }


@torch_thread()
def against_adam(model: SelfModel, limits: Limits, targets: Floats) -> tuple[float, float]:
    """(median cost ratio to the best of Adam's rates, how many times faster), frame by frame.

    Both start at neutral, in the same box, on the same cost. Adam is timed one frame at a time, as
    a live face would have to run it.
    """
    objective = Objective(model, ObjectiveWeights())
    low, high = limits.command[model.inputs].T
    low, high = low.copy(), high.copy()
    high[model.tendons] = model.play.loading(high[model.tendons])
    m = len(model.inputs)
    start = np.clip(np.zeros((len(targets), m)), low, high)
    box = Box(low, high, np.zeros((0, m)), np.zeros(0))
    ours, took = np.empty(len(targets)), np.empty(len(targets))
    for k in range(len(targets)):
        began = perf_counter()
        goal = objective.project(targets[k : k + 1])
        ours[k] = minimise(objective, goal, start[k : k + 1], None, box, steps=6)[1][0]
        took[k] = perf_counter() - began
    theirs = np.min([adam(objective, targets, start, low, high, 500, r)[1] for r in RATES], axis=0)
    began = perf_counter()
    alone = min(3, len(targets))
    for k in range(alone):
        adam(objective, targets[k : k + 1], start[k : k + 1], low, high, 500, RATES[1])
    each = (perf_counter() - began) / alone
    return float(np.median(ours / theirs)), float(each / np.median(took))


def command_limits(model: SelfModel) -> Floats:
    """(n, 2): strings only pull; all else may use its whole range."""
    out = np.tile([-1.0, 1.0], (model.n, 1))
    out[model.inputs[model.tendons], 0] = 0.0
    return out


def wander(model: SelfModel, limits: Limits, frames: int) -> Floats:
    """(frames, n) smooth commands inside the limits, up to 2 Hz, from neutral."""
    rng = np.random.default_rng(1)
    t = np.arange(frames)[:, None] / FPS
    wave = sum(
        np.sin(2 * np.pi * (rng.uniform(0.2, 2.0, model.n) * t + rng.uniform(size=model.n)))
        for _ in range(3)
    )
    low, high = limits.command.T
    rise = np.minimum(1.0, t)
    return np.asarray(np.clip(0.4 * wave * rise, low, high))
