import numpy as np
import pytest

from mien.models.face.action_units import UNITS, Action, to_arkit
from mien.models.face.blendshapes import ARKIT, INDEX


def test_every_shape_of_every_unit_is_one_of_arkits() -> None:
    for unit in UNITS.values():
        for shape in unit.shapes:
            assert shape in INDEX or {shape + "Left", shape + "Right"} <= set(INDEX), unit


def test_a_side_moves_that_side_only() -> None:
    right = to_arkit(Action(12, 0.8, "right"))
    assert right[INDEX["mouthSmileRight"]] == pytest.approx(0.8)
    assert right[INDEX["mouthSmileLeft"]] == 0
    assert np.count_nonzero(right) == 1


def test_units_that_share_a_shape_never_leave_the_range() -> None:
    out = to_arkit(*(Action(u, 1.0) for u in UNITS))
    assert out.min() >= 0
    assert out.max() <= 1
    assert to_arkit(Action(4, 0.5), Action(9, 1.0))[INDEX["browDownLeft"]] > 0.5


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(KeyError):
        to_arkit(Action(99, 1.0))
    assert to_arkit().shape == (len(ARKIT),)
