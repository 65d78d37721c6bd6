"""The hysteresis check: error where tendons pull, with play operators over without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify.face_fit import examples, usable
from mien.calibration.verify.results import rmse
from mien.models.face.regions import REGIONS
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit import fit
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import FaceConfig, Floats

TENDON_POSES = 60
ZONE = list(REGIONS["nose"] + REGIONS["cheeks"])
"""Landmarks where tendons pull."""


def predict_held(model: SelfModel, data: Dataset) -> Floats:
    """Predictions (H, 478, 3) mm of the held-out poses, after all commands before them."""
    return model.sequence(data.commands)[data.held_out]


def fit_without_hysteresis(
    face: FaceConfig, data: Dataset, model: SelfModel, config: FitConfig | None = None
) -> SelfModel:
    """The same fit without play operators."""
    inputs = tuple(int(i) for i in model.inputs)
    config = config or FitConfig(seed=int(model.meta.get("seed", 0)))
    plain = replace(config, without=config.without | {"hysteresis"})
    return fit(examples(face, data, usable(data), inputs), plain)


def memory_gain(data: Dataset, model: SelfModel, without_play: SelfModel) -> float:
    """Error on held-out observations where tendons pull, with play operators over without."""
    held = data.landmarks[data.held_out][:, ZONE]
    return rmse(predict_held(model, data)[:, ZONE], held) / rmse(
        predict_held(without_play, data)[:, ZONE], held
    )


def random_tendon_sequence(face: FaceConfig, count: int, seed: int) -> Floats:
    """Commands (count, n): random pulls of all tendons, the rest at neutral."""
    tendons = face.has_hysteresis
    pulls = np.random.default_rng([seed, 2]).uniform(size=(count, len(tendons)))
    return np.where(tendons, pulls * face.limits[:, 1], 0.0)


def check_hysteresis(
    face: FaceConfig, model: SelfModel, without_play: SelfModel, rig: CaptureRig, seed: int = 0
) -> dict[str, float]:
    """Play a random tendon sequence on a started rig and compare both models with it.

    An error that is equal in all poses is the camera's bias, and is subtracted.

    Returns:
        ``memory_gain``: error with play operators over without, against the true landmarks where
            they are known;
        ``memory_gain_clear``: the same against the camera's noiseless landmarks, the best that a
            model of this camera can reach;
        ``memory_mm``, ``memory_blind_mm``: RMS error (mm) with and without play operators;
        ``memory_motion_mm``: RMS motion (mm).
        Empty for a face without tendons.
    """
    if not len(model.tendons):
        return {}
    rig.move_to(face.safe)
    sent, noiseless, true = [], [], []
    for goal in random_tendon_sequence(face, TENDON_POSES, seed + 611953):
        sent.append(rig.move_to(goal))
        rig.observe()  # it waits until the face is still
        noiseless.append(rig.noiseless_landmarks())
        if (known := rig.true_landmarks()) is not None:
            true.append(known)
    run, seen = np.array(sent), np.array(noiseless)
    at = np.array(true) if true else seen

    def error(of: SelfModel, reference: Floats) -> float:
        off = (of.sequence(run) - reference)[np.isfinite(reference).all((1, 2))][:, ZONE]
        return rmse(off - off.mean(0), np.zeros_like(off))

    with_play, without = error(model, at), error(without_play, at)
    motion = at[np.isfinite(at).all((1, 2))][:, ZONE]
    return {
        "memory_gain": with_play / without,
        "memory_gain_clear": error(model, seen) / error(without_play, seen),
        "memory_mm": with_play,
        "memory_blind_mm": without,
        "memory_motion_mm": rmse(motion - motion.mean(0), np.zeros_like(motion)),
    }
