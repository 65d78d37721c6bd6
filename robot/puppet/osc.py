"""VMC over OSC: blendshapes and head to avatars (Marionette), and from them (Performer).

``/VMC/Ext/Blend/Val name value`` for each shape, then ``/VMC/Ext/Blend/Apply``; the head is
``/VMC/Ext/Bone/Pos Head x y z qx qy qz qw``. Unity's axes: x right, y up, z forward, left-handed.
(sh-akira, VirtualMotionCaptureProtocol, docs/english.markdown.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket
from scipy.spatial.transform import Rotation

from models.blendshapes import ARKIT, INDEX
from robot.livelink import ROTATIONS
from robot.puppet.livelink_udp import MalformedError

MARIONETTE_PORT: Final = 39539
PERFORMER_PORT: Final = 39540
_DATAGRAM: Final = 1400
"""Bytes of a bundle at most: one Ethernet frame."""
_LONGEST: Final = 16384
_DEEPEST: Final = 8
_BUNDLE: Final = b"#bundle\0"
_BY_LOWER: Final = {name.lower(): i for i, name in enumerate(ARKIT)}
_NAMES: Final = tuple(name[0].upper() + name[1:] for name in ARKIT)
_YAW, _PITCH, _ROLL = (ROTATIONS.index(f"Head{axis}") for axis in ("Yaw", "Pitch", "Roll"))


@dataclass(frozen=True)
class Message:
    """One OSC message."""

    address: str
    values: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Face:
    """Shapes (52,) in 0..1 and rotations (9,) in radians, of which only the head's are filled."""

    weights: NDArray[np.float32]
    rotations: NDArray[np.float32]


def encode(t: float, weights: NDArray[np.float32], rotations: NDArray[np.float32]) -> list[bytes]:
    """The datagrams of one frame at ``t`` s; the last one ends in Apply."""
    messages = [_message("/VMC/Ext/T", float(t)), _message("/VMC/Ext/OK", 1), _head(rotations)]
    messages += [
        _message("/VMC/Ext/Blend/Val", name, float(value))
        for name, value in zip(_NAMES, weights.tolist(), strict=True)
    ]
    messages.append(_message("/VMC/Ext/Blend/Apply"))
    packets, part, size = [], [messages[0]], messages[0].size + 4
    for message in messages[1:]:
        if size + message.size + 4 > _DATAGRAM - 32:
            packets.append(_bundle(part))
            part, size = [], 0
        part.append(message)
        size += message.size + 4
    return [*packets, _bundle(part)]


def decode(packet: bytes) -> list[Message]:
    """The messages of a datagram, bundles opened.

    Raises:
        MalformedError: it is not OSC, too long, or nested too deep.
    """
    if not packet or len(packet) > _LONGEST or packet.count(_BUNDLE) > _DEEPEST:
        raise MalformedError(f"{len(packet)} bytes, {packet.count(_BUNDLE)} bundles")
    try:
        parsed = OscPacket(packet).messages
        return [Message(m.message.address, tuple(m.message.params)) for m in parsed]
    except Exception as e:  # the parser lets several kinds out of hostile bytes
        raise MalformedError(f"not OSC: {e}") from e


@dataclass
class Gather:
    """Collects values until Apply; shapes that are not named again keep their value."""

    _weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(len(ARKIT), np.float32))
    _rotations: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros(len(ROTATIONS), np.float32)
    )
    unknown: int = 0

    def take(self, message: Message) -> Face | None:
        """A face when the message is Apply. What it does not know it counts and leaves."""
        match message:
            case Message("/VMC/Ext/Blend/Apply", _):
                return Face(self._weights.copy(), self._rotations.copy())
            case Message("/VMC/Ext/Blend/Val", (str(name), float(value))) if (
                name.lower() in _BY_LOWER and math.isfinite(value)
            ):
                self._weights[_BY_LOWER[name.lower()]] = min(max(value, 0.0), 1.0)
            case Message("/VMC/Ext/Bone/Pos", ("Head", *numbers)) if _is_placement(numbers):
                self._rotations[[_YAW, _PITCH, _ROLL]] = _angles(numbers[3:])
            case _:
                self.unknown += 1
        return None


def _is_placement(numbers: list[Any]) -> bool:
    if len(numbers) != 7 or not all(isinstance(x, float) and math.isfinite(x) for x in numbers):
        return False
    return 0.5 < math.hypot(*numbers[3:]) < 2.0


def _head(rotations: NDArray[np.float32]) -> OscMessage:
    # Ours: +x the face's left, +z out of it, right-handed; +yaw to the left, +pitch up, +roll to
    # the left shoulder. Unity's avatar looks along +z with +x to its right: x changes sign, so the
    # turns about y and z do too, and the one about x stays.
    yaw, pitch, roll = (float(rotations[k]) for k in (_YAW, _PITCH, _ROLL))
    turn = Rotation.from_euler("YXZ", [-yaw, -pitch, roll]).as_quat().tolist()
    return _message("/VMC/Ext/Bone/Pos", "Head", 0.0, 0.0, 0.0, *turn)


def _angles(quaternion: list[float]) -> NDArray[np.float32]:
    y, x, z = Rotation.from_quat(quaternion).as_euler("YXZ")
    return np.array([-y, -x, z], np.float32)


def _message(address: str, *values: str | float | int) -> OscMessage:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build()


def _bundle(messages: list[OscMessage]) -> bytes:
    builder = OscBundleBuilder(IMMEDIATELY)
    for message in messages:
        builder.add_content(message)
    return bytes(builder.build().dgram)


assert len(_BY_LOWER) == len(INDEX), "shape names differ by more than case"
