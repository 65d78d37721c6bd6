"""The self-models that ship went through every rig: they know their lag and their numbers."""

from __future__ import annotations

import pytest

from mien.models.self_model import model as self_model
from mien.robot.face.config import load_face


@pytest.mark.parametrize("name", ["morpheus33", "hobby9"])
def test_a_model_that_ships_was_verified(name: str) -> None:
    face = load_face(name)
    meta = self_model.load(self_model.shipped(name), face.name, face.hashes).meta
    assert 0.005 < meta["lag_s"] < 0.2  # without it lips come late, silently
    assert meta["metrics"]["inverse_mean_pct"] <= 1.5
    assert meta["metrics"]["vs_ridge"] <= 0.7
