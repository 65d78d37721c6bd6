"""COBS and CRC of the core against the package cobs, the standard library and our own Python."""

from binascii import crc_hqx

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st
from mien.firmware.host._core import ffi, lib

from mien.robot import wire
from mien.robot.link import protocol

frames = st.binary(min_size=0, max_size=253)


def c_encode(data: bytes, at: int = 0) -> bytes:
    """Through a ring of 256 bytes, from index ``at`` on."""
    ring = ffi.new("uint8_t[256]")
    end = lib.mien_cobs_encode(data, len(data), ring, at)
    size = (end - at) % 256
    return bytes(ring[(at + k) % 256] for k in range(size))


def c_decode(data: bytes) -> bytes | None:
    room = ffi.new("uint8_t[]", data + b"\xee")
    size = lib.mien_cobs_decode(room, len(data))
    return bytes(ffi.buffer(room, size)) if size else None


@given(frames, st.integers(0, 255))
def test_encoding_is_that_of_the_cobs_package(data: bytes, at: int) -> None:
    assert c_encode(data, at) == cobs.encode(data) + b"\0"
    assert protocol.stuff(data) == cobs.encode(data)


@given(st.binary(min_size=1, max_size=255))
def test_decoding_is_that_of_the_cobs_package_for_any_bytes(data: bytes) -> None:
    try:
        expected = cobs.decode(data) or None
    except cobs.DecodeError:
        expected = None
    assert c_decode(data) == expected
    try:
        ours = protocol.unstuff(data) or None
    except ValueError:
        ours = None
    assert ours == expected


@pytest.mark.parametrize("size", [1, 2, 108, 112, 252, 253])
@pytest.mark.parametrize("fill", [0x00, 0x01, 0xFF])
def test_edge_sizes_come_back(size: int, fill: int) -> None:
    data = bytes([fill]) * size
    assert c_decode(c_encode(data)[:-1]) == data
    assert protocol.unstuff(protocol.stuff(data)) == data


def test_crc_of_the_standard_check_string() -> None:
    assert lib.mien_crc(0xFFFF, b"123456789", 9) == 0x29B1


@given(frames, st.integers(0, 0xFFFF))
def test_crc_is_that_of_the_standard_library(data: bytes, start: int) -> None:
    assert lib.mien_crc(start, data, len(data)) == crc_hqx(data, start)
    assert lib.mien_crc_backwards(start, data, len(data)) == crc_hqx(data[::-1], start)


def syndromes(count: int) -> dict[int, list[tuple[int, int]]]:
    """What CRC and guard of a setpoint see of each error in one byte: {seen: [(at, error)]}.

    Both are linear, so two errors together go unseen exactly if each alone is seen the same way.
    """
    body = wire.SETPOINT_LAYOUT.size + 2 * count
    size = 2 + body + 4
    observed: dict[int, list[tuple[int, int]]] = {}
    for at in range(size):
        bits = []
        for bit in range(8):
            frame = bytearray(size)
            frame[at] = 1 << bit
            crc = crc_hqx(frame[:-2], 0) ^ int.from_bytes(frame[-2:], "little")
            payload, guard = frame[2 : 2 + body], frame[2 + body : -2]
            bits.append(crc << 16 | crc_hqx(payload[::-1], 0) ^ int.from_bytes(guard, "little"))
        for error in range(1, 256):
            value = 0
            for bit in range(8):
                value ^= bits[bit] if error >> bit & 1 else 0
            observed.setdefault(value, []).append((at, error))
    return observed


@pytest.mark.parametrize("count", range(1, wire.CHANNELS_MAX + 1))
def test_crc_and_guard_see_every_error_in_two_bytes_of_a_pose(count: int) -> None:
    observed = syndromes(count)
    assert 0 not in observed  # every error in one byte is seen
    body = range(2, 2 + wire.SETPOINT_LAYOUT.size + 2 * count)
    undetected = [errors for errors in observed.values() if len(errors) > 1]
    assert not [e for e in undetected if sum(at in body for at, _ in e) > 1]
    # What is left pairs one byte of the pose with one of the checks themselves.
    pairs = sum(any(at in body for at, _ in e) for e in undetected)
    assert pairs < 1e-6 * (255 * len(body)) ** 2
