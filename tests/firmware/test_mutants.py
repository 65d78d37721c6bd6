"""The tests notice when a safety line is broken, in the core, on the chip and on the host."""

import os

import pytest

from tests.bench.firmware import compile as build
from tests.bench.mutation import misfits, run, tables


def test_every_mutant_fits_its_source_and_has_tests() -> None:
    mutants, equivalent = tables()
    assert misfits(mutants) == []
    assert not {m.name for m in mutants} & set(equivalent)
    for part in ("firmware/core/", "firmware/avr/", "robot/link/", "robot/control/loop.py"):
        assert any(m.file.startswith(part) for m in mutants), part


@pytest.mark.timeout(600)
def test_two_of_the_core_are_noticed() -> None:
    if not build.have("gcc"):
        pytest.skip("needs gcc; apt-get install gcc")
    names = {"no upper limit": "motion", "any guard will do": "queue"}
    picked = [
        type(m)(m.name, m.file, m.line, m.broken, (f"tests/firmware/test_{names[m.name]}.py",))
        for m in tables()[0]
        if m.name in names
    ]
    assert run(picked) == dict.fromkeys(names, True)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_all_of_them_are_noticed() -> None:
    found = run(tables()[0], jobs=os.cpu_count() or 1)
    assert [name for name, noticed in found.items() if not noticed] == []
