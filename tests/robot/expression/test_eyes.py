import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.robot.expression.eyes import EYE_RANGE_DEG, LOOKS, directions, look


def test_weights_of_a_direction_give_it_back() -> None:
    yaw, pitch = np.array([5.0, -20.0, 0.0]), np.array([3.0, 0.0, -9.0])
    weights = np.zeros((3, len(INDEX)))
    weights[:, LOOKS] = look(yaw, pitch)
    for got, asked in zip(directions(weights), (yaw, pitch), strict=True):
        np.testing.assert_allclose(got, asked, atol=1e-6)
    assert weights[0, INDEX["eyeLookOutLeft"]] == pytest.approx(5.0 / EYE_RANGE_DEG[0])
    assert weights[0, INDEX["eyeLookInRight"]] == pytest.approx(5.0 / EYE_RANGE_DEG[0])
    assert weights[2, INDEX["eyeLookDownLeft"]] == pytest.approx(9.0 / EYE_RANGE_DEG[1])
    assert weights.min() == 0.0
