"""The runner of mutants tells a line that is tested from one that is not."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import mutation
from tests.bench.mutation import Mutant, misfits, run

TEST = ("tests/firmware/test_sum.py",)
TESTED = Mutant("tested", "robot/sums.py", "a + b", "a - b", TEST)
UNTESTED = Mutant("untested", "robot/sums.py", "a * b", "a / b", TEST)
HANGS = Mutant("hangs", "robot/sums.py", "return a + b", "import time; time.sleep(90)", TEST)
BREAKS = Mutant("breaks", "robot/sums.py", "return a + b", "return )", TEST)
SOURCES = {
    "robot/sums.py": "def add(a, b):\n    return a + b\n\ndef times(a, b):\n    return a * b\n",
    "tests/firmware/test_sum.py": (
        "from robot.sums import add\n\ndef test_sum():\n    assert add(1, 2) == 3\n"
    ),
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = ['--import-mode=importlib']\n"
    "pythonpath = ['.']\nmarkers = ['slow: x']\n",
    "README.md": "",
    ".package/mien/__init__.py": "",
    "firmware/core/core.c": "",
    "calibration/c.py": "",
    "models/m.py": "",
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small one, whose core counts as built."""
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    module = tmp_path / mutation.MODULE
    module.parent.mkdir()
    module.write_bytes(b"built")
    monkeypatch.setattr(mutation, "ROOT", tmp_path)
    return tmp_path


def test_a_tested_line_is_told_from_an_untested_one(checkout: Path) -> None:
    heard: dict[str, bool] = {}
    wanted = {"tested": True, "untested": False}
    assert run((TESTED, UNTESTED), jobs=2, told=heard.__setitem__) == wanted
    assert heard == wanted
    assert {n: (checkout / n).read_text() for n in SOURCES} == SOURCES  # worked in copies


def test_a_mutant_that_hangs_is_noticed_and_not_waited_for(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutation, "LEAST_S", 1.0)
    monkeypatch.setattr(mutation, "PATIENCE", 1.0)
    assert run((HANGS,)) == {"hangs": True}
    assert checkout.is_dir()


def test_what_is_no_python_any_more_is_an_error_and_not_a_mutant_that_was_noticed(
    checkout: Path,
) -> None:
    with pytest.raises(RuntimeError, match=r"breaks: pytest ended with [^1]"):
        run((BREAKS,))
    (checkout / TEST[0]).write_text("def test_sum():\n    assert False\n")
    with pytest.raises(RuntimeError, match="fail without any mutant"):
        run((TESTED,))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (replace(TESTED, line="return"), r"tested: robot/sums.py has 'return' 2 times"),
        (replace(TESTED, line="nowhere"), "has 'nowhere' 0 times"),
        (replace(TESTED, file="robot/none.py"), "robot/none.py has .* 0 times"),
        (replace(TESTED, broken=TESTED.line), "changes nothing"),
        (replace(TESTED, tests=("tests/test_none.py::test_x",)), "no such test as"),
        (replace(TESTED, tests=()), "no tests"),
    ],
)
def test_a_mutant_that_does_not_fit_is_told(checkout: Path, bad: Mutant, said: str) -> None:
    assert any(re.search(said, fault) for fault in misfits((bad,)))
    assert misfits((TESTED, TESTED)) == ["tested: is there twice"]
    assert misfits((TESTED, UNTESTED, HANGS)) == []
    assert checkout.is_dir()
