"""Voices of the game Beneath a Steel Sky: acted English, many characters, 11 kHz, 8 bits.

sky.dnr is the table of sky.dsk. All numbers are little-endian. The table starts with the number of
files (4 bytes). Each file has a number (2 bytes), an offset (3) and a size with flags (3). Bit 23
of the offset: the other bits count units of 16 bytes. Bit 23 of the size: the file is not packed.
Files from 50000 on are recorded lines: a header of 22 bytes, then unsigned samples, packed by RNC's
method
1. The highest bit of the header's first byte is the flag of packed samples.

(C) Revolution Software Ltd. Free to distribute; no part of it is in this project.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.corpora import rnc
from mien.models.data.schema import to_int16
from mien.models.errors import ModelError

FOLDER: Final = Path("/usr/share/scummvm/beneath-a-steel-sky")
_RATE: Final = 11025
_SPEECH: Final = range(50000, 60000)  # numbers of files
_ENTRY: Final = 8  # bytes
_HEADER: Final = 22  # bytes


def lines(folder: Path = FOLDER) -> Iterator[tuple[str, bytes]]:
    """Every recorded line by the number of its file: its bytes, without the table's flags.

    Raises:
        ModelError: not installed, or other files.
    """
    table, disk = folder / "sky.dnr", folder / "sky.dsk"
    if not table.is_file() or not disk.is_file():
        raise ModelError(
            "Beneath a Steel Sky is not installed", "apt-get install beneath-a-steel-sky"
        )
    rows, data = table.read_bytes(), disk.read_bytes()
    count = int.from_bytes(rows[:4], "little")
    if len(rows) < 4 + count * _ENTRY:
        raise ModelError(f"{table} is no table of Beneath a Steel Sky")
    for i in range(count):
        row = rows[4 + i * _ENTRY : 4 + (i + 1) * _ENTRY]
        number, place, size = (int.from_bytes(row[a:b], "little") for a, b in _PARTS)
        if number in _SPEECH:
            start = (place & 0x7FFFFF) << (4 if place >> 23 else 0)
            yield str(number), data[start : start + (size & 0x3FFFFF)]


_PARTS: Final = ((0, 2), (2, 5), (5, 8))


def decode(raw: bytes) -> NDArray[np.int16]:
    """A file of the game -> (n,) at 16 kHz."""
    body = raw[_HEADER:]
    if rnc.packed(body):
        body = rnc.unpack(body)
    samples = np.frombuffer(body, np.uint8).astype(np.float32)
    return to_int16((samples - 128) / 128, _RATE)
