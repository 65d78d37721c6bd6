"""What the strings' memory is worth: errors in their zones with it over those without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.rig import Stage
from mien.calibration.identify.fit import examples, usable
from mien.calibration.plan.excitation import strings_of
from mien.calibration.verify.results import rmse
from mien.models.face.regions import REGIONS
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.config import FitConfig
from mien.models.train.self_model.fit import fit
from mien.robot.face.config import FaceConfig, Floats

MEMORY_POSES = 60
ZONE = list(REGIONS["nose"] + REGIONS["cheeks"])
"""Landmarks where strings pull."""


def predict_held(model: SelfModel, data: Dataset) -> Floats:
    """(H, 478, 3) predictions of the held-out poses, with the memory of all that came before."""
    return model.sequence(data.commands)[data.held]


def fit_blind(
    face: FaceConfig, data: Dataset, model: SelfModel, config: FitConfig | None = None
) -> SelfModel:
    """The same fit without memory."""
    inputs = tuple(int(i) for i in model.inputs)
    config = config or FitConfig(seed=int(model.meta.get("seed", 0)))
    return fit(examples(face, data, usable(data), inputs), replace(config, memory=False))


def memory_gain(data: Dataset, model: SelfModel, blind: SelfModel) -> float:
    """Error in the strings' zones with memory over that without, of looks at held-out poses."""
    held = data.landmarks[data.held][:, ZONE]
    return rmse(predict_held(model, data)[:, ZONE], held) / rmse(
        predict_held(blind, data)[:, ZONE], held
    )


def string_walk(face: FaceConfig, count: int, seed: int) -> Floats:
    """(count, n) random pulls of all strings, the rest at neutral."""
    strings = strings_of(face)
    pulls = np.random.default_rng([seed, 2]).uniform(size=(count, len(strings)))
    return np.where(strings, pulls * face.limits[:, 1], 0.0)


def check_memory(
    face: FaceConfig, model: SelfModel, blind: SelfModel, stage: Stage, seed: int = 0
) -> dict[str, float]:
    """Random sequences of the strings, never learned from: errors in their zones. Stage started.

    ``memory_gain`` is the error with memory over that of the same fit without, on the true
    landmarks where they are known; ``memory_gain_clear`` is that of what the eyes see without a
    look's noise (``Stage.clear``), which is all that a model of these eyes can know. What is off by
    the same in all poses (the camera's bias) is taken off both.
    """
    if not len(model.tendons):
        return {}
    stage.go(face.safe)
    sent, clear, true = [], [], []
    for goal in string_walk(face, MEMORY_POSES, seed + 611953):
        sent.append(stage.go(goal))
        stage.look()  # once it is still
        clear.append(stage.clear())
        if (known := stage.truth()) is not None:
            true.append(known)
    run, seen = np.array(sent), np.array(clear)
    at = np.array(true) if true else seen

    def error(with_: SelfModel, there: Floats) -> float:
        off = (with_.sequence(run) - there)[np.isfinite(there).all((1, 2))][:, ZONE]
        return rmse(off - off.mean(0), np.zeros_like(off))

    remembers, forgets = error(model, at), error(blind, at)
    motion = at[np.isfinite(at).all((1, 2))][:, ZONE]
    return {
        "memory_gain": remembers / forgets,
        "memory_gain_clear": error(model, seen) / error(blind, seen),
        "memory_mm": remembers,
        "memory_blind_mm": forgets,
        "memory_motion_mm": rmse(motion - motion.mean(0), np.zeros_like(motion)),
    }
