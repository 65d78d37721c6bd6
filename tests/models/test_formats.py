"""Small files carry a version; a reader takes those without one and refuses newer ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.formats import (
    check_version,
    read_arrays,
    read_json,
    write_arrays,
)
from mien.robot.runs import write_json


@pytest.mark.parametrize("found", [None, 1, 2, "2", np.asarray(1)])
def test_known_versions_and_none_are_read(found: object) -> None:
    check_version(found, 2)


@pytest.mark.parametrize(
    ("found", "said"),
    [(3, "newer Mien"), ("9", "newer Mien"), (0, "from 1 to 2"), (-1, "from 1"), ("x", "'x'")],
)
def test_newer_versions_and_nonsense_are_refused(found: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_version(found, 2)


def test_arrays_come_back_without_their_version(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, 3, {"x": np.arange(5.0), "name": "nose"})
    with np.load(path) as z:
        assert int(z["version"]) == 3
    back = read_arrays(path, 3)
    assert set(back) == {"x", "name"}
    np.testing.assert_array_equal(back["x"], np.arange(5.0))
    with pytest.raises(ValueError, match="version 3 and is of a newer Mien"):
        read_arrays(path, 2)
    np.savez(path, x=np.arange(3))  # as before files had a version
    assert read_arrays(path, 1)["x"].tolist() == [0, 1, 2]


def test_damaged_arrays_are_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, 1, {"x": np.arange(100.0)})
    raw = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [b"", raw[:-1], raw[: len(raw) // 2], bytes(len(raw)), rng.bytes(400)]
    for place in rng.integers(0, len(raw), 60):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(flipped))
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            read_arrays(path, 1)
        except ValueError as e:
            refused += 1
            assert str(e)
    assert refused > 40  # some bytes of a zip mean nothing
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="numbers and text"):
        read_arrays(path, 1)


def test_large_arrays_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.zeros(1_000_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match="at most"):
        read_arrays(path, 1, max_bytes=1_000_000)


def test_json_objects_carry_a_version(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    assert json.loads(path.read_text()) == {"a": 1, "version": 1}
    assert read_json(path) == {"a": 1}
    path.write_text('{"a": 2}')
    assert read_json(path) == {"a": 2}


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "null", '{"a"', '{"version": 7}', '{"version": []}', "[" * 100_000]
)
def test_json_that_is_no_object_of_ours_is_a_value_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"\w"):
        read_json(path)


@pytest.mark.parametrize("kind", sorted(checkpoint.NEWEST))
def test_weights_of_a_newer_version_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.safetensors"
    newest = checkpoint.NEWEST[kind]
    for meta in ({"kind": kind}, {"kind": kind, "version": newest}):
        checkpoint.save(path, {"x": np.zeros(3)}, meta)
        assert checkpoint.load(path, kind)[1] == meta
    checkpoint.save(path, {"x": np.zeros(3)}, {"kind": kind, "version": newest + 1})
    with pytest.raises(ModelError, match=f"version {newest + 1} and is of a newer Mien"):
        checkpoint.load(path, kind)


def test_shipped_weights_can_be_read() -> None:
    shipped = sorted(checkpoint.WEIGHTS.glob("*.safetensors"))
    assert len(shipped) >= 4
    for path in shipped:
        checkpoint.load(path)
