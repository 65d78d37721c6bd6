"""The page of hazards names measures that tests hold, and the eyes keep what it says of them."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.robot.control.loop import RATE_HZ
from mien.robot.expression.life import Life
from mien.robot.face.config import load_face, shipped
from mien.robot.face.safety import Limiter

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / ".docs" / "hazards.md").read_text()
HAZARDS = ("Pinch", "Overheating", "The head drops", "Violent first move", "A stop that fails",
           "Wrong firmware", "Brown-out", "Sound pressure", "Strobing eyes",
           "Somebody else moves it", "Recordings of persons")  # fmt: skip
PATHS = ("your switch in the servo supply", "stop switch at the board", "ESTOP frame",
         "`mien estop`", "E-STOP in the panel", "Ctrl-C", "silence of the host", "crash",
         "brown-out")  # fmt: skip
CATEGORIES = ("0", "0 in effect", "1", "2")


def rows(columns: int) -> list[list[str]]:
    """Cells of the table with so many columns, without its head."""
    lines = [line.strip().strip("|").split("|") for line in PAGE.splitlines() if line[:1] == "|"]
    return [[c.strip() for c in cells] for cells in lines if len(cells) == columns][2:]


FIRST, SECOND = rows(4)[: len(HAZARDS)], rows(4)[len(HAZARDS) + 2 :]
NAMED = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", PAGE)


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_every_test_that_the_page_names_exists(file: str, test: str) -> None:
    path = ROOT / file
    assert path.is_file() or any(path.glob("test_*.py")), f"{file} is not there"
    assert not test or re.search(rf"^def {test}\(", path.read_text(), re.MULTILINE), test


def test_every_hazard_has_a_measure_a_test_and_what_is_left_over() -> None:
    assert [re.sub(r"\*\*(.+)\*\*.*", r"\1", row[0]) for row in FIRST] == list(HAZARDS)
    for hazard, measure, proof, left_over in FIRST:
        assert measure, hazard
        assert "`tests/" in proof, hazard
        assert left_over, hazard


def test_every_path_of_the_stop_has_a_category() -> None:
    assert all(any(path in row[0] for row in SECOND) for path in PATHS)
    assert {row[2] for row in SECOND} == set(CATEGORIES)


def test_the_page_says_what_is_not_certified_and_is_linked() -> None:
    assert all(name in PAGE for name in ("ISO 13850", "IEC 60204-1", "ISO 13849-1"))
    assert "hazards.md" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", shipped())
def test_eyes_never_flicker(name: str) -> None:
    face = load_face(name)
    limit, lids = Limiter(face), [k for k, n in enumerate(face.names) if n.startswith("lid_")]
    for half in range(1, 31):  # ticks shut and ticks open
        last, seen = face.safe.copy(), []
        for k in range(10 * RATE_HZ):
            wanted = face.safe.copy()
            wanted[lids] = face.limits[lids, (k // half) % 2]
            last = limit(wanted, last, 1.0 / RATE_HZ).commands
            seen.append(last[lids])
        stroke = np.ptp(np.array(seen)[RATE_HZ:], axis=0) / np.ptp(face.limits[lids], axis=1)
        if 0.5 * RATE_HZ / half > 4.5:
            assert stroke.max() < 0.9, f"{0.5 * RATE_HZ / half} Hz"


@given(st.lists(st.floats(0.0, 30.0), max_size=200), st.integers(0, 50))
def test_whatever_the_voice_does_three_blinks_begin_in_a_second_at_most(
    stops: list[float], seed: int
) -> None:
    starts = Life(seed=seed).blinks(30.0, np.sort(np.array(stops)))
    assert all(np.sum((starts >= s) & (starts < s + 1.0)) <= 3 for s in starts)
