"""Every part of the fit can be left out by name, and changes the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.models.errors import ModelError
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit import fit
from mien.models.train.self_model.fit_config import PARTS, FitConfig
from tests.models.analytic_face import AnalyticFace

CONFIG = FitConfig(latents=8, hidden=(8, 8), steps=60, rounds=2)


@pytest.fixture(scope="module")
def face() -> AnalyticFace:
    return AnalyticFace()


@pytest.fixture(scope="module")
def whole(face: AnalyticFace) -> SelfModel:
    return fit(face.examples(), CONFIG)


@pytest.mark.parametrize("part", PARTS)
def test_a_fit_without_a_part_is_another_and_whole_model(
    face: AnalyticFace, whole: SelfModel, part: str
) -> None:
    without = fit(face.examples(), replace(CONFIG, without=frozenset({part})))
    commands = face.random(50, seed=9)
    wanted = face.see(face.network_inputs(commands))
    one, two = (float(np.square(m.sequence(commands) - wanted).mean()) for m in (whole, without))
    assert one != pytest.approx(two, rel=1e-9)
    assert two < np.square(wanted - wanted.mean(0)).mean()  # it still knows the face


def test_without_hysteresis_there_are_no_tendons_and_without_training_no_loss(
    face: AnalyticFace, whole: SelfModel
) -> None:
    config = replace(CONFIG, without=frozenset({"hysteresis", "hidden_layers"}))
    bare = fit(face.examples(), config)
    assert len(whole.tendons)
    assert not len(bare.tendons)
    assert whole.meta["loss"]
    assert bare.meta["loss"] == []


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="no part nose; it has hysteresis, hidden_layers"):
        FitConfig(without=frozenset({"nose"}))
