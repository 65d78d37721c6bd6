"""Live Link Face over UDP, packet version 6: sent by the iPhone app and read by Unreal.

Big-endian, no checksum: version u8, device and subject as length i32 + UTF-8, frame i32, sub-frame
f32, rate as two i32, count u8 = 61, then 61 f32 in Unreal's order (``EARFaceBlendShape``: the CSV
columns with left and right of jaw and mouth exchanged). Count and values are missing when the app
sees no face.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.robot.media.livelink_takes import ROTATIONS, SHAPES, arkit_name

PORT: Final = 11111
VERSION: Final = 6
LONGEST: Final = 774
"""Unreal's limit on a packet in bytes. Longer ones are not decoded."""
_EXCHANGED: Final = {
    "JawRight": "JawLeft",
    "JawLeft": "JawRight",
    "MouthRight": "MouthLeft",
    "MouthLeft": "MouthRight",
}
ORDER: Final[tuple[str, ...]] = tuple(_EXCHANGED.get(name, name) for name in SHAPES)
"""The 52 shapes in the order of the wire."""
_COUNT: Final = len(ORDER) + len(ROTATIONS)
_TO_WIRE: Final = np.array([INDEX[arkit_name(name)] for name in ORDER])
_LENGTH: Final = struct.Struct(">i")
_TIMING: Final = struct.Struct(">ifii")
_VALUES: Final = struct.Struct(f">B{_COUNT}f")


class MalformedError(ValueError):
    """A packet that is not Live Link Face version 6; the message says why."""


@dataclass(frozen=True, eq=False)
class LiveLinkPacket:
    """One packet.

    Attributes:
        device: id of the phone.
        subject: name that Unreal shows.
        number, sub_frame: frame counter and its fraction.
        rate: frames per second as (numerator, denominator).
        weights: (52,) in 0..1, order of ``ARKIT``; None when the phone sees no face.
        rotations: (9,) rad, order of ``ROTATIONS``; None when the phone sees no face.
    """

    device: str
    subject: str
    number: int
    sub_frame: float = 0.0
    rate: tuple[int, int] = (60, 1)
    weights: NDArray[np.float32] | None = None
    rotations: NDArray[np.float32] | None = None


def encode(frame: LiveLinkPacket) -> bytes:
    """Encode a packet. Without weights it is a header only.

    Raises:
        ValueError: the packet would be longer than receivers accept.
    """
    out = bytes([VERSION]) + _text(frame.device) + _text(frame.subject)
    out += _TIMING.pack(frame.number, frame.sub_frame, *frame.rate)
    if frame.weights is not None:
        turned = np.zeros(len(ROTATIONS)) if frame.rotations is None else frame.rotations
        out += _VALUES.pack(_COUNT, *frame.weights[_TO_WIRE].tolist(), *turned.tolist())
    if len(out) > LONGEST:
        raise ValueError(f"the packet has {len(out)} bytes, at most {LONGEST}; shorten the names")
    return out


def decode(packet: bytes) -> LiveLinkPacket:
    """Decode a packet. Weights are clipped to 0..1 and angles to one turn.

    Raises:
        MalformedError: anything else than one whole packet of version 6.
    """
    if not packet or len(packet) > LONGEST:
        raise MalformedError(f"{len(packet)} bytes, expected 1 to {LONGEST}")
    if packet[0] != VERSION:
        raise MalformedError(f"version {packet[0]}, expected {VERSION}")
    device, at = _read_text(packet, 1)
    subject, at = _read_text(packet, at)
    if len(packet) < at + _TIMING.size:
        raise MalformedError("ends within the frame time")
    number, sub_frame, numerator, denominator = _TIMING.unpack_from(packet, at)
    if not math.isfinite(sub_frame):
        raise MalformedError(f"sub-frame {sub_frame}")
    at += _TIMING.size
    header = (device, subject, number, sub_frame, (numerator, denominator))
    if at == len(packet):
        return LiveLinkPacket(*header)
    if packet[at] != _COUNT:
        raise MalformedError(f"{packet[at]} values, expected {_COUNT}")
    if len(packet) != at + _VALUES.size:
        raise MalformedError(f"{len(packet)} bytes, expected {at + _VALUES.size}")
    values = np.array(_VALUES.unpack_from(packet, at)[1:], np.float32)
    if not np.isfinite(values).all():
        raise MalformedError("a value is not finite")
    weights = np.zeros(len(ARKIT), np.float32)
    weights[_TO_WIRE] = np.clip(values[: len(ORDER)], 0.0, 1.0)
    rotations = np.clip(values[len(ORDER) :], -math.pi, math.pi).astype(np.float32)
    return LiveLinkPacket(*header, weights, rotations)


def _text(text: str) -> bytes:
    raw = text.encode()
    return _LENGTH.pack(len(raw)) + raw


def _read_text(packet: bytes, at: int) -> tuple[str, int]:
    if len(packet) < at + _LENGTH.size:
        raise MalformedError("ends within a length")
    (length,) = _LENGTH.unpack_from(packet, at)
    start = at + _LENGTH.size
    if not 0 <= length <= len(packet) - start:
        raise MalformedError(f"a name of {length} bytes where {len(packet) - start} are left")
    try:
        return packet[start : start + length].decode(), start + length
    except UnicodeDecodeError as e:
        raise MalformedError("a name is not UTF-8") from e
