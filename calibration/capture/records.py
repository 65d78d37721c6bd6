"""The records of a data set: fixed size, each with its CRC-32, found again in a damaged file."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.calibration.plan.plan import KINDS
from mien.models.face.regions import COUNT
from mien.models.reading.bounded import read_bytes

MAX_BYTES = 1 << 27
"""Largest file of records, about 20,000 of them, in bytes. A calibration has 3,000."""
_MAX_POSES = 1_000_000


def record_type(actuators: int) -> np.dtype[np.void]:
    """Layout of a record, little-endian, for a number of actuators."""
    return np.dtype(
        [
            ("pose", "<i4"),
            ("kind", "<i4"),
            ("time", "<f8"),
            ("spread", "<f4"),
            ("commands", "<f4", (actuators,)),
            ("landmarks", "<f4", (COUNT, 3)),
            ("head", "<f4", (4, 4)),
            ("crc", "<u4"),
        ]
    )


def checksum(row: NDArray[np.void]) -> int:
    """CRC-32 of a record (1,), without the checksum itself."""
    return zlib.crc32(row.tobytes()[: row.dtype.fields["crc"][1]])  # type: ignore[index]


def good_records(path: Path, layout: np.dtype[np.void]) -> tuple[NDArray[np.void], int, int]:
    """Undamaged records, the end of the last one in bytes, and about how many are damaged."""
    data = read_bytes(path, MAX_BYTES) if path.exists() else b""
    size, starts = layout.itemsize, list(_record_starts(data, layout))
    rows = np.frombuffer(b"".join(data[k : k + size] for k in starts), layout)
    end = starts[-1] + size if starts else 0
    ends = [0, *(k + size for k in starts)]
    # A remainder at the end that is shorter than a record was being written.
    gaps = [after - before for before, after in zip(ends, starts, strict=False)]
    gaps.append((len(data) - end) // size * size)
    return rows, end, sum(-(-gap // size) for gap in gaps)


def _record_starts(data: bytes, layout: np.dtype[np.void]) -> Iterator[int]:
    """Offsets of the undamaged records."""
    at, size, candidates = 0, layout.itemsize, None
    while at + size <= len(data):
        if _is_good(data, at, layout):
            yield at
            at += size
            continue
        if candidates is None:
            candidates = _possible_starts(data, layout)
        later = candidates[np.searchsorted(candidates, at + 1) :]
        at = next((int(k) for k in later if _is_good(data, int(k), layout)), len(data))


def _possible_starts(data: bytes, layout: np.dtype[np.void]) -> NDArray[np.intp]:
    """Offsets, ascending, at which a record may begin by its pose, kind and checksum."""
    raw, count = np.frombuffer(data, np.uint8), len(data) - layout.itemsize + 1

    def word(name: str) -> NDArray[np.uint32]:
        first = layout.fields[name][1]  # type: ignore[index]
        each = (raw[first + k : first + k + count].astype(np.uint32) << 8 * k for k in range(4))
        return np.asarray(sum(each), dtype=np.uint32)

    pose = word("pose")
    plausible = (word("kind") < len(KINDS)) & ((pose < _MAX_POSES) | (pose == 0xFFFFFFFF))
    return np.flatnonzero(plausible & (word("crc") != 0))


def _is_good(data: bytes, at: int, layout: np.dtype[np.void]) -> bool:
    """Whether the record at ``at`` has its checksum, and values that a session can write."""
    field = at + layout.fields["crc"][1]  # type: ignore[index]
    found = int.from_bytes(data[field : field + 4], "little")
    if found != zlib.crc32(memoryview(data)[at:field]):
        return False
    row = np.frombuffer(data, layout, 1, at)[0]
    finite = np.isfinite(row["time"]) and np.isfinite(row["commands"]).all()
    return bool(finite and 0 <= row["kind"] < len(KINDS) and -1 <= row["pose"] < _MAX_POSES)
