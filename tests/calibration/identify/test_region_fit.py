"""One region is fitted again; the rest of the model keeps every bit."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from mien.calibration.identify.region_fit import refit_region, region_inputs
from mien.calibration.identify.wiring import reference_model
from mien.calibration.plan.excitation import mixtures
from mien.models.self_model.model import POWERS, SelfModel
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, load_face


@pytest.fixture(scope="module")
def known() -> tuple[FaceConfig, SelfModel]:
    face = load_face("hobby9")
    model = reference_model(face)
    assert model is not None
    return face, model


def _changed(model: SelfModel, inputs: np.ndarray, gain: float) -> SelfModel:
    """A face whose region moves by another gain."""
    out = model.out.copy()
    for power in range(POWERS):
        out[power * len(model.inputs) + inputs] *= gain
    return replace(model, out=out)


def _poses(face: FaceConfig, model: SelfModel, inputs: np.ndarray, count: int) -> np.ndarray:
    moving = np.zeros(len(face.names), dtype=bool)
    moving[model.inputs[inputs]] = True
    return np.where(moving, mixtures(face, count, 3), 0.0)


@pytest.mark.parametrize("region", ["eyes", "mouth"])
def test_a_region_that_moves_otherwise_is_learned_and_nothing_else(
    known: tuple[FaceConfig, SelfModel], region: str
) -> None:
    face, model = known
    inputs = region_inputs(face, model, region)
    true = _changed(model, inputs, 0.7)
    sent = _poses(face, model, inputs, 60)
    rng = np.random.default_rng(0)
    seen = true.sequence(sent) + 0.1 * rng.standard_normal((60, 478, 3)) + 0.4
    found = refit_region(face, model, region, sent, seen)
    assert found.better
    assert {face.actuators[n].region for n in found.actuators} == {region}
    test = mixtures(face, 50, 9)
    off, before = (m.sequence(test) - true.sequence(test) for m in (found.model, model))
    assert np.square(off).mean() < 0.1 * np.square(before).mean()
    rows = ((np.arange(POWERS) * len(model.inputs))[:, None] + inputs).ravel()
    kept = np.setdiff1d(np.arange(len(model.out)), rows)
    assert (found.model.out[kept] == model.out[kept]).all()
    for item in fields(model):
        if item.name != "out":
            assert getattr(found.model, item.name) is getattr(model, item.name)


def test_a_region_as_it_was_is_not_made_worse(known: tuple[FaceConfig, SelfModel]) -> None:
    face, model = known
    inputs = region_inputs(face, model, "eyes")
    sent = _poses(face, model, inputs, 60)
    noise = 0.3 * np.random.default_rng(1).standard_normal((60, 478, 3))
    found = refit_region(face, model, "eyes", sent, model.sequence(sent) + noise)
    test = mixtures(face, 50, 9)
    off = found.model.sequence(test) - model.sequence(test)
    assert np.sqrt(3 * np.square(off).mean()) < 0.1


def test_unknown_regions_and_too_few_poses_are_refused(
    known: tuple[FaceConfig, SelfModel],
) -> None:
    face, model = known
    with pytest.raises(InputError, match="no region 'lips'"):
        region_inputs(face, model, "lips")
    with pytest.raises(InputError, match="no actuator of the region 'neck'"):
        region_inputs(face, model, "neck")
    sent = np.zeros((6, len(face.names)))
    with pytest.raises(InputError, match="at least"):
        refit_region(face, model, "eyes", sent, np.zeros((6, 478, 3)))
