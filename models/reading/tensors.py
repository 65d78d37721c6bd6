"""Tensors and metadata of a safetensors file.

The format: eight bytes with the length of a JSON header, the header, then the tensors one after
the other. The header has a type, a shape and the offsets of each tensor.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.reading.bounded import FileError, excerpt, read_bytes
from mien.models.reading.json_file import parse_json

MAX_FILE_BYTES: Final = 64 << 20
"""Largest weights file, in bytes. Those that ship have 2 MB."""
MAX_TENSORS: Final = 4096
_MAX_HEADER_BYTES: Final = 1 << 20
_TYPES: Final = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U8": "u1", "BOOL": "?",
}  # fmt: skip


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Tensors by name, and the metadata.

    Raises:
        FileError: larger than ``MAX_FILE_BYTES``, no safetensors file, damaged, or with a tensor of
            another type, NaN or infinity.
        OSError: it cannot be read.
    """
    raw = read_bytes(path, MAX_FILE_BYTES)
    try:
        start, header = _header(raw)
        meta = header.pop("__metadata__", {})
        if not _all_text(meta):
            raise ValueError("its metadata holds something else than texts")
        if len(header) > MAX_TENSORS:
            raise ValueError(f"it has {len(header)} tensors, at most {MAX_TENSORS} are read")
        places = {name: _place(name, entry) for name, entry in header.items()}
        end = start
        for name in sorted(places, key=lambda n: places[n][2:]):  # without a gap and in order
            _, _, first, last = places[name]
            if start + first != end:
                raise ValueError(f"{excerpt(name)} does not begin where the one before ends")
            end = start + last
        if end != len(raw):
            raise ValueError(f"its tensors end at byte {end}, the file at {len(raw)}")
        return {name: _tensor(raw, start, name, *places[name]) for name in places}, meta
    except ValueError as e:
        raise FileError(path, f"it is not a readable safetensors file: {e}", "mien doctor") from e


def _header(raw: bytes) -> tuple[int, dict[str, Any]]:
    if len(raw) < 8:
        raise ValueError("it is cut")
    (length,) = struct.unpack_from("<Q", raw)
    if length > min(len(raw) - 8, _MAX_HEADER_BYTES):
        raise ValueError(f"its header has {length} bytes, and the file {len(raw)}")
    header = parse_json(raw[8 : 8 + length].decode("utf-8"))
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    return 8 + length, header


def _place(name: str, entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """Type, shape, first and last byte of a tensor."""
    fields = ("dtype", "shape", "data_offsets")
    if not isinstance(entry, dict) or set(entry) != set(fields):
        raise ValueError(f"{excerpt(name)} must have {', '.join(fields)}")
    kind, shape, offsets = (entry[f] for f in fields)
    if kind not in list(_TYPES):
        allowed = ", ".join(_TYPES)
        raise ValueError(f"{excerpt(name)} has the type {excerpt(kind)}; allowed are {allowed}")
    if not _sizes(shape) or len(shape) > 8:
        raise ValueError(f"{excerpt(name)} has the shape {excerpt(shape)}")
    if not _sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{excerpt(name)} has the offsets {excerpt(offsets)}")
    if offsets[1] - offsets[0] != math.prod(shape) * np.dtype(_TYPES[kind]).itemsize:
        raise ValueError(f"{excerpt(name)} has another size than its shape {shape} of {kind}")
    return kind, tuple(shape), offsets[0], offsets[1]


def _tensor(
    raw: bytes, start: int, name: str, kind: str, shape: tuple[int, ...], first: int, last: int
) -> NDArray[Any]:
    content = bytearray(raw[start + first : start + last])
    if kind == "BOOL" and max(content, default=0) > 1:
        raise ValueError(f"{excerpt(name)} holds a truth value that is neither 0 nor 1")
    array: NDArray[Any] = np.frombuffer(content, _TYPES[kind]).reshape(shape)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{excerpt(name)} holds NaN or infinity, expected finite numbers")
    return array


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(v, int) and not isinstance(v, bool) and 0 <= v <= MAX_FILE_BYTES for v in value
    )


def _all_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
