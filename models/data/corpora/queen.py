"""Voices of the game Flight of the Amazon Queen: acted English, many characters, 11 kHz.

Debian's package holds ScummVM's rebuilt data file, queen.1c. All numbers are big-endian: "QTBL",
six bytes of version, one byte each for floppy, demo and compression (1 = MP3), the number of
entries (2 bytes); an entry is a name (12 bytes), a bundle (1), an offset from the start of the
file (4) and a size (4). Recorded lines are the names that end in .SB.

(C) John Passfield and Steven Stamatiadis. Free to distribute; no part of it is in this project.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from mien.models.data.schema import to_int16
from mien.models.errors import ModelError

FILE: Final = Path("/usr/share/scummvm/flight-of-the-amazon-queen/queen.1c")
_MP3: Final = 1
_HEADER: Final = struct.Struct(">4s6sBBBH")
_ENTRY: Final = struct.Struct(">12sBII")
Line = tuple[str, bytes]
"""Name and MP3."""


def lines(path: Path = FILE) -> Iterator[Line]:
    """Every recorded line, in the order of the file (a conversation stays together).

    Raises:
        ModelError: not installed, or another file.
    """
    if not path.is_file():
        raise ModelError(
            "Flight of the Amazon Queen is not installed",
            "apt-get install flight-of-the-amazon-queen",
        )
    data = path.read_bytes()
    if len(data) < _HEADER.size or data[:4] != b"QTBL":
        raise ModelError(f"{path} is no table of Flight of the Amazon Queen")
    _, _, _, _, compression, count = _HEADER.unpack_from(data)
    if compression != _MP3 or len(data) < _HEADER.size + count * _ENTRY.size:
        raise ModelError(f"{path} holds no MP3 (compression {compression})")
    for i in range(count):
        name, _, start, size = _ENTRY.unpack_from(data, _HEADER.size + i * _ENTRY.size)
        plain = name.rstrip(b"\0").decode("ascii", "replace")
        if plain.endswith(".SB"):
            yield plain.removesuffix(".SB"), data[start : start + size]


def decode(raw: bytes) -> NDArray[np.int16]:
    """MP3 -> (n,) at 16 kHz."""
    samples, rate = soundfile.read(io.BytesIO(raw), dtype="float32", always_2d=True)
    return to_int16(samples.mean(axis=1), rate)
