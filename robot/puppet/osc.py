"""VMC over OSC: blendshapes and head pose, sent to avatars (Marionette) or received (Performer).

``/VMC/Ext/Blend/Val name value`` carries one shape and ``/VMC/Ext/Blend/Apply`` ends a frame. The
head
is ``/VMC/Ext/Bone/Pos Head x y z qx qy qz qw`` in Unity's axes: x right, y up, z forward, left-
handed.
Source: sh-akira, VirtualMotionCaptureProtocol, docs/english.markdown.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.puppet.livelink_udp import MalformedError

MARIONETTE_PORT: Final = 39539
PERFORMER_PORT: Final = 39540
_DATAGRAM: Final = 1400
"""Largest bundle in bytes: one Ethernet frame."""
PREFIX: Final = "/VMC/Ext/"
LONGEST: Final = 16384
"""Bytes of a datagram that is decoded."""
MOST: Final = 512
"""Messages of a datagram; a frame of VMC has about 120."""
_DEEPEST: Final = 8
_BUNDLE: Final = b"#bundle\0"
_AT_ONCE: Final = struct.pack(">Q", 1)
_NUMBERS: Final = {
    "i": struct.Struct(">i"), "f": struct.Struct(">f"), "d": struct.Struct(">d"),
    "h": struct.Struct(">q"), "t": struct.Struct(">Q"),
}  # fmt: skip
_TYPES: Final = {str: "s", float: "f", int: "i"}
_CONSTANTS: Final = {"T": True, "F": False, "N": None, "I": math.inf}
_SIZE: Final = struct.Struct(">i")
_BY_LOWER: Final = {name.lower(): i for i, name in enumerate(ARKIT)}
_NAMES: Final = tuple(name[0].upper() + name[1:] for name in ARKIT)
_UNUSED: Final = frozenset(
    f"{PREFIX}{name}"
    for name in (
        *("OK", "T", "VRM", "Cam", "Light", "Opt", "Remote", "Rcv", "Config", "Setting/Color"),
        *("Root/Pos", "Hmd/Pos", "Con/Pos", "Tra/Pos", "Hmd/Pos/Local", "Con/Pos/Local"),
        *("Tra/Pos/Local", "Con", "Key", "Midi/Note", "Midi/CC/Val", "Midi/CC/Bit", "Setting/Win"),
    )
)
"""Addresses of VMC that say nothing about a face."""
_YAW, _PITCH, _ROLL = (ROTATIONS.index(f"Head{axis}") for axis in ("Yaw", "Pitch", "Roll"))


@dataclass(frozen=True)
class OscMessage:
    """One OSC message."""

    address: str
    values: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class VmcFace:
    """Shapes (52,) in 0..1 and rotations (9,) rad; only those of the head are filled."""

    weights: NDArray[np.float32]
    rotations: NDArray[np.float32]


def encode(t: float, weights: NDArray[np.float32], rotations: NDArray[np.float32]) -> list[bytes]:
    """The datagrams of one frame at ``t`` s. The last one ends in Apply."""
    messages = [message("/VMC/Ext/T", float(t)), message("/VMC/Ext/OK", 1), _head(rotations)]
    messages += [
        message("/VMC/Ext/Blend/Val", name, float(value))
        for name, value in zip(_NAMES, weights.tolist(), strict=True)
    ]
    messages.append(message("/VMC/Ext/Blend/Apply"))
    packets, part, size = [], [messages[0]], len(messages[0]) + 4
    for one in messages[1:]:
        if size + len(one) + 4 > _DATAGRAM - 32:
            packets.append(bundle(part))
            part, size = [], 0
        part.append(one)
        size += len(one) + 4
    return [*packets, bundle(part)]


def decode(packet: bytes) -> list[OscMessage]:
    """The messages of a datagram, with bundles opened. Bytes, messages and depth are limited.

    Raises:
        MalformedError: not OSC, too long, or nested too deep.
    """
    if not packet or len(packet) > LONGEST:
        raise MalformedError(f"{len(packet)} bytes, expected 1 to {LONGEST}")
    out: list[OscMessage] = []
    try:
        _open(packet, 0, len(packet), out, 0)
    except (struct.error, UnicodeDecodeError) as e:
        raise MalformedError("ends within a number, or text that is none") from e
    return out


def _open(data: bytes, at: int, end: int, out: list[OscMessage], depth: int) -> None:
    if not data.startswith(_BUNDLE, at):
        if len(out) >= MOST:
            raise MalformedError(f"more than {MOST} messages")
        out.append(_read_message(data, at, end))
        return
    if depth >= _DEEPEST:
        raise MalformedError(f"more than {_DEEPEST} bundles within each other")
    at += len(_BUNDLE) + 8  # its time: everything is shown at once
    if at > end:
        raise MalformedError("ends within a bundle's head")
    while at < end:
        (size,) = _SIZE.unpack_from(data, at)
        at += _SIZE.size
        if not 0 < size <= end - at or size % 4:
            raise MalformedError(f"a part of {size} bytes where {end - at} are left")
        _open(data, at, at + size, out, depth + 1)
        at += size


def _read_message(data: bytes, at: int, end: int) -> OscMessage:
    address, at = _read_text(data, at, end)
    if not address.startswith("/"):
        raise MalformedError("an address that does not begin with /")
    if at == end:  # some old senders leave the types away when there is no value
        return OscMessage(address, ())
    types, at = _read_text(data, at, end)
    if not types.startswith(","):
        raise MalformedError("types that do not begin with a comma")
    values: list[Any] = []
    for kind in types[1:]:
        if kind in _NUMBERS:
            layout = _NUMBERS[kind]
            if at + layout.size > end:
                raise MalformedError("ends within a value")
            values.append(layout.unpack_from(data, at)[0])
            at += layout.size
        elif kind == "s":
            text, at = _read_text(data, at, end)
            values.append(text)
        elif kind in _CONSTANTS:
            values.append(_CONSTANTS[kind])
        else:
            raise MalformedError(f"a value of kind {kind!r}")
    if at != end:
        raise MalformedError(f"{end - at} bytes after the last value")
    return OscMessage(address, tuple(values))


def _read_text(data: bytes, at: int, end: int) -> tuple[str, int]:
    stop = data.find(b"\0", at, end)
    if stop < 0:
        raise MalformedError("a text without an end")
    after = at + (stop - at) // 4 * 4 + 4
    if after > end:
        raise MalformedError("a text that is not filled up to 4 bytes")
    return data[at:stop].decode(), after


@dataclass
class VmcShapes:
    """Collects values until Apply. A shape keeps its value until it is sent again."""

    _weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(len(ARKIT), np.float32))
    _rotations: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros(len(ROTATIONS), np.float32)
    )
    unknown: int = 0
    fault: str = ""

    def take(self, message: OscMessage) -> VmcFace | None:
        """A face when the message is Apply, else None.

        A number may have any type. What is not understood is counted (``unknown``) and the last of
        it kept (``fault``).
        """
        match message:
            case OscMessage("/VMC/Ext/Blend/Apply", _):
                return VmcFace(self._weights.copy(), self._rotations.copy())
            case OscMessage("/VMC/Ext/Blend/Val", (str(name), value)) if (
                name.lower() in _BY_LOWER and _is_number(value)
            ):
                self._weights[_BY_LOWER[name.lower()]] = min(max(float(value), 0.0), 1.0)
            case OscMessage("/VMC/Ext/Bone/Pos", ("Head", *numbers)) if _is_placement(numbers):
                self._rotations[[_YAW, _PITCH, _ROLL]] = _angles([float(x) for x in numbers[3:]])
            case OscMessage("/VMC/Ext/Bone/Pos", (str(bone), *_)) if bone != "Head":
                pass
            case _ if message.address not in _UNUSED:
                self.unknown += 1
                values = " ".join(str(value) for value in message.values)
                self.fault = f"{message.address} {values}".strip()
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _is_placement(numbers: list[Any]) -> bool:
    if len(numbers) != 7 or not all(_is_number(x) for x in numbers):
        return False
    return 0.5 < math.hypot(*numbers[3:]) < 2.0


def _head(rotations: NDArray[np.float32]) -> bytes:
    # Ours: +x the face's left, +z out of it, right-handed; +yaw to the left, +pitch up, +roll to
    # the left shoulder. Unity's avatar looks along +z with +x to its right: x changes sign, so the
    # turns about y and z do too, and the one about x stays.
    yaw, pitch, roll = (float(rotations[k]) for k in (_YAW, _PITCH, _ROLL))
    turn = _quaternion(-yaw, -pitch, roll)
    return message("/VMC/Ext/Bone/Pos", "Head", 0.0, 0.0, 0.0, *turn)


def _quaternion(y: float, x: float, z: float) -> tuple[float, float, float, float]:
    """(qx, qy, qz, qw) of rotations in rad about y, then x, then z (intrinsic)."""
    (sy, cy), (sx, cx), (sz, cz) = ((math.sin(a / 2), math.cos(a / 2)) for a in (y, x, z))
    return (
        cy * sx * cz + sy * cx * sz,
        sy * cx * cz - cy * sx * sz,
        cy * cx * sz - sy * sx * cz,
        cy * cx * cz + sy * sx * sz,
    )


def _angles(quaternion: list[float]) -> NDArray[np.float32]:
    """Yaw, pitch and roll of a head from (qx, qy, qz, qw) of any length; see ``_head``."""
    length = math.hypot(*quaternion)
    qx, qy, qz, qw = (part / length for part in quaternion)
    x = math.asin(min(max(2 * (qx * qw - qy * qz), -1.0), 1.0))
    y = math.atan2(2 * (qx * qz + qy * qw), 1 - 2 * (qx * qx + qy * qy))
    z = math.atan2(2 * (qx * qy + qz * qw), 1 - 2 * (qx * qx + qz * qz))
    return np.array([-y, -x, z], np.float32)


def message(address: str, *values: str | float | int) -> bytes:
    """One OSC message: text, numbers as f32, integers as i32."""
    types = "".join(_TYPES[type(value)] for value in values)
    out = _text(address) + _text("," + types)
    for kind, value in zip(types, values, strict=True):
        out += _text(str(value)) if kind == "s" else _NUMBERS[kind].pack(value)
    return out


def _text(text: str) -> bytes:
    raw = text.encode()
    return raw + b"\0" * (4 - len(raw) % 4)


def bundle(messages: list[bytes]) -> bytes:
    """A datagram with several messages of one time."""
    parts = (_SIZE.pack(len(m)) + m for m in messages)
    return _BUNDLE + _AT_ONCE + b"".join(parts)


assert len(_BY_LOWER) == len(INDEX), "shape names differ by more than case"
