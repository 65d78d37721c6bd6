import numpy as np
import pytest

from mien.models.face.action_units import UNITS, Action, to_arkit
from mien.models.face.blendshapes import ARKIT, INDEX
from tests.paths import ROOT


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


def test_the_documentation_lists_every_unit_as_it_is() -> None:
    page = (ROOT / ".docs" / "how" / "expression.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:4]]
        for line in page.splitlines()
        if line.startswith("| ") and line.split("|")[1].strip().isdigit()
    ]
    told = {int(number): (name, _shapes(cell)) for number, name, cell in rows}
    assert told == {u.number: (u.name, u.shapes) for u in UNITS.values()}


def _shapes(cell: str) -> dict[str, float]:
    """A cell of the table -> its shapes with their weights."""
    found = [part.strip().strip("`").split("` ") for part in cell.split(",")]
    return {name: float(weight[0]) if weight else 1.0 for name, *weight in found}
