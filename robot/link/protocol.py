"""Bytes to messages and back, without I/O. The wire is defined in ``firmware/core/protocol.h``."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.robot import wire

UNITS_PER_US = 4  # a pulse on the wire is in 0.25 us
CRC_INIT = 0xFFFF
M = TypeVar("M")


@dataclass(frozen=True)
class WireFrame:
    """One valid frame: type (of ``wire.Msg`` if known), sequence number, payload."""

    type: int
    seq: int
    payload: bytes


def crc16(data: bytes, start: int = CRC_INIT) -> int:
    """CRC-16/CCITT-FALSE of ``data``; ``start`` continues an earlier one."""
    return crc_hqx(data, start)


def stuff(data: bytes) -> bytes:
    """COBS without the closing zero, for up to 253 bytes."""
    return b"".join(bytes((len(run) + 1,)) + run for run in data.split(b"\0"))


def unstuff(data: bytes) -> bytes:
    """The inverse of ``stuff``.

    Raises:
        ValueError: empty, truncated, or it holds a zero.
    """
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        run = data[at + 1 : at + code]
        if code == 0 or len(run) != code - 1 or 0 in run:
            raise ValueError("not a COBS frame")
        out += run
        at += code
        if at < len(data) and code != 0xFF:
            out.append(0)
    if not data:
        raise ValueError("not a COBS frame")
    return bytes(out)


def encode(type_: int, seq: int, payload: bytes = b"") -> bytes:
    """A whole frame, closing zero included."""
    body = bytes((type_, seq & 0xFF)) + payload
    return stuff(body + crc16(body).to_bytes(2, "little")) + b"\0"


def decode(stuffed: bytes) -> WireFrame:
    """Decode one frame without its closing zero.

    Raises:
        ValueError: framing or CRC are wrong.
    """
    plain = unstuff(stuffed)
    if len(plain) < 4 or crc16(plain[:-2]) != int.from_bytes(plain[-2:], "little"):
        raise ValueError("wrong CRC")
    return WireFrame(plain[0], plain[1], plain[2:-2])


class Deframer:
    """Splits a stream of bytes into frames. ``bad`` counts discarded frames."""

    def __init__(self) -> None:
        self.bad = 0
        self._rest = bytearray()

    @property
    def waiting(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._rest)

    def feed(self, data: bytes) -> Iterator[WireFrame]:
        """All frames that ``data`` completes. Consume the iterator before the next call."""
        self._rest += data
        *whole, rest = self._rest.split(b"\0")
        self._rest = rest
        if len(rest) > wire.FRAME_MAX:
            del rest[: -wire.FRAME_MAX]  # noise without zeros must not grow for ever
        for stuffed in whole:
            if not stuffed:
                continue
            try:
                yield decode(bytes(stuffed))
            except ValueError:
                self.bad += 1


def pack(message: Any) -> bytes:
    """Payload of a message of ``wire`` with fixed size."""
    fields = (getattr(message, name) for name in message.__slots__)
    return _layout(type(message)).pack(*fields)


def unpack(kind: type[M], payload: bytes) -> M:
    """Message of class ``kind`` from the start of ``payload``.

    Raises:
        ValueError: too short.
    """
    layout = _layout(kind)
    if len(payload) < layout.size:
        raise ValueError(f"{kind.__name__} needs {layout.size} bytes, got {len(payload)}")
    return kind(*layout.unpack_from(payload))


def to_units(pulses_us: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Microseconds -> 0.25 us, rounded to the nearest."""
    return np.rint(np.clip(pulses_us, 0.0, 16383.0) * UNITS_PER_US).astype(np.uint16)


def setpoint(t_us: int, units: NDArray[np.uint16], first: int = 0) -> bytes:
    """Payload of SETPOINT for the pulses ``units`` (n,) of channels ``first`` and up."""
    head = wire.SETPOINT_LAYOUT.pack(t_us & 0xFFFFFFFF, first, len(units))
    body = head + units.astype("<u2").tobytes()
    return body + crc16(body[::-1]).to_bytes(2, "little")


def outputs(payload: bytes) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Payload of OUTPUTS -> pulses (n,) in 0.25 us, driven (n,).

    Raises:
        ValueError: the length does not fit the count.
    """
    head = unpack(wire.Outputs, payload)
    body = payload[wire.OUTPUTS_LAYOUT.size :]
    if len(body) != 2 * head.count:
        raise ValueError(f"OUTPUTS of {head.count} channels with {len(body)} bytes of pulses")
    bits = np.frombuffer(payload[5 : wire.OUTPUTS_LAYOUT.size], dtype=np.uint8)
    powered = np.unpackbits(bits, bitorder="little")[: head.count].astype(np.bool_)
    return np.frombuffer(body, dtype="<u2").astype(np.uint16), powered


_LAYOUTS: dict[type, Struct] = {
    kind: getattr(wire, f"{name}_LAYOUT")
    for name, kind in {
        "PING": wire.Ping,
        "CONFIG_BEGIN": wire.ConfigBegin,
        "CONFIG_CHANNEL": wire.ConfigChannel,
        "CONFIG_INTERLOCK": wire.ConfigInterlock,
        "INTERLOCK_TERM": wire.InterlockTerm,
        "CONFIG_COMMIT": wire.ConfigCommit,
        "ARM": wire.Arm,
        "SETPOINT": wire.Setpoint,
        "HELLO_REPLY": wire.HelloReply,
        "PONG": wire.Pong,
        "ACK": wire.Ack,
        "TELEMETRY": wire.Telemetry,
        "OUTPUTS": wire.Outputs,
    }.items()
}


def _layout(kind: type) -> Struct:
    return _LAYOUTS[kind]
