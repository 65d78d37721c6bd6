"""The tests notice when a safety line of the core is broken."""

import pytest

from firmware import compile as build
from firmware import mutate


def test_there_are_33_and_each_fits_the_source() -> None:
    assert len({mutant.name for mutant in mutate.MUTANTS}) == len(mutate.MUTANTS) == 33
    for mutant in mutate.MUTANTS:
        text = (build.HERE / "core" / mutant.file).read_text()
        assert text.count(mutant.line) == 1, mutant.name


@pytest.mark.timeout(600)
def test_two_of_them_are_noticed() -> None:
    if not build.have("gcc"):
        pytest.skip("needs gcc; apt-get install gcc")
    picked = (mutate.MUTANTS[0], mutate.MUTANTS[6])
    assert all(mutate.run(picked, tests=("motion", "queue")).values())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_of_them_are_noticed() -> None:
    assert all(mutate.run().values())
