"""Fit a self-model: the strings' plays by a filter of their own, landmark modes by PCA, network by
Adam, last layer and doubt in closed form.

The network learns on the modes of the noisy looks. What its features do to the skin is then
estimated landmark by landmark, as smooth fields (mien.models.train.self_model.field_shrinkage),
and cut to modes again,
those of the model's own motion, which hold much less of the camera's noise. Before that, pairs of
levers that clearly meet get hidden units of their own (mien.models.train.self_model.interactions).
All of it is done
some times over, for each model tells better than the one before how far the camera had swayed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT, landmark_weights
from mien.models.self_model.hysteresis import Play
from mien.models.self_model.model import MAX_LATENTS, POWERS, Floats, SelfModel
from mien.models.self_model.network import NetConfig, SelfModelNet
from mien.models.train.self_model.field_shrinkage import clean_fields
from mien.models.train.self_model.hysteresis import find_plays
from mien.models.train.self_model.interactions import MOST, find_meetings, with_meetings
from mien.models.train.self_model.observation_noise import LookErrors

_PLENTY = 1.5
_RIDGES = tuple(10.0**k for k in np.arange(-6, 2.1, 0.5))
_TRUST = (1.0, 0.3, 0.1, 0.03)
_PCA_FLOOR = (
    0.05  # smallest weight of a landmark's squared error: the rest of the skin still counts
)


@dataclass(frozen=True)
class FitConfig:
    """How to fit.

    Attributes:
        latents: landmark modes kept.
        hidden: width of the hidden layers.
        steps: Adam steps, each on the whole data set.
        rate: peak learning rate.
        decay: weight decay of the hidden layers.
        sparse: L1 on the first layer: a hidden unit should listen to few actuators, because on a
            face few of them meet. Without it the mixing terms learn the noise.
        rounds: how often the whole is fitted, each time without what all landmarks did together
            beyond the model before: the camera's sway.
        memory: False fits without the play operator (tendon commands go straight in).
        seed: of the initial weights.
    """

    latents: int = 48
    hidden: tuple[int, int] = (32, 32)
    steps: int = 1500
    rate: float = 8e-3
    decay: float = 1e-3
    sparse: float = 5e-3
    rounds: int = 3
    memory: bool = True
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Examples:
    """Commands in the order they happened, and what was seen after some of them.

    Attributes:
        names: (n,) actuators.
        inputs: (m,) those that move skin.
        tendons: (k,) positions in ``inputs`` that are strings.
        commands: (T, n), every waypoint at which some actuator may have turned around.
        seen: (N,) rows of ``commands`` that were watched, and are to be learned from.
        landmarks: (N, 478, 3) mm at those rows.
    """

    names: tuple[str, ...]
    inputs: tuple[int, ...]
    tendons: tuple[int, ...]
    commands: Floats
    seen: NDArray[np.intp]
    landmarks: Floats


def fit(
    examples: Examples,
    config: FitConfig | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> SelfModel:
    """A self-model of ``examples``; the same examples and seed give the same model.

    Raises:
        ModelError: too few poses, wrong shapes, NaN landmarks or commands.
    """
    c = config or FitConfig()
    _check(examples)
    began = time.process_time()
    model = _fitted(examples, c, partial(_round, progress, 0, c.rounds))
    for k in range(1, c.rounds):
        sway = (examples.landmarks - model.sequence(examples.commands)[examples.seen]).mean(1)
        examples = replace(examples, landmarks=examples.landmarks - sway[:, None])
        model = _fitted(examples, c, partial(_round, progress, k, c.rounds))
    return replace(model, meta=model.meta | {"fit_cpu_s": round(time.process_time() - began, 2)})


def _round(progress: Callable[[int, int], None], k: int, rounds: int, done: int, of: int) -> None:
    progress(k * of + done, rounds * of)


def _fitted(examples: Examples, c: FitConfig, progress: Callable[[int, int], None]) -> SelfModel:
    """A model of examples as they are."""
    torch.manual_seed(c.seed)
    mean, decoder, latents = _modes(examples.landmarks, c.latents)
    tendons = examples.tendons if c.memory else ()
    m = len(examples.inputs)
    x = np.array(examples.commands[:, list(examples.inputs)], dtype=np.float64)
    play, told = _plays(x, examples, tendons)
    if tendons:
        x[:, list(tendons)] = play.scan(x[:, list(tendons)])
    net = SelfModelNet(NetConfig(m, decoder.shape[0], c.hidden))
    at = x[examples.seen]
    loss = _train(net, at, latents, c, progress)
    model = SelfModel(
        names=examples.names,
        inputs=np.array(examples.inputs, dtype=np.intp),
        tendons=np.array(tendons, dtype=np.intp),
        play=play,
        w1=_wide(net.first.weight),
        b1=_wide(net.first.bias),
        w2=_wide(net.second.weight),
        b2=_wide(net.second.bias),
        out=_wide(net.out.weight.T),
        mean=mean,
        decoder=decoder,
        doubt=np.zeros((POWERS * m + c.hidden[1] + 1,) * 2),
        noise=np.zeros(decoder.shape[0]),
        neck=np.zeros((0, 6)),
    )
    phi = model.features(at)
    # What the fit leaves tells the camera's noise, if there are more poses than features.
    if len(phi) >= _PLENTY * (phi.shape[1] + MOST):
        model = _cleaned(model, at, examples.landmarks, c.latents)
    else:
        model = _last_layer(model, phi, latents)
    meta = {
        "seed": c.seed,
        "poses": len(examples.seen),
        "loss": loss,
        "plays_told": round(told, 1),
    }
    return replace(model, meta=meta)


def _plays(x: Floats, examples: Examples, tendons: tuple[int, ...]) -> tuple[Play, float]:
    """The strings' plays, from commands x (T, m), and how clearly the looks tell them."""
    if not tendons:
        return Play(np.zeros(0), np.zeros(0)), 0.0
    others = np.delete(x, tendons, axis=1)[examples.seen]
    return find_plays(x[:, list(tendons)], others, examples.seen, examples.landmarks)


def _modes(landmarks: Floats, wanted: int) -> tuple[Floats, Floats, Floats]:
    """(mean (478, 3), decoder (K, 1434), latents (N, K)); lips and lids weigh more."""
    mean = landmarks.mean(0)
    root = _roots()
    centred = (landmarks - mean).reshape(len(landmarks), -1) * root
    _, spread, modes = np.linalg.svd(centred, full_matrices=False)
    k = min(wanted, MAX_LATENTS, int((spread > 1e-9 * spread[0]).sum()))
    return mean, modes[:k] / root, centred @ modes[:k].T


def _train(
    net: SelfModelNet,
    inputs: Floats,
    latents: Floats,
    c: FitConfig,
    progress: Callable[[int, int], None],
) -> list[float]:
    """Adam on the whole set under one cosine; returns about a hundred losses, in mm^2."""
    spread = latents.std(0) + 1e-6
    x = torch.from_numpy(inputs).float()
    target = torch.from_numpy(latents / spread).float()
    # Between plain mm (small modes never learned) and whitened (noise modes count like the jaw).
    weight = torch.from_numpy(spread / spread.sum()).float()
    hidden = [net.first.weight, net.second.weight]
    rest = [net.first.bias, net.second.bias, net.out.weight]
    torch.nn.init.zeros_(net.out.weight)
    optimiser = torch.optim.AdamW(
        [
            {"params": hidden, "weight_decay": c.decay / c.rate},
            {"params": rest, "weight_decay": 0.0},
        ],
        lr=c.rate,
        betas=(0.9, 0.99),
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, c.rate, c.steps, pct_start=0.1)
    kept = []
    for step in range(c.steps):
        optimiser.zero_grad()
        error = net(x) - target
        loss = (error.square().mean(0) * weight).sum()
        simple = c.sparse * net.first.weight.abs().sum()
        (loss + simple).backward()
        optimiser.step()
        schedule.step()
        if step % max(1, c.steps // 100) == 0:
            kept.append(float(loss.detach()))
            progress(step, c.steps)
    with torch.no_grad():
        net.out.weight.mul_(torch.from_numpy(spread).float()[:, None])
    return kept


def _last_layer(model: SelfModel, phi: Floats, latents: Floats) -> SelfModel:
    """Ridge regression of the latents on phi, by generalised cross-validation.

    Each latent has its own strength, so that those that are mostly the camera's noise stay flat.
    One more number for all of them says how much less a bend (squares, cubes, mixing) is believed
    than a slope.
    """
    count, slopes = len(phi), len(model.inputs)
    total = np.square(latents).sum(0)
    strengths = np.array(_RIDGES) * count
    best = np.inf
    for trust in _TRUST:
        scale = np.full(phi.shape[1], trust)
        scale[:slopes] = scale[-1] = 1.0
        scaled = phi * scale
        values, basis = np.linalg.eigh(scaled.T @ scaled)
        values = np.maximum(values, 0.0)
        rotated = basis.T @ (scaled.T @ latents)
        shrink = 1.0 / (values[None, :] + strengths[:, None])  # (ridges, F)
        freedom = (values * shrink).sum(1)
        fitted = 2 * shrink @ rotated**2 - (shrink**2 * values) @ rotated**2
        left = np.maximum(total - fitted, 0.0)  # (ridges, K) squared residual
        score = left / np.square(1 - np.minimum(freedom / count, 0.99))[:, None]
        pick = score.argmin(0)
        at = np.arange(len(pick))
        if score[pick, at].sum() < best:
            best = float(score[pick, at].sum())
            out = scale[:, None] * (basis @ (rotated * shrink[pick].T))
            noise = np.sqrt(left[pick, at] / np.maximum(1.0, count - freedom[pick]))
            # The doubt is that of the latents that move most: they set where poses may go.
            usual = np.sqrt(values + np.average(strengths[pick], weights=total))
            doubt = (basis / usual).T * scale  # eigh sorts upwards: the least known comes first
    return replace(model, out=out, doubt=doubt, noise=noise)


def _cleaned(model: SelfModel, x: Floats, landmarks: Floats, wanted: int) -> SelfModel:
    """The model with units for levers that meet in looks (N, 478, 3) at inputs x (N, m), clean
    fields behind its features, and modes of their motion."""
    levers, units = len(model.inputs), len(model.b2)
    pairs = find_meetings(x, model.features(x), landmarks)
    model = with_meetings(model, pairs)
    phi = model.features(x)
    families = [range(lever, POWERS * levers, levers) for lever in range(levers)]
    first = POWERS * levers + units
    kin = {first + k: pair for k, pair in enumerate(pairs)}
    errors = LookErrors.beyond(phi, landmarks)
    fields, left = clean_fields(phi, landmarks, errors, families, kin)
    mean, decoder, latents = _modes(landmarks - left, wanted)
    model = _last_layer(replace(model, mean=mean, decoder=decoder), phi, latents)
    root = _roots()
    to_modes = (decoder * root**2).T  # landmarks -> latents
    out = fields.reshape(len(fields), -1) @ to_modes
    out[-1] -= mean.reshape(-1) @ to_modes
    freedom = max(1, len(phi) - phi.shape[1])
    noise = np.sqrt(np.square(left.reshape(len(phi), -1) @ to_modes).sum(0) / freedom)
    return replace(model, out=out, noise=noise)


def _roots() -> Floats:
    """(1434,) root of the weight of each coordinate in the modes."""
    return np.sqrt(np.maximum(landmark_weights(), _PCA_FLOOR)).repeat(3)


def _wide(parameter: torch.Tensor) -> Floats:
    return np.asarray(parameter.detach().numpy(), dtype=np.float64)


def _check(e: Examples) -> None:
    n, count = len(e.names), len(e.seen)
    if e.commands.ndim != 2 or e.commands.shape[1] != n:
        raise ModelError(f"commands have shape {e.commands.shape}, wanted (T, {n})")
    if e.landmarks.shape != (count, COUNT, 3):
        raise ModelError(f"landmarks have shape {e.landmarks.shape}, wanted ({count}, {COUNT}, 3)")
    if count < 2 * len(e.inputs):
        raise ModelError(
            f"{count} poses are too few for {len(e.inputs)} actuators; "
            f"collect at least {2 * len(e.inputs)}",
            "mien calibrate collect",
        )
    if not np.isfinite(e.commands).all() or not np.isfinite(e.landmarks).all():
        raise ModelError("commands or landmarks hold NaN or infinity")
