"""Changes to the safety lines of the core, each with the tests that must notice it."""

from __future__ import annotations

from firmware import mutate
from firmware.mutation import Mutant

TESTS = tuple(f"tests/firmware/test_{name}.py" for name in mutate.TESTS)
MUTANTS = tuple(
    Mutant(m.name, f"firmware/core/{m.file}", m.line, m.broken, TESTS) for m in mutate.MUTANTS
)
