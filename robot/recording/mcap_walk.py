"""Parts of an MCAP file in order, from a file that may be cut, damaged or forged.

The readers of the library need the index at the end of a file, which a killed run never wrote. This
one needs no index. It goes from part to part and limits every size before it reads. Where a part is
invalid it searches for the next valid one.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import IO, Final

import zstandard
from mcap.opcode import Opcode

MAGIC: Final = b"\x89MCAP0\r\n"
MAX_CHUNK_BYTES: Final = 16 << 20
"""Largest chunk in bytes, packed or unpacked. Ours have one MiB and a record."""
MAX_PART_BYTES: Final = 1 << 20
"""Largest size in bytes of any other part."""
_MAX_WASTED_BYTES: Final = 256 << 20
"""Bytes without a record after which a file is given up. It limits the time for a forged file."""
_WINDOW_BYTES: Final = 1 << 20
_HEAD: Final = Struct("<BQ")
_CHUNK: Final = Struct("<QQQII")  # first time, last time, unpacked size, CRC, length of a name
_MESSAGE: Final = Struct("<HIQQ")
_INDEX: Final = Struct("<HI")
_KNOWN: Final = frozenset(Opcode) - {Opcode.MESSAGE, Opcode.ATTACHMENT}
_MARKERS: Final = (  # how a part begins that is worth to go on from: bytes, their place, opcode
    (b"\x04\0\0\0zstd", _HEAD.size + 28, Opcode.CHUNK),
    (b"\x04\0\0\0mien", _HEAD.size, Opcode.METADATA),
    (b"\x03\0\0\0end", _HEAD.size, Opcode.METADATA),
)


@dataclass(frozen=True)
class McapPart:
    """One part of the file.

    Attributes:
        opcode: kind of the part.
        at: its first byte.
        end: the first byte after it.
        body: its content; shorter than announced where the file ends within it.
        cut: whether the file ends within it.
    """

    opcode: int
    at: int
    end: int
    body: bytes
    cut: bool = False


@dataclass(frozen=True)
class DamagedRange:
    """Invalid bytes from ``at`` to ``end``."""

    at: int
    end: int


class McapWalk:
    """One pass through a file.

    Attributes:
        closed: whether the end of the file is that of a run that ended properly.
        at: current byte; after the last part, the first byte that could not be read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self.closed = False
        self.at = 0
        self._wasted = 0

    def parts(self) -> Iterator[McapPart | DamagedRange]:
        """Every part that can be read, and what lies between them otherwise.

        Raises:
            ValueError: no MCAP file at all.
        """
        first = self._read(0, len(MAGIC))
        if first != MAGIC and MAGIC.startswith(first):
            raise ValueError(f"it is cut at byte {len(first)}: nothing can be read")
        if first != MAGIC:
            raise ValueError("it does not begin as an MCAP file does")
        self.at = len(MAGIC)
        while self.at < self.size and not self.closed:
            part = self._part(self.at)
            if part is not None and not part.cut:
                self.at = part.end
                self.closed = part.opcode == Opcode.FOOTER and self._ends_at(part.end)
                yield part
                continue
            after = self._next_marker(self.at + 1)
            if after is not None:
                damage, self.at = DamagedRange(self.at, after), after
                yield damage
                continue
            if part is not None:
                yield part
            return

    def damaged(self, part: McapPart) -> DamagedRange:
        """Report a part with invalid content, and go on at the next valid one."""
        self._wasted += len(part.body) + _announced(part)
        if self._part(part.end) is None:
            self.at = self._next_marker(part.at + 1) or self.size
        return DamagedRange(part.at, self.at)

    def _part(self, at: int) -> McapPart | None:
        """The part that begins at byte ``at``; None where none begins."""
        head = self._read(at, _HEAD.size)
        if len(head) < _HEAD.size:
            return None
        opcode, length = _HEAD.unpack(head)
        limit = MAX_CHUNK_BYTES + 64 if opcode == Opcode.CHUNK else MAX_PART_BYTES
        if opcode == Opcode.MESSAGE_INDEX:
            limit = MAX_CHUNK_BYTES
        if opcode not in _KNOWN or length > limit:
            return None
        body = self._read(at + _HEAD.size, length)
        if opcode == Opcode.MESSAGE_INDEX and length != _index_size(body):
            return None  # of a damaged length: it would take the chunks after it with it
        return McapPart(opcode, at, at + _HEAD.size + length, body, len(body) < length)

    def _next_marker(self, at: int) -> int | None:
        """Byte at which the next chunk or metadata begins, from ``at`` on; None without one."""
        while at < self.size and self._wasted < _MAX_WASTED_BYTES:
            window = self._read(at, _WINDOW_BYTES)
            self._wasted += len(window) // 64
            found = [
                start
                for marker, ahead, opcode in _MARKERS
                for start in _starts(window, marker, ahead, opcode)
            ]
            for start in sorted(found):
                part = self._part(at + start)
                self._wasted += _HEAD.size if part is None else len(part.body)
                if part is not None and not part.cut:
                    return at + start
                if self._wasted >= _MAX_WASTED_BYTES:
                    return None
            at += _WINDOW_BYTES - 64  # a sign may lie across the border
        return None

    def _ends_at(self, at: int) -> bool:
        return self._read(at, len(MAGIC)) == MAGIC

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size)


def unpacked(part: McapPart) -> bytes:
    """Content of a chunk. Of a chunk that was cut, as much as can be unpacked.

    Raises:
        ValueError: sizes, packing or checksum are wrong.
    """
    body = part.body
    if len(body) < _CHUNK.size:
        raise ValueError("a chunk without a head")
    *_, size, crc, named = _CHUNK.unpack_from(body)
    name = body[_CHUNK.size : _CHUNK.size + named] if named <= 8 else b"?"
    start = _CHUNK.size + len(name) + 8
    if size > MAX_CHUNK_BYTES or name not in (b"", b"zstd"):
        raise ValueError(f"a chunk of {size} bytes packed with {name!a}")
    packed = body[start:]
    if not part.cut and int.from_bytes(body[start - 8 : start], "little") != len(packed):
        raise ValueError("a chunk whose two lengths differ, so that it may hold others")
    if name == b"zstd":
        # Never more than was announced: a few bytes may unpack to any number.
        unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_CHUNK_BYTES)
        try:
            with unpacker.stream_reader(io.BytesIO(packed)) as stream:
                data = stream.read(size + 1)
        except zstandard.ZstdError as e:
            raise ValueError("a chunk that does not unpack") from e
    else:
        data = packed[: size + 1]
    if not part.cut and (len(data) != size or (crc and zlib.crc32(data) != crc)):
        raise ValueError("a chunk whose checksum is another")
    return data


def records(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """(opcode, body) of the whole records in a chunk."""
    view, at = memoryview(data), 0
    while at + _HEAD.size <= len(data):
        opcode, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if length > len(data) - at:
            return
        yield opcode, view[at : at + length]
        at += length


def message(body: memoryview) -> tuple[int, int, int, bytes]:
    """(channel, sequence, time in ns, data) of a message.

    Raises:
        ValueError: it is too short.
    """
    if len(body) < _MESSAGE.size:
        raise ValueError("a message without a head")
    channel, sequence, at, _ = _MESSAGE.unpack_from(body)
    return channel, sequence, at, bytes(body[_MESSAGE.size :])


def _index_size(body: bytes) -> int:
    """Length of a message index as it is written in it: its channel, its list's size, its list."""
    return _INDEX.size + (_INDEX.unpack_from(body)[1] if len(body) >= _INDEX.size else 0)


def _announced(part: McapPart) -> int:
    if part.opcode != Opcode.CHUNK or len(part.body) < _CHUNK.size:
        return 0
    return min(int(_CHUNK.unpack_from(part.body)[2]), MAX_CHUNK_BYTES)


def _starts(window: bytes, marker: bytes, ahead: int, opcode: int) -> Iterator[int]:
    found = window.find(marker, ahead)
    while found >= 0:
        if window[found - ahead] == opcode:
            yield found - ahead
        found = window.find(marker, found + 1)
