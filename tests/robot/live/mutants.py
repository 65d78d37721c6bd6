"""Changes to lines that keep recordings whole, each with the tests that must notice it."""

from __future__ import annotations

from tests.bench.mutation import Mutant

READING = ("tests/robot/recording/test_reading.py",)

MUTANTS = (
    Mutant(
        "dropped records are not counted",
        "robot/recording/recorder.py",
        "            self._late += 1\n",
        "            pass\n",
        READING,
    ),
    Mutant(
        "what tells of a person is recorded unasked",
        "robot/recording/recorder.py",
        "if topic in PERSONAL and not self._persons:",
        "if False:",
        ("tests/robot/recording/test_recorder.py", *READING),
    ),
)
