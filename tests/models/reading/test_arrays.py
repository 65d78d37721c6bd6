import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.models.reading.arrays import check_finite, check_shapes, read_npy, read_npz
from mien.models.reading.bounded import FileError

ARRAYS: dict[str, Any] = {
    "matrix": np.arange(6.0).reshape(2, 3), "columns": np.arange(6).reshape(2, 3).T,
    "empty": np.zeros((3, 0)), "one": np.float32(3), "text": "äb", "texts": np.array(["a", "bc"]),
    "yes": np.array([True, False]), "bytes": np.arange(3, dtype="u1"),
    "other": np.arange(3, dtype=">i4"),
}  # fmt: skip


def member(
    shape: str, descr: str = "'<f8'", content: bytes = b"\0" * 16, version: int = 1
) -> bytes:
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(head)) + head + content


def npz(path: Path, content: bytes, packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("a.npy", content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_numpy_reads_them_and_can_be_written_to(
    tmp_path: Path, save: Any
) -> None:
    save(tmp_path / "a.npz", **ARRAYS)
    found = read_npz(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as expected:
        assert list(found) == expected.files
        for name, array in found.items():
            assert array.dtype == expected[name].dtype.newbyteorder("=")
            assert array.shape == expected[name].shape
            np.testing.assert_array_equal(array, expected[name])
            assert array.flags.writeable


@pytest.mark.parametrize(
    "content",
    [
        member("(1000000000000,)"),
        member("(3,)"),
        member("(-2,)"),
        member("(1, " * 9 + "2)"),
        member("(2,)", "'|O'"),
        member("(2,)", "[('a', '<f8')]"),
        member("(1,)", "'<U4'", b"\xff" * 16),
        member("(1,)", "'<U4'", b"\0\xd8\0\0" * 4),
        member("(4,)", "'<U0'", b""),
        member("(2,)", "'<f9'"),
        member("(2,)", "'<b8'"),
        member("(16,)", "'|b1'", b"\2" * 16),
        member("(2,)", version=9),
        member("(" * 300 + "2,)"),
        b"\x93NUMPY\x01\0\xff\xff",
        b"",
        b"text",
    ],
)
def test_an_array_that_lies_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileError, match="no npz file that can be read"):
        read_npz(npz(tmp_path / "a.npz", content))
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(FileError, match="no npy file that can be read"):
        read_npy(tmp_path / "a.npy")


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    path = npz(tmp_path / "bomb.npz", member("(12500000,)", content=bytes(100_000_000)))
    many = tmp_path / "many.npz"
    with zipfile.ZipFile(many, "w") as archive:
        for k in range(3000):
            archive.writestr(f"{k}.npy", b"")
    tracemalloc.start()
    with pytest.raises(FileError, match="its arrays have 100000"):
        read_npz(path)
    with pytest.raises(FileError, match="lists too many arrays"):
        read_npz(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_damage_anywhere_is_an_error_of_the_file(tmp_path: Path) -> None:
    raw = io.BytesIO()
    np.savez_compressed(raw, a=np.arange(50.0))
    whole, path = raw.getvalue(), tmp_path / "cut.npz"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(FileError):
            read_npz(path)


def test_shapes_share_sizes_by_name() -> None:
    path, arrays = Path("w"), {"w": np.zeros((3, 2)), "b": np.zeros(3), "n": np.array(["a"])}
    assert check_shapes(path, arrays, {"w": ("h", "m"), "b": ("h",)}, m=2) == {"m": 2, "h": 3}
    with pytest.raises(FileError, match=r"b has the shape \(3,\), expected \(2,\)"):
        check_shapes(path, arrays, {"w": ("h", "m"), "b": ("m",)})
    with pytest.raises(FileError, match=r"w has the shape \(3, 2\), expected \(3, 5\)"):
        check_shapes(path, arrays, {"w": ("h", 5)})
    with pytest.raises(FileError, match="it lacks c"):
        check_shapes(path, arrays, {"c": ()})
    check_finite(path, arrays, "w", "b")
    with pytest.raises(FileError, match="n holds text"):
        check_finite(path, arrays)
    arrays["b"][1] = np.nan
    with pytest.raises(FileError, match="b holds NaN or infinity"):
        check_finite(path, arrays, "b")
