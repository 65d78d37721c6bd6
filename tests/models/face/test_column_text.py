"""Tables that are no takes: each is given up early."""

from pathlib import Path

import pytest

from mien.models.errors import ModelError
from mien.models.face.column_text import MAX_LINE, MAX_ROWS, MAX_TABLE_BYTES, rows_of
from mien.models.face.livelink_csv import COLUMNS, is_take, read_csv

HEAD = ",".join(COLUMNS)
ROW = "01:02:03:04.000,61" + ",0.5" * 61


def take(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "\n" * (MAX_ROWS + 1), f"at most {MAX_ROWS} lines"),
        (HEAD + "\n" + "," * (MAX_LINE + 1), f"line 2 has {MAX_LINE + 1} characters"),
        (HEAD + "," * MAX_LINE, "line 1 has"),
        (HEAD + "\nx" * 5000, "1001 of 1001 rows cannot be used, the first: line 2: timecode 'x'"),
        (HEAD + "\n" + ROW.replace("0.5", "nan"), "line 2: a value"),
        (HEAD + "\n" + ROW.replace("0.5", "-inf"), "line 2: a value"),
        (HEAD + "\n" + ROW.replace("0.5", "1e308"), "line 2: a value"),
        (HEAD + "\n" + ROW.replace("0.5", "9" * 5000, 1), "line 2: a number of 5000 characters"),
        (HEAD + "\n" + ROW.replace("01:", "9" * 400 + ":", 1), "line 2: timecode '999"),
    ],
)
def test_a_table_that_is_no_take_is_given_up(tmp_path: Path, text: str, said: str) -> None:
    path = take(tmp_path / "a.csv", text)
    with pytest.raises(ModelError, match=said) as found:
        read_csv(path)
    assert len(found.value.message) < 500


def test_a_quote_that_does_not_end_costs_one_row(tmp_path: Path) -> None:
    rows = [ROW, ROW.replace("0.5", '"0.5', 1), ROW]
    found = read_csv(take(tmp_path / "a.csv", "\n".join([HEAD, *rows])))
    assert len(found.times) == 2
    assert len(found.bad) == 1
    assert "line 3" in found.bad[0]


def test_a_vast_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(MAX_TABLE_BYTES + 1)
    with pytest.raises(ModelError, match="at most"):
        next(rows_of(path))
    assert not is_take(path)
