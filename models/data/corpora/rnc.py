"""Rob Northen's compression, method 1: Huffman codes and copies of earlier output.

The header has 18 bytes, big-endian: "RNC", the method, both sizes, both checksums, leeway, number
of chunks. After it a bit stream and a byte stream share the data. Bits come from 16-bit
little-endian words, lowest bit first. A word is read at the current position of the byte stream.
The first two bits are unused. A chunk has three Huffman codes (lengths of literals, distances,
lengths of copies) and a count. Then follow that many runs of literal bytes. After each run except
the last there is a distance minus 1 and a length minus 2. The code of a number is its size in bits.
The number follows without its leading 1.
"""

from __future__ import annotations

import struct
from typing import Final

from mien.models.errors import ModelError

_HEADER: Final = struct.Struct(">3sBIIHHBB")


def packed(data: bytes) -> bool:
    """Whether data begin with the header of a packed block."""
    return len(data) >= _HEADER.size and data[:4] == b"RNC\x01"


def crc(data: bytes) -> int:
    """CRC-16 with the reflected polynomial 0xA001, from 0 (ARC)."""
    value = 0
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value


def _crc_row(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_CRC: Final = tuple(map(_crc_row, range(256)))


class _Bits:
    """The two streams of one block."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._bits = 0
        self._count = 0

    def take(self, count: int) -> int:
        """The next ``count`` bits, the first bit lowest."""
        while self._count < count:
            if self._at + 2 > len(self._data) + 1:
                raise ModelError("a packed block ends too soon")
            word = int.from_bytes(self._data[self._at : self._at + 2], "little")
            self._bits |= word << self._count
            self._at += 2
            self._count += 16
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._count -= count
        return value

    def literals(self, count: int) -> bytes:
        """The next bytes."""
        out = self._data[self._at : self._at + count]
        if len(out) < count:
            raise ModelError("a packed block ends too soon")
        self._at += count
        return out


class _Code:
    """A canonical Huffman code for 0 to 15: the size in bits of a number."""

    def __init__(self, bits: _Bits) -> None:
        sizes = [bits.take(4) for _ in range(bits.take(5))]
        self._values: dict[tuple[int, int], int] = {}
        code = 0
        for size in range(1, 16):
            for value, length in enumerate(sizes):
                if length == size:
                    self._values[size, code] = value
                    code += 1
            code <<= 1

    def read(self, bits: _Bits) -> int:
        code = 0
        for size in range(1, 16):
            code = code << 1 | bits.take(1)  # codes begin with their highest bit
            value = self._values.get((size, code))
            if value is not None:
                return value if value < 2 else 1 << (value - 1) | bits.take(value - 1)
        raise ModelError("a packed block has a code that means nothing")


def unpack(data: bytes) -> bytes:
    """Decompress a packed block.

    Raises:
        ModelError: not a packed block, or a damaged one.
    """
    if not packed(data):
        raise ModelError("no block packed by RNC's method 1")
    _, _, size, length, check, packed_check, _, chunks = _HEADER.unpack_from(data)
    body = data[_HEADER.size : _HEADER.size + length]
    if len(body) < length or crc(body) != packed_check:
        raise ModelError("a packed block is damaged (checksum)")
    bits = _Bits(body)
    bits.take(2)
    out = bytearray()
    for _ in range(chunks):
        runs, distances, lengths = (_Code(bits) for _ in range(3))
        count = bits.take(16)
        for i in range(count):
            out += bits.literals(runs.read(bits))
            if i + 1 < count:
                back, more = distances.read(bits) + 1, lengths.read(bits) + 2
                if back > len(out):
                    raise ModelError("a packed block copies from before its start")
                row = out[-back:]
                out += (row * (more // back + 1))[:more]
    if len(out) != size or crc(bytes(out)) != check:
        raise ModelError("a packed block is damaged (checksum of what went in)")
    return bytes(out)
