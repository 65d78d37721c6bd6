import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from mien.models.reading.bounded import FileError
from mien.models.reading.tensors import MAX_FILE_BYTES, read_tensors

GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def written(path: Path, header: Any, data: bytes = b"\0" * 8, length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + data)
    return path


def test_files_of_the_library_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    arrays: dict[str, Any] = {
        f"t{k}": np.arange(4).astype(t).reshape(2, 2) for k, t in enumerate(("f4", "f2", "f8"))
    }
    arrays |= {"i": np.arange(3), "b": np.array([True]), "none": np.zeros((0, 3), np.float32)}
    save_file(arrays, str(path), metadata={"who": "me"})
    tensors, meta = read_tensors(path)
    assert meta == {"who": "me"}
    assert set(tensors) == set(arrays)
    for name, array in arrays.items():
        assert tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(tensors[name], array)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (GOOD | {"dtype": "BF16"}, "'a' has the type 'BF16'; allowed are F64, F32, F16"),
        (GOOD | {"dtype": "F8_E4M3"}, "'F8_E4M3'"),
        (GOOD | {"dtype": []}, r"has the type \[\]"),
        (GOOD | {"shape": [3]}, "another size than its shape"),
        (GOOD | {"shape": [-2]}, r"shape \[-2\]"),
        (GOOD | {"shape": 2}, "shape 2"),
        (GOOD | {"shape": [True, 2]}, "shape"),
        (GOOD | {"shape": [2] * 9}, "shape"),
        (GOOD | {"data_offsets": [0, 2**40]}, "offsets"),
        (GOOD | {"data_offsets": [8, 0]}, "size"),
        (GOOD | {"shape": [1], "data_offsets": [4, 8]}, "does not begin where"),
        (GOOD | {"shape": [1], "data_offsets": [0, 4]}, "end at byte"),
        ({"dtype": "F32"}, "must have dtype, shape, data_offsets"),
        (5, "must have"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path: Path, header: Any, said: str) -> None:
    with pytest.raises(FileError, match=said):
        read_tensors(written(tmp_path / "a", {"a": header}))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ([], "its header is no object"),
        (b"{", "line 1"),
        (b"\xff", "utf-8"),
        ({"a": GOOD, "__metadata__": 5}, "its metadata holds something else than texts"),
        ({"a": GOOD, "__metadata__": {"mien": {}}}, "something else than texts"),
        ({"a": GOOD, "b": GOOD}, "'b' does not begin where the one before ends"),
        ({str(k): GOOD for k in range(5000)}, "5000 tensors, at most 4096"),
    ],
)
def test_a_header_of_another_form_is_refused(tmp_path: Path, header: Any, said: str) -> None:
    with pytest.raises(FileError, match=said):
        read_tensors(written(tmp_path / "a", header))


def test_no_size_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for length in (2**63, 2**40, 100, 0):
        with pytest.raises(FileError):
            read_tensors(written(path, {"a": GOOD}, length=length))
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(FileError, match="at most"):
        read_tensors(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["<f4", "<f2"])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, value: float, kind: str) -> None:
    path = tmp_path / "a"
    save_file({"w": np.array([1.0, value], kind)}, str(path))
    with pytest.raises(FileError, match="'w' holds NaN or infinity"):
        read_tensors(path)
