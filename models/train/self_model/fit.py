"""Fits a self-model to observations of a face.

    1. Play operators of the tendons, by a matched filter (``hysteresis_fit``).
    2. Principal modes of the landmarks; hidden layers by Adam on these modes (``hidden_layers``).
    3. Interaction features of actuator pairs, as further hidden units (``interactions``).
    4. Displacement field of every feature, with shrinkage (``field_shrinkage``), projected onto
       modes of the model's own motion. These modes hold much less of the camera's noise.
    5. Last layer and posterior covariance in closed form.

All steps are repeated ``FitConfig.rounds`` times, because each model gives a better estimate of the
camera's drift than the one before. Each step can be left out by name (``FitConfig.without``); the
table in ``_steps`` has what stands in for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT, landmark_weights
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.model import MAX_LATENTS, POWERS, Floats, SelfModel
from mien.models.threads import torch_thread
from mien.models.train.self_model.field_shrinkage import least_squares_fields, shrink_fields
from mien.models.train.self_model.fit_config import FitConfig
from mien.models.train.self_model.hysteresis_fit import identify_play
from mien.models.train.self_model.interactions import (
    MAX_PAIRS,
    find_interactions,
    with_interactions,
)
from mien.models.train.self_model.last_layer import fit_last_layer
from mien.models.train.self_model.observation_noise import EstimateNoise, ObservationNoise

_POSES_PER_FEATURE = 4.0  # chosen on hobby9, builds 10 to 12 with 40 to 330 poses
_LEAST_POSES = 1.5  # for each input; with fewer, the residual does not show the camera's noise
_MIN_LANDMARK_WEIGHT = 0.05  # in the modes: skin outside the weighted regions still counts


_Pairs = Callable[[Floats, Floats, Floats, EstimateNoise, int], list[tuple[int, int]]]
_Fields = Callable[
    [Floats, Floats, ObservationNoise, list[range], dict[int, tuple[int, int]]],
    tuple[Floats, Floats],
]


@dataclass(frozen=True, eq=False)
class Examples:
    """Commands in the order they happened, and the observations after some of them.

    Attributes:
        names: (n,) actuators.
        inputs: (m,) indices of the actuators that move skin.
        tendons: (k,) positions in ``inputs`` of the tendons.
        commands: (T, n), every waypoint at which some actuator may have turned around.
        observed: (N,) rows of ``commands`` that were observed and are to be learned from.
        landmarks: (N, 478, 3) mm at those rows.
    """

    names: tuple[str, ...]
    inputs: tuple[int, ...]
    tendons: tuple[int, ...]
    commands: Floats
    observed: NDArray[np.intp]
    landmarks: Floats


@torch_thread()
def fit(
    examples: Examples,
    config: FitConfig | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> SelfModel:
    """Fit a self-model. The same examples and seed give the same model.

    Args:
        examples: commands and observations.
        config: settings; None: the defaults.
        progress: called with (steps done, steps).

    Raises:
        ModelError: too few poses, wrong shapes, or values that are not finite.
    """
    c = config or FitConfig()
    _check(examples)
    began, rounds = time.process_time(), 1 if "drift_rounds" in c.without else c.rounds
    model = _fit_once(examples, c, partial(_round, progress, 0, rounds))
    for k in range(1, rounds):
        predicted = model.sequence(examples.commands)[examples.observed]
        drift = (examples.landmarks - predicted).mean(1)
        examples = replace(examples, landmarks=examples.landmarks - drift[:, None])
        model = _fit_once(examples, c, partial(_round, progress, k, rounds))
    return replace(model, meta=model.meta | {"fit_cpu_s": round(time.process_time() - began, 2)})


class _Steps(NamedTuple):
    """The steps of a fit, each the real one or its stand-in."""

    tendons: Callable[[Examples], tuple[int, ...]]
    train: Callable[..., Any]
    no_units: Callable[..., Any]
    noise: EstimateNoise
    pairs: _Pairs
    fields: _Fields


def _steps(c: FitConfig) -> _Steps:
    """The steps of a fit, with stand-ins for ``c.without``. ``fit`` itself counts the rounds."""
    # Torch takes a second to import, and the other stages of a calibration do not need it.
    from mien.models.train.self_model.hidden_layers import no_units, train, untrained

    table: dict[str, tuple[Any, Any]] = {
        "hysteresis": (lambda examples: examples.tendons, lambda _examples: ()),
        "hidden_layers": (train, untrained),
        "observation_noise": (ObservationNoise.estimate, lambda *_: ObservationNoise(0.0)),
        "interactions": (find_interactions, lambda *_: []),
        "shrinkage": (shrink_fields, least_squares_fields),
    }
    found = {part: real_or_not[part in c.without] for part, real_or_not in table.items()}
    return _Steps(
        found["hysteresis"], found["hidden_layers"], no_units, found["observation_noise"],
        found["interactions"], found["shrinkage"],
    )  # fmt: skip


def _round(progress: Callable[[int, int], None], k: int, rounds: int, done: int, of: int) -> None:
    progress(k * of + done, rounds * of)


def _fit_once(examples: Examples, c: FitConfig, progress: Callable[[int, int], None]) -> SelfModel:
    """One round of the fit, without correction of drift."""
    steps = _steps(c)
    mean, decoder, latents = _modes(examples.landmarks, c.latents)
    tendons = steps.tendons(examples)
    m = len(examples.inputs)
    x = np.array(examples.commands[:, list(examples.inputs)], dtype=np.float64)
    play, gain = _identify_play(x, examples, tendons, steps)
    if tendons:
        x[:, list(tendons)] = play.scan(x[:, list(tendons)])
    at = x[examples.observed]
    powers, units, most = _affordable(len(at), m, c.hidden[1])
    layers = (steps.train if units else steps.no_units)(at, latents, c, progress)
    model = SelfModel(
        names=examples.names,
        inputs=np.array(examples.inputs, dtype=np.intp),
        tendons=np.array(tendons, dtype=np.intp),
        play=play,
        w1=layers.w1,
        b1=layers.b1,
        w2=layers.w2,
        b2=layers.b2,
        out=layers.out,
        mean=mean,
        decoder=decoder,
        covariance_factor=np.zeros((POWERS * m + units + 1,) * 2),
        noise=np.zeros(decoder.shape[0]),
        neck=np.zeros((0, 6)),
    )
    if powers:
        model = _with_shrunk_fields(model, at, examples.landmarks, c.latents, steps, powers, most)
    else:
        model = fit_last_layer(model, model.features(at), latents)
    meta = {
        "seed": c.seed,
        "poses": len(examples.observed),
        "loss": layers.loss,
        "play_gain": round(gain, 1),
    }
    return replace(model, meta=meta)


def _affordable(poses: int, inputs: int, units: int) -> tuple[int, int, int]:
    """Powers of each input, hidden units and interactions that so many poses can tell from noise.

    Without a power, there are too few poses for shrinkage, and the hidden units stay.
    """
    if poses < _LEAST_POSES * (inputs + 1):
        return 0, units, 0
    features = int(poses / _POSES_PER_FEATURE) - 1  # beside the constant
    powers = min(POWERS, max(1, features // inputs))
    spare = max(0, features - powers * inputs)
    if spare >= units + MAX_PAIRS:
        return powers, units, MAX_PAIRS
    return powers, 0, min(MAX_PAIRS, spare)


def _identify_play(
    x: Floats, examples: Examples, tendons: tuple[int, ...], steps: _Steps
) -> tuple[PlayOperator, float]:
    """Play operators of the tendons from inputs x (T, m), and the reduction of the error."""
    if not tendons:
        return PlayOperator(np.zeros(0), np.zeros(0)), 0.0
    others = np.delete(x, tendons, axis=1)[examples.observed]
    pulls = x[:, list(tendons)]
    return identify_play(pulls, others, examples.observed, examples.landmarks, steps.noise)


def _modes(landmarks: Floats, count: int) -> tuple[Floats, Floats, Floats]:
    """Principal modes: mean (478, 3), decoder (K, 1434), latents (N, K), in mm.

    Lips and lids have a larger weight.
    """
    mean = landmarks.mean(0)
    root = root_weights()
    centred = (landmarks - mean).reshape(len(landmarks), -1) * root
    _, spread, modes = np.linalg.svd(centred, full_matrices=False)
    k = min(count, MAX_LATENTS, int((spread > 1e-9 * spread[0]).sum()))
    return mean, modes[:k] / root, centred @ modes[:k].T


def _with_shrunk_fields(
    model: SelfModel,
    x: Floats,
    landmarks: Floats,
    count: int,
    steps: _Steps,
    powers: int,
    most: int,
) -> SelfModel:
    """The model with interaction features, shrunk fields, and modes of their motion.

    Args:
        model: with trained hidden layers, or none.
        x: (N, m) network inputs.
        landmarks: (N, 478, 3) mm.
        count: of latents.
        steps: of the fit.
        powers: of each input that are fitted; the higher ones get no field.
        most: interactions, at most.
    """
    actuators, units = len(model.inputs), len(model.b2)
    fitted = np.delete(
        np.arange(len(model.covariance_factor)), range(powers * actuators, POWERS * actuators)
    )
    pairs = steps.pairs(x, model.features(x)[:, fitted], landmarks, steps.noise, most)
    model = with_interactions(model, pairs)
    phi = model.features(x)
    fitted = np.append(fitted[:-1], range(POWERS * actuators + units, phi.shape[1]))
    groups = [range(k, powers * actuators, actuators) for k in range(actuators)]
    first = powers * actuators + units
    parents = {first + k: pair for k, pair in enumerate(pairs)}
    noise = steps.noise(phi[:, fitted], landmarks)
    found, residuals = steps.fields(phi[:, fitted], landmarks, noise, groups, parents)
    fields = np.zeros((phi.shape[1], *found.shape[1:]))
    fields[fitted] = found
    mean, decoder, latents = _modes(landmarks - residuals, count)
    model = fit_last_layer(replace(model, mean=mean, decoder=decoder), phi, latents)
    root = root_weights()
    to_latents = (decoder * root**2).T
    out = fields.reshape(len(fields), -1) @ to_latents
    out[-1] -= mean.reshape(-1) @ to_latents
    freedom = max(1, len(phi) - phi.shape[1])
    squares = np.square(residuals.reshape(len(phi), -1) @ to_latents).sum(0)
    return replace(model, out=out, noise=np.sqrt(squares / freedom))


def root_weights() -> Floats:
    """Square root (1434,) of the weight of each coordinate in the modes."""
    return np.sqrt(np.maximum(landmark_weights(), _MIN_LANDMARK_WEIGHT)).repeat(3)


def _check(e: Examples) -> None:
    n, count = len(e.names), len(e.observed)
    if e.commands.ndim != 2 or e.commands.shape[1] != n:
        raise ModelError(f"commands have shape {e.commands.shape}, expected (T, {n})")
    if e.landmarks.shape != (count, COUNT, 3):
        raise ModelError(
            f"landmarks have shape {e.landmarks.shape}, expected ({count}, {COUNT}, 3)"
        )
    if not e.inputs:
        raise ModelError("no actuator moves a landmark, at least one must")
    if count < 2 * len(e.inputs):
        raise ModelError(
            f"{count} poses are too few for {len(e.inputs)} actuators; "
            f"collect at least {2 * len(e.inputs)}"
        )
    if not np.isfinite(e.commands).all() or not np.isfinite(e.landmarks).all():
        raise ModelError("commands or landmarks hold NaN or infinity")
