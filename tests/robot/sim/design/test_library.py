"""Parts of a face: as many servos as asked for, and nothing that a part cannot be."""

from __future__ import annotations

import pytest

from mien.robot.errors import InputError
from mien.robot.sim.design.library import TENDONS, grown, library, most_servos, part_counts


@pytest.mark.parametrize("tendons", ["", "none", "cheeks", "nose", "cheeks,nose"])
def test_a_face_has_exactly_as_many_servos_as_asked_for(tendons: str) -> None:
    barred = {"": 0, "none": 4, "cheeks": 2, "nose": 2, "cheeks,nose": 0}[tendons]
    wanted = [name for name in TENDONS if name in tendons]
    for servos in range(max(1, 2 * len(wanted)), most_servos() - barred + 1):
        chosen = grown(servos, tendons)
        assert sum(chosen.values()) == servos
        if tendons:
            assert [name for name in TENDONS if name in chosen] == wanted


def test_few_servos_go_to_what_speaks_and_looks() -> None:
    assert grown(1) == {"jaw": 1}
    assert grown(6) == {"jaw": 1, "lids": 1, "eyes": 1, "brows": 1, "corners": 2}
    assert grown(14)["cheeks"] == 2
    assert sum(grown(21).values()) > 16  # two servo boards


def test_a_part_without_a_number_has_the_fewest_servos() -> None:
    assert part_counts(["brows", "jaw", "lids:4"]) == {"jaw": 1, "lids": 4, "brows": 1}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["ears"], "the parts are jaw"),
        (["brows:3"], "it has 1 or 2 or 4 or 6"),
        (["brows:two"], "a part and its number"),
        (["brows:-1"], "a part and its number"),
        (["brows:\u00b2"], "a part and its number"),
        (["jaw", "jaw:1"], "jaw twice"),
        (["jaw:0"], "needs a part"),
    ],
)
def test_a_part_that_cannot_be_is_refused_with_an_example(given: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        part_counts(given)
    assert caught.value.hint.startswith("mien face new")


@pytest.mark.parametrize(
    ("servos", "tendons"), [(0, ""), (-3, ""), (33, ""), (29, "none"), (1, "cheeks"), (9, "ears")]
)
def test_a_number_that_no_face_has_is_refused(servos: int, tendons: str) -> None:
    with pytest.raises(InputError) as caught:
        grown(servos, tendons)
    assert caught.value.hint.startswith("mien face new")


def test_every_step_of_growing_is_a_part_that_there_is() -> None:
    for step in library().order:
        ((name, count),) = step.items()
        assert count in library().parts[name].variants
