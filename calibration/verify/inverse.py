"""Shows held-out faces again by every method's commands: who finds them, and by which commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.rig import Stage
from mien.calibration.identify.fit import noise_floor, usable
from mien.calibration.verify import baselines
from mien.calibration.verify.results import Verdict
from mien.models.face.regions import mouth_width
from mien.models.self_model.inverse import Inverse
from mien.models.self_model.model import SelfModel
from mien.models.self_model.objective import ObjectiveWeights
from mien.models.self_model.observation_model import Sight
from mien.models.train.self_model.observation_model import fit_observation_model
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.retarget import limits_of

ASKED = 80
"""Held-out faces that are shown again by every method."""
IDENTIFIABLE = 0.05
"""Share of the range. An actuator counts in ``command_l1`` when an unbiased method could find its
command from one look with no more than this mean error. Targets hold no noise of a look, so that
more could be found than one look shows; ``command_l1_all`` leaves nothing out."""
_MEAN_OF_STD = float(np.sqrt(2.0 / np.pi))  # mean absolute value of a normal error of 1
_STEPS = 15


def check_inverse(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    stage: Stage,
    steady: Callable[[Floats], Floats] = lambda landmarks: landmarks,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verdict:
    """Shows held-out faces again with each method's commands and compares. The stage is started.

    The held-out commands are sent first. What the eyes make of the face that then stands there,
    without the noise of a single look (``Stage.clear``), is the target: reachable, and seen by the
    eyes that the model learned from, with their bias. All methods get the same targets.

    ``inverse_*``, ``vs_*``: mean distance of the landmarks, in % of the mouth width, between the
    face that a method's commands make and the one that was asked for; on the true landmarks where
    the stage knows them (a rig), else as the camera sees them (``inverse_seen_*``, always given:
    they hold a look's noise). ``noisy_*`` are the same measures on true landmarks, but the target
    was the single noisy look that collecting had of that pose.

    ``command_l1``: mean distance of the commands as a share of their range, over the actuators
    that are identifiable (see ``identifiable``; ``identifiable_actuators`` says how many), and
    ``command_l1_all`` over all that move skin. ``command_l1_told``, with a sight: without
    the ``untold_actuators``, which are not identifiable where errors of landmarks go together. For
    strings all but the second compare pulls, which are what a face shows: commands inside a
    string's play or slack make the same face. The second compares commands.

    Eyes with errors of their own that the self-model cannot know have a sight
    (``mien.models.self_model.observation_model.Sight``), by which our commands are then found;
    ``regions_*`` are the same
    without, by the weights per region that a running face uses. ``wide_ridge_*``: ridge that is
    given as many modes of a look as a sight has.
    """
    at = np.flatnonzero(data.held)[:ASKED]
    looked, wanted = data.landmarks[at], data.commands[at]
    learn = usable(data)
    u, seen = data.commands[learn], data.landmarks[learn]
    low, high = face.limits.T
    arrays: dict[str, Floats] = {}
    sight = sight_of(data, model)
    plays = 9 if sight is None else 10
    done = 0

    def play(name: str, commands: Callable[[int], Floats]) -> None:
        nonlocal done
        stage.go(face.safe)
        sent, shown, true = np.empty_like(wanted), np.empty_like(looked), np.empty_like(looked)
        for k in range(len(at)):
            sent[k] = stage.go(np.clip(commands(k), low, high))
            shown[k] = steady(stage.look().landmarks)
            known = stage.truth()
            true[k] = np.nan if known is None else known
            if name == "asked":
                clear[k] = stage.clear()
            done += 1
            progress(done, plays * len(at))
        arrays.update({f"{name}_sent": sent, f"{name}_shown": shown, f"{name}_true": true})

    clear = np.empty_like(looked)
    play("asked", wanted.__getitem__)
    arrays |= {"targets": clear, "looked": looked}
    ridge, nearest = baselines.ridge(u, seen), baselines.nearest(u, seen)
    regions = _inverse(face, data, model, clear=True)
    if sight is None:
        play("self_model", lambda k: regions.solve(clear[k]).commands)
    else:
        ours = _by_sight(face, model, sight)
        play("self_model", lambda k: ours(clear[k]))
        play("regions", lambda k: regions.solve(clear[k]).commands)
    play("ridge", ridge(clear).__getitem__)
    play("nearest", nearest(clear).__getitem__)
    play("direct", baselines.direct(u, seen)(clear).__getitem__)
    play("wide_ridge", baselines.ridge(u, seen, baselines.WIDE)(clear).__getitem__)
    if sight is None:
        noisy = _inverse(face, data, model, clear=False)
        play("noisy_self_model", lambda k: noisy.solve(looked[k]).commands)
    else:
        again = _by_sight(face, model, sight)
        play("noisy_self_model", lambda k: again(looked[k]))
    play("noisy_ridge", ridge(looked).__getitem__)
    play("noisy_nearest", nearest(looked).__getitem__)
    return Verdict(_compared(face, data, model, arrays, sight), arrays)


def sight_of(data: Dataset, model: SelfModel) -> Sight | None:
    """What the looks of a data set tell beyond its self-model, if they do."""
    commands = data.commands.copy()
    if len(model.tendons):
        strings = model.inputs[model.tendons]
        commands[:, strings] = model.play.scan(commands[:, strings])
    learn = usable(data)
    phi = model.features(commands[learn][:, model.inputs])
    return fit_observation_model(
        phi, commands[learn], data.landmarks[learn], data.landmarks[data.of("neutral")]
    )


def _by_sight(face: FaceConfig, model: SelfModel, sight: Sight) -> Callable[[Floats], Floats]:
    """Look (478, 3) -> commands (n,); what the model has no input for is as the sight says."""
    inverse = Inverse(model, limits_of(face), steps=_STEPS, sight=sight)
    return lambda look: inverse.solve(look, others=sight.guess(look[None])[0]).commands


def _inverse(face: FaceConfig, data: Dataset, model: SelfModel, clear: bool) -> Inverse:
    """The inverse for held-out babble: symmetry says nothing of it.

    How far an input is believed to be from rest is what is not known of the target over what the
    babbling did (both squared): the camera's noise for a look, the model's own doubt without it.
    """
    learn = usable(data)
    x = data.commands[learn][:, model.inputs]
    doubted = noise_floor(data) ** 2 / 3 / float(x.var())
    if clear:
        doubted *= float(
            model.predictive_variance(model.network_inputs(data.commands[learn])).mean()
        )
    wishes = ObjectiveWeights(
        mirror=0.0, neutral=doubted if np.isfinite(doubted) else ObjectiveWeights().neutral
    )
    return Inverse(model, limits_of(face), wishes, steps=_STEPS)


def identifiable(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    commands: Floats,
    sight: Sight | None = None,
) -> Floats:
    """(m,) the Cramer-Rao bound of each input, as a share of its range, from one look.

    No unbiased method can find commands from one look with smaller standard deviations than the
    roots of the diagonal of (J' N^-1 J)^-1: J (1434, m) the model's Jacobian at the held-out
    ``commands`` (P, n), N the covariance of what the model leaves unexplained in the looks that it
    learned from, which is the camera's noise and, where that is worse, the model's own error.
    Without a sight N is a variance for each coordinate, as if errors were independent; with one it
    is the whole covariance, of looks left out. RMS over the poses. For strings the input is the
    pull. Nothing of what inversion later finds enters here.
    """
    learn = usable(data)
    left = (model.sequence(data.commands)[learn] - data.landmarks[learn]).std(0).reshape(-1)
    x = np.array(commands[:, model.inputs])
    if len(model.tendons):
        x[:, model.tendons] = model.play.scan(x[:, model.tendons])
    seen = model.decoder / left
    gram = seen @ seen.T
    if sight is not None:
        model = replace(model, out=sight.columns()[1])
        gram = np.eye(model.out.shape[1])
    variance = np.zeros(len(model.inputs))
    for j in model.latent_jacobian(x):
        variance += np.diag(np.linalg.pinv(j @ gram @ j.T)) / len(x)
    span = np.ptp(face.limits, axis=1)[model.inputs]
    return np.asarray(np.sqrt(variance) / span)


def _compared(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    arrays: dict[str, Floats],
    sight: Sight | None,
) -> dict[str, Any]:
    """The metrics of ``check_inverse``."""
    width = mouth_width(model.landmarks(np.zeros(model.n)))
    asked, asked_true = arrays["asked_sent"], arrays["asked_true"]
    bound = identifiable(face, data, model, asked)
    counts = _MEAN_OF_STD * bound <= IDENTIFIABLE
    arrays["cramer_rao"] = bound
    metrics: dict[str, Any] = {
        "inverse_asked": len(asked),
        "mouth_width_mm": width,
        "identifiable_actuators": int(counts.sum()),
        "unidentifiable_actuators": int((~counts).sum()),
        "not_identifiable": ", ".join(
            face.names[i] for i, sure in zip(model.inputs, counts, strict=True) if not sure
        ),
    }
    names = [k.removesuffix("_sent") for k in arrays if k.endswith("_sent") and k != "asked_sent"]
    for name in names:
        noisy = name.startswith("noisy_")
        method = name.removeprefix("noisy_")
        to = arrays["looked" if noisy else "targets"]
        seen_pct = _percent(arrays[f"{name}_shown"] - to, width)
        true_pct = _percent(arrays[f"{name}_true"] - asked_true, width)
        best = true_pct if len(true_pct) else seen_pct
        prefix = ("noisy_" if noisy else "") + ("" if method == "self_model" else f"{method}_")
        metrics[f"{prefix}inverse_mean_pct"] = float(best.mean())
        metrics[f"{prefix}inverse_p95_pct"] = float(np.percentile(best, 95))
        metrics[f"{prefix}inverse_seen_mean_pct"] = float(seen_pct.mean())
        felt, raw = _distance(face, model, arrays[f"{name}_sent"], asked)
        metrics[f"{prefix}command_l1"] = float(felt[:, counts].mean())
        metrics[f"{prefix}command_l1_all"] = float(raw.mean())
        arrays[f"{name}_pct"] = best
        if name == "self_model":
            arrays["self_model_l1"] = felt.mean(0)
    if sight is not None:
        told = _MEAN_OF_STD * identifiable(face, data, model, asked, sight) <= IDENTIFIABLE
        metrics["sight_noise"] = sight.noise
        metrics["untold_actuators"] = int((~told).sum())
        if told.any():
            metrics["command_l1_told"] = float(arrays["self_model_l1"][told].mean())
    for other in ("ridge", "nearest", "direct", "wide_ridge"):
        metrics[f"vs_{other}"] = metrics["inverse_mean_pct"] / metrics[f"{other}_inverse_mean_pct"]
    for other in ("ridge", "nearest"):
        metrics[f"noisy_vs_{other}"] = (
            metrics["noisy_inverse_mean_pct"] / metrics[f"noisy_{other}_inverse_mean_pct"]
        )
    return metrics


def _distance(
    face: FaceConfig, model: SelfModel, sent: Floats, asked: Floats
) -> tuple[Floats, Floats]:
    """(P, m) shares of the range between two runs of commands (P, n): strings by pull, and raw."""
    span = np.ptp(face.limits, axis=1)[model.inputs]
    raw = np.abs(sent - asked)[:, model.inputs] / span
    felt = raw.copy()
    if len(model.tendons):
        strings = model.inputs[model.tendons]
        pulls = [model.play.scan(run[:, strings]) for run in (sent, asked)]
        felt[:, model.tendons] = np.abs(pulls[0] - pulls[1]) / span[model.tendons]
    return felt, raw


def _percent(off: Floats, width: float) -> Floats:
    """(P,) mean landmark distance of (T, 478, 3) in % of the mouth width, where all is known."""
    share = np.linalg.norm(off, axis=-1).mean(1) / width * 100
    return np.asarray(share[np.isfinite(share)])
