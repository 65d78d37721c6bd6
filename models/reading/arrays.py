"""Arrays of npz and npy files, read without trust in the sizes that they announce."""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.reading.bounded import FileError, read_bytes

MAX_ARRAY_BYTES: Final = 64 << 20
"""Largest size of all arrays of a file together, unpacked, in bytes."""
_MAX_DIRECTORY_BYTES: Final = 1 << 16
_END: Final = struct.Struct("<4s4H2LH")  # of a zip file without a comment
_NPY: Final = b"\x93NUMPY"
# As numpy writes it; numbers, truth values and text only.
_HEADER: Final = re.compile(
    r"\{'descr': '(\|[biu]1|[<>](?:[iu][248]|f[248]|U\d{1,6}))', 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,10}, )*\d{1,10},?|)\), \} *\n"
)
_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, LookupError, NotImplementedError, OverflowError,
    OSError, RuntimeError, ValueError, struct.error,
)  # fmt: skip


def read_npz(
    path: Path, most: int = MAX_ARRAY_BYTES, *, own: bool = False
) -> dict[str, NDArray[Any]]:
    """Arrays of an npz file by name, at most ``most`` bytes together.

    Args:
        path: the file.
        most: bytes that are read.
        own: it ships with the package, and may be packed by LZMA, which numpy does not write. A
            stranger's file may not: its head announces how much memory unpacking takes.

    Raises:
        FileError: no npz file, damaged, larger than ``most``, or with arrays of Python objects.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most + _MAX_DIRECTORY_BYTES:
            raise FileError(path, f"it has {size} bytes, at most {most} are read")
        try:
            _check_directory(file, size)
            with zipfile.ZipFile(file) as archive:
                return _members(archive, most, own)
        except _DAMAGE as e:
            raise FileError(path, f"it is no npz file that can be read: {_why(e)}") from e


def read_npy(path: Path, most: int = MAX_ARRAY_BYTES) -> NDArray[Any]:
    """The array of an npy file of at most ``most`` bytes.

    Raises:
        FileError: no npy file, damaged, larger than ``most``, or with Python objects.
        OSError: it cannot be read.
    """
    raw = read_bytes(path, most)
    try:
        return _array(raw)
    except ValueError as e:
        raise FileError(path, f"it is no npy file that can be read: {e}") from e


def check_shapes(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    layout: Mapping[str, tuple[int | str, ...]],
    **sizes: int,
) -> dict[str, int]:
    """Check the shapes of arrays, and find the sizes that they share.

    Args:
        path: their file.
        arrays: arrays by name.
        layout: the shape of each array that must be there; a text names a size that must be the
            same wherever it occurs.
        sizes: sizes that are known, by name.

    Returns:
        All sizes by name.

    Raises:
        FileError: an array is missing, or has another shape.
    """
    found = dict(sizes)
    for name, shape in layout.items():
        if name not in arrays:
            raise FileError(path, f"it lacks {name}")
        given = arrays[name].shape
        if len(given) == len(shape):
            for part, size in zip(shape, given, strict=True):
                if isinstance(part, str):
                    found.setdefault(part, size)
        expected = tuple(found.get(p, p) if isinstance(p, str) else p for p in shape)
        if given != expected:
            raise FileError(path, f"{name} has the shape {given}, expected {_shown(expected)}")
    return found


def check_finite(path: Path, arrays: Mapping[str, NDArray[Any]], *names: str) -> None:
    """Check that arrays hold numbers, and neither NaN nor infinity.

    Args:
        path: their file.
        arrays: arrays by name.
        names: those to check; all of them by default.

    Raises:
        FileError: one holds something else.
    """
    for name in names or arrays:
        array = arrays[name]
        if array.dtype.kind not in "biuf":
            raise FileError(path, f"{name} holds text, expected numbers")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise FileError(path, f"{name} holds NaN or infinity, expected finite numbers")


def _check_directory(file: IO[bytes], size: int) -> None:
    """Refuse a zip file whose list of members is large: it is read whole, whatever it holds."""
    if size < _END.size:
        raise ValueError("it is cut")
    file.seek(-_END.size, os.SEEK_END)
    sign, *_, length, _, comment = _END.unpack(file.read(_END.size))
    if sign != b"PK\x05\x06" or comment:
        raise ValueError("its end is not that of a zip file")
    file.seek(max(0, size - _END.size - 20))
    if file.read(4) == b"PK\x06\x07" or length > _MAX_DIRECTORY_BYTES:
        raise ValueError("it lists too many arrays")
    file.seek(0)


def _members(archive: zipfile.ZipFile, most: int, own: bool) -> dict[str, NDArray[Any]]:
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if total > most:
        raise ValueError(f"its arrays have {total} bytes, at most {most} are read")
    out = {}
    for member in members:
        if member.compress_type not in _PACKINGS + (zipfile.ZIP_LZMA,) * own:
            raise ValueError("its packing is none of numpy's")
        with archive.open(member) as packed:
            raw = packed.read(member.file_size + 1)
        if len(raw) != member.file_size:
            raise ValueError("an array is cut")
        out[member.filename.removesuffix(".npy")] = _array(raw)
    return out


def _array(raw: bytes) -> NDArray[Any]:
    """The array of an npy file.

    Raises:
        ValueError: damaged, or what it announces is not what it holds.
    """
    if raw[: len(_NPY)] != _NPY or len(raw) < 12 or raw[6] not in (1, 2, 3):
        raise ValueError("it does not begin as an array does")
    wide = raw[6] > 1
    (length,) = struct.unpack_from("<L" if wide else "<H", raw, 8)
    start = (12 if wide else 10) + length
    head = _HEADER.fullmatch(raw[start - length : start].decode("latin-1"))
    if head is None:
        raise ValueError("the head of an array is damaged, or its type is none of numbers and text")
    dtype = np.dtype(head[1])
    shape = tuple(int(part) for part in head[3].split(",") if part.strip())
    content = memoryview(raw)[start:]
    if len(shape) > 8 or math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"an array of shape {shape} and type {dtype} has {len(content)} bytes")
    if not dtype.itemsize:  # texts without a letter, as many as the shape announces
        raise ValueError("an array of empty texts")
    if dtype.kind == "U":
        _check_text(content, dtype)
    if dtype.kind == "b" and max(content) > 1:
        raise ValueError("a truth value is neither 0 nor 1")
    order: Any = "F" if head[2] == "True" else "C"
    out = np.frombuffer(bytearray(content), dtype).reshape(shape, order=order)
    return out.astype(dtype.newbyteorder("="), copy=False)


def _check_text(content: memoryview, dtype: np.dtype[Any]) -> None:
    try:
        bytes(content).decode("utf-32-be" if dtype.str[0] == ">" else "utf-32-le")
    except UnicodeDecodeError as e:
        raise ValueError("a text holds what is no character") from e


def _shown(shape: tuple[int | str, ...]) -> str:
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
