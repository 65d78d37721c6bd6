"""What a bad line does to bytes: flips, bursts, losses, repeats and splices, from a seed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random


def flips(data: bytes, rng: Random, rate: float) -> bytes:
    """Each byte becomes any other with probability ``rate``."""
    out = bytearray(data)
    for i in range(len(out)):
        if rng.random() < rate:
            out[i] ^= rng.randrange(1, 256)
    return bytes(out)


def two_bytes(data: bytes, rng: Random) -> bytes:
    """Two bytes anywhere become others."""
    out = bytearray(data)
    for _ in range(2):
        out[rng.randrange(len(out))] ^= rng.randrange(1, 256)
    return bytes(out)


def one_bit(data: bytes, rng: Random) -> bytes:
    """One bit turns over."""
    out = bytearray(data)
    out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def burst(data: bytes, rng: Random) -> bytes:
    """2 to 24 bytes in a row become noise."""
    start = rng.randrange(len(data))
    length = rng.randrange(2, 25)
    return data[:start] + rng.randbytes(min(length, len(data) - start)) + data[start + length :]


def truncation(data: bytes, rng: Random) -> bytes:
    """The end is missing, or the beginning."""
    cut = rng.randrange(1, len(data))
    return data[:cut] if rng.random() < 0.5 else data[cut:]


def loss(data: bytes, rng: Random) -> bytes:
    """1 to 8 bytes in the middle are missing."""
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 9) :]


def repeat(data: bytes, rng: Random) -> bytes:
    """A piece of 1 to 16 bytes comes twice."""
    start = rng.randrange(len(data))
    end = start + rng.randrange(1, 17)
    return data[:end] + data[start:end] + data[end:]


def zeros(data: bytes, rng: Random) -> bytes:
    """An end of frame appears where none was."""
    at = rng.randrange(1, len(data))
    return data[:at] + b"\0" + data[at:]


DAMAGES: tuple[Callable[[bytes, Random], bytes], ...] = (
    lambda data, rng: flips(data, rng, 0.01),
    lambda data, rng: flips(data, rng, 0.05),
    two_bytes,
    one_bit,
    burst,
    truncation,
    loss,
    repeat,
    zeros,
)


def damaged(data: bytes, before: bytes, rng: Random) -> bytes:
    """``data`` in one of the ways above, or spliced with the frame ``before``; never as it was."""
    while True:
        kind = rng.randrange(len(DAMAGES) + 1)
        if kind == len(DAMAGES):
            cut = rng.randrange(1, min(len(data), len(before)))
            out = before[:cut] + data[cut:]  # two poses in one frame: the worst that could happen
        else:
            out = DAMAGES[kind](data, rng)
        if out not in (data, before):
            return out
