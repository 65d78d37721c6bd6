"""What ``mien.models.data.corpora.rnc`` undoes: a simple packer, for tests."""

from __future__ import annotations

import struct

from mien.models.data.corpora import rnc


class Writer:
    """The two streams of a block: a word of bits has its place where its first bit was written."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.word = 0
        self.free = 0

    def bits(self, value: int, count: int) -> None:
        for k in range(count):
            if not self.free:
                self.word, self.free = len(self.data), 16
                self.data += b"\0\0"
            if value >> k & 1:
                at = 16 - self.free
                self.data[self.word + at // 8] |= 1 << at % 8
            self.free -= 1

    def number(self, value: int) -> None:
        """By a code in which each of the 16 sizes has four bits, its highest first."""
        size = value.bit_length()
        for k in (3, 2, 1, 0):
            self.bits(size >> k & 1, 1)
        if size > 1:
            self.bits(value, size - 1)


def pack(data: bytes, chunk: int = 400) -> bytes:
    """What ``rnc.unpack`` undoes: every copy of 3 or more bytes is taken."""
    out = Writer()
    out.bits(0, 2)
    pieces = [(a, min(a + chunk, len(data))) for a in range(0, len(data), chunk)] or [(0, 0)]
    for start, end in pieces:
        for _ in range(3):
            out.bits(16, 5)
            for _ in range(16):
                out.bits(4, 4)
        steps: list[tuple[bytes, int, int]] = []
        at = run = start
        while at < end:
            back, more = longest(data, at, end)
            if more >= 3:
                steps.append((data[run:at], back, more))
                at += more
                run = at
            else:
                at += 1
        out.bits(len(steps) + 1, 16)
        for literals, back, more in [*steps, (data[run:end], 0, 0)]:
            out.number(len(literals))
            out.data += literals
            if back:
                out.number(back - 1)
                out.number(more - 2)
    body = bytes(out.data)
    checks = (rnc.crc(data), rnc.crc(body))
    return (
        struct.pack(">3sBIIHHBB", b"RNC", 1, len(data), len(body), *checks, 0, len(pieces)) + body
    )


def longest(data: bytes, at: int, end: int) -> tuple[int, int]:
    best = (0, 0)
    for back in range(1, min(at, 64) + 1):
        more = 0
        while at + more < end and data[at + more] == data[at + more - back]:
            more += 1
        best = max(best, (back, more), key=lambda b: b[1])
    return best
