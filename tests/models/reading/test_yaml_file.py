from pathlib import Path
from typing import Any

import pytest
import yaml

from mien.models.reading.bounded import FileError
from mien.models.reading.yaml_file import MAX_DEPTH, MAX_VALUES, key_lines, read_yaml


def read(tmp_path: Path, text: str | bytes) -> Any:
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_yaml(path)


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 9)
)
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{k}: &a{k} {{<<: [{', '.join([f'*a{k - 1}'] * 9)}]}}\n" for k in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, f"more than {MAX_VALUES} values"),
        (MERGES, f"more than {MAX_VALUES} values"),
        ("[" * 500, f"more than {MAX_DEPTH} lists"),
        ("[" * 100_000, "line 1"),
        ("{a: " * 40 + "1" + "}" * 40, f"more than {MAX_DEPTH} lists"),
        ("- x\n" * 60_000, f"more than {MAX_VALUES} values"),
        ("a: &a [1, *a]", r"line 1: \*a stands before or inside"),
        ("a: *b", r"\*b stands before"),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: key 'a' is given twice"),
        ("x: {5: 1}", "key '5' is no text"),
        ("on: 1", "key 'on' is no text; write it in quotes"),
        ("? [a]\n: 1", "a sequence is no text"),
        ("{a: 1}: 2", "a mapping is no text"),
        (f"x: {'9' * 5000}", "5000 characters"),
        (f"x: {'9' * 41}", "41 digits; at most 40"),
        ("x: " + ":".join(["59"] * 90), "digits; at most 40"),
        ("x: !!int y", "line 1, column 4: 'y' is no int"),
        ("x: !!float y", "'y' is no float"),
        ("x: !!bool y", "'y' is no bool"),
        ("x: !!int [1]", "expected a scalar"),
        ("x: !!map [a]", "expected a mapping"),
        ("x: !!binary aGk=", "could not determine a constructor"),
        ("x: !!set {a}", "could not determine a constructor"),
        ("x: !!python/object:os.system {}", "could not determine a constructor"),
        ("a: 1\n---\nb: 2", "another document"),
        ("a: [1, 2", "line 2, column 1: did not find"),
        (b"a: \xff", "it is not UTF-8 text: byte 3 is 0xff"),
        (b"a: \0", "not valid YAML"),
    ],
)
def test_what_no_configuration_needs_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(FileError, match=said) as found:
        read(tmp_path, text)
    assert found.value.exit_code == 2
    assert len(found.value.message.splitlines()) == 1


def test_anchors_merges_dates_and_numbers_are_read_as_before(tmp_path: Path) -> None:
    text = (
        "base: &base {kind: rigid, speed: 5.0}\n"
        "jaw: {<<: *base, speed: 6}\n"
        "again: {<<: [*base, {x: 1}], kind: tendon}\n"
        "list: [1, -0x1F, 1_000, .5, 1e3, .inf, yes, ~, '5', 190:20]\n"
        "empty:\n"
    )
    assert read(tmp_path, text) == yaml.safe_load(text)
    assert read(tmp_path, "day: 2024-01-31") == {"day": "2024-01-31"}
    assert read(tmp_path, "") is None


def test_a_merged_object_may_be_merged_before_it_is_built(tmp_path: Path) -> None:
    text = "x: {y: &a {<<: &b {k: 1}, k: 2}}\nz: {<<: *a}\n"
    assert read(tmp_path, text) == yaml.safe_load(text)


def test_a_file_of_100_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(FileError, match=r"it is 100\.0 MB, at most 1\.0 MB are read"):
        read_yaml(path)


def test_every_key_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("# a comment\na: 1\nb:\n  c: {d: 2}\n  e:\n    - f: 3\n    - [4, 5]\n")
    assert key_lines(path) == {
        "a": 2, "b": 3, "b.c": 4, "b.c.d": 4, "b.e": 5, "b.e.0": 6, "b.e.0.f": 6, "b.e.1": 7,
        "b.e.1.0": 7, "b.e.1.1": 7,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "1", "[]", "a: &x {b: 1}\nc: *x\n"])
def test_any_yaml_has_lines(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert all(line >= 1 for line in key_lines(path).values())


def test_lines_of_a_bomb_are_refused_as_its_content_is(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a0: &a0 [1]\n" + "".join(
        f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)
    ))  # fmt: skip
    with pytest.raises(FileError, match="more than"):
        key_lines(path)
