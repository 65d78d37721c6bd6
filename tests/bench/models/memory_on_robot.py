"""A style on the rig: after inverse, servos and skin, what is left of its amplitudes and times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.models.data.planted_styles import factors
from mien.models.data.style_voices import viseme_of
from mien.models.face.blendshapes import lip_opening
from mien.models.face.curves import CURVES
from mien.models.speech.metrics import pearson
from mien.models.style.channels import with_channels
from mien.models.style.memory import Floats, Parameters
from mien.models.style.visemes import VISEMES
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from tests.bench.models.memory_trials import Trial
from tests.bench.robot.manner_rig import RigReader


def on_robot(
    trial: Trial, p: Parameters, chosen: NDArray[np.bool_], each: int = 1
) -> dict[str, float]:
    """Correlations after the servos, on the face morpheus33.

    Args:
        trial: voices.
        p: network.
        chosen: (M,) sentences.
        each: sentences of each voice that are played, once in its style and once without.

    Returns:
        ``amplitude``: of the planted amplitudes with those read back, against the same sentence
        without a style, less the mean of each class. ``timing``: of the opening read back in a
        style with that without.
    """
    reader = RigReader(Calibrated(load_face("morpheus33")))
    found, planted, timing = [], [], []
    count = dict.fromkeys(range(len(trial.styles)), 0)
    for heard, spoken in trial.pairs(chosen):
        voice = int(trial.voices.voice[spoken])
        if count[voice] >= each:
            continue
        count[voice] += 1
        at = trial.voices.frames(spoken)
        classes = viseme_of(trial.voices.labels[at])
        own = _opening(reader, trial.voices.channels[at].astype(np.float64))
        styled = _opening(reader, trial.mouth(p, heard, spoken))
        row = np.full(len(VISEMES), np.nan)
        for c in range(len(VISEMES)):
            of = classes == c
            if of.sum() >= 6 and own[of] @ own[of] > 1e-4:
                row[c] = np.log(max(styled[of] @ own[of] / (own[of] @ own[of]), 1e-3))
        found.append(row)
        planted.append(factors(trial.styles[voice]))
        timing.append(pearson(own, styled))
    x, y = np.array(found), np.array(planted)
    known = np.isfinite(x)
    for c in range(len(VISEMES)):
        x[:, c] -= x[known[:, c], c].mean()
        y[:, c] -= y[known[:, c], c].mean()
    return {"amplitude": pearson(x[known], y[known]), "timing": float(np.mean(timing))}


def _opening(reader: RigReader, channels: Floats) -> Floats:
    """Lip opening (T,) that the rig shows of channels (T, 11)."""
    curves = np.zeros((len(channels), len(CURVES)))
    shapes = with_channels(np.zeros((len(channels), 52), np.float32), channels)
    curves[:, : shapes.shape[1]] = shapes
    return lip_opening(reader.read(reader.play(curves)))
