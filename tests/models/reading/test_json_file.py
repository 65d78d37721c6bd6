import json
from pathlib import Path

import pytest

from mien.models.reading.bounded import FileError
from mien.models.reading.json_file import MAX_DEPTH, parse_json, read_json, read_object


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nested too deep"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested too deep"),
        ("9" * 41, "41 digits; at most 40"),
        ("9" * 5000, "5000 digits; at most 40"),
        ('{"a": 1, "b": 2, "a": 3}', "key 'a' is given twice"),
        ('"\\ud800"', "half a character"),
        ('{"\\udc00": 1}', "half a character"),
        ("[1,\n2,,]", "line 2, column 3"),
        ("", "line 1, column 1"),
        ("{'a': 1}", "line 1, column 2"),
    ],
)
def test_what_a_schema_cannot_bear_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_json(text)


def test_everything_else_is_read_as_usual() -> None:
    tree = {"a": [1, -2.5, None, True, "ä\U0001f600"], "b": {"c": 10**39}, "d": float("inf")}
    assert parse_json(json.dumps(tree)) == tree


def test_a_file_names_itself_its_size_and_what_it_should_hold(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1]")
    assert read_json(path) == [1]
    with pytest.raises(FileError, match=r"a\.json cannot be used: it holds a list, expected an"):
        read_object(path)
    path.write_text("[" + "1," * 100 + "1]")
    with pytest.raises(FileError, match="it is 203 bytes, at most 100 bytes are read"):
        read_json(path, 100)
    with pytest.raises(FileError, match="at most 1000 bytes are read"):
        read_json(Path("/dev/zero"), 1000)
