"""With few poses a fit has fewer features, and stays ahead of a linear ridge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.calibration.verify.baselines import Inversion, ridge_forward
from mien.models.self_model import model as self_model
from mien.models.self_model.inverse import Inverse, Limits
from mien.models.train.self_model.fit import fit
from mien.models.train.self_model.fit_config import FitConfig
from tests.models.analytic_face import AnalyticFace

CONFIG = FitConfig(steps=60, rounds=2)
NOISE_MM = 0.5


def error(model: Inversion, face: AnalyticFace) -> float:
    """RMS distance (mm) of predicted landmarks from true ones, without the mean of all poses."""
    commands = face.random(60, seed=9)
    off = model(commands) - face.see(face.network_inputs(commands))
    off -= off.mean(0)
    return float(np.sqrt(np.square(off).sum(-1).mean()))


@pytest.mark.parametrize(("poses", "powers", "units"), [(24, 1, 0), (45, 1, 0), (140, 3, 0)])
def test_a_fit_to_few_poses_has_few_features_and_beats_a_ridge(
    poses: int, powers: int, units: int
) -> None:
    face = AnalyticFace()
    examples = face.examples(poses, noise=NOISE_MM)
    model = fit(examples, CONFIG)
    inputs = len(model.inputs)
    used = np.abs(model.out[:-1]).sum(1).reshape(-1, inputs) > 0.0
    assert len(model.b2) == units
    assert used.all(1).sum() == powers
    ridge = ridge_forward(examples.commands[examples.observed], examples.landmarks)
    assert error(model.sequence, face) < 0.9 * error(ridge, face)


def test_a_model_without_hidden_units_is_kept_and_inverted(tmp_path: Path) -> None:
    face = AnalyticFace()
    model = fit(face.examples(60, noise=0.05), CONFIG)
    self_model.save(tmp_path / "model.safetensors", model)
    kept = self_model.read(tmp_path / "model.safetensors")
    commands = 0.5 * face.random(5, seed=4)
    commands[:, -1] = 0.0  # the neck moves no landmark
    assert np.abs(kept.landmarks(commands) - model.landmarks(commands)).max() < 0.01
    wanted = kept.landmarks(commands)
    inverse = Inverse(kept, Limits.plain(face.limits), steps=30)
    off = np.linalg.norm(kept.landmarks(inverse.solve_each(wanted)) - wanted, axis=-1).mean()
    moved = np.linalg.norm(wanted - kept.landmarks(np.zeros(kept.n)), axis=-1).mean()
    assert off < 0.15 * moved
