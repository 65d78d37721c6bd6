import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.puppet.livelink_udp import (
    LONGEST,
    ORDER,
    LiveLinkPacket,
    MalformedError,
    decode,
    encode,
)

DEVICE = "01234567-89AB-CDEF-0123-456789ABCDEF"
GOLDEN = (
    bytes.fromhex("06 00000024")
    + DEVICE.encode()
    + bytes.fromhex("00000006 6950686f6e65 0000007b 3f000000 0000003c 00000001 3d")
    + b"".join(struct.pack(">f", np.float32(k) / np.float32(100)) for k in range(61))
)
UNREAL = [
    "eyeBlinkLeft",
    "eyeLookDownLeft",
    "eyeLookInLeft",
    "eyeLookOutLeft",
    "eyeLookUpLeft",
    "eyeSquintLeft",
    "eyeWideLeft",
    "eyeBlinkRight",
    "eyeLookDownRight",
    "eyeLookInRight",
    "eyeLookOutRight",
    "eyeLookUpRight",
    "eyeSquintRight",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawRight",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthLeft",
    "mouthRight",
    "mouthSmileLeft",
    "mouthSmileRight",
]


def ramp() -> LiveLinkPacket:
    """The frame whose value i on the wire is i / 100."""
    weights = np.zeros(52, np.float32)
    for k, name in enumerate(ORDER):
        weights[INDEX[name[0].lower() + name[1:]]] = np.float32(k) / np.float32(100)
    turned = (np.arange(52, 61).astype(np.float32) / np.float32(100)).astype(np.float32)
    return LiveLinkPacket(DEVICE, "iPhone", 123, 0.5, (60, 1), weights, turned)


def test_bytes_of_a_known_packet() -> None:
    assert encode(ramp()) == GOLDEN
    assert len(GOLDEN) == 306 + len("iPhone")


def test_reading_a_known_packet() -> None:
    frame = decode(GOLDEN)
    assert (frame.device, frame.subject, frame.number, frame.rate) == (
        DEVICE,
        "iPhone",
        123,
        (60, 1),
    )
    assert frame.sub_frame == 0.5
    assert frame.weights is not None
    assert frame.rotations is not None
    for k, name in enumerate(UNREAL):  # written out here: an independent list
        assert frame.weights[INDEX[name]] == pytest.approx(k / 100), name
    np.testing.assert_allclose(frame.rotations, np.arange(52, 61) / 100, rtol=1e-6)


@pytest.mark.parametrize("name", ARKIT)
def test_each_shape_alone_survives_by_name(name: str) -> None:
    weights = np.zeros(52, np.float32)
    weights[INDEX[name]] = 1.0
    back = decode(encode(LiveLinkPacket("d", "s", 0, weights=weights)))
    assert back.weights is not None
    np.testing.assert_array_equal(back.weights, weights)


def test_a_jaw_to_the_left_is_value_15() -> None:
    weights = np.zeros(52, np.float32)
    weights[INDEX["jawLeft"]] = 1.0
    values = struct.unpack(">61f", encode(LiveLinkPacket("d", "s", 0, weights=weights))[-244:])
    assert values.index(1.0) == 15


def test_header_alone_means_no_face() -> None:
    packet = encode(LiveLinkPacket(DEVICE, "iPhone", 7))
    assert len(packet) == 67
    frame = decode(packet)
    assert frame.weights is None
    assert frame.rotations is None
    assert frame.number == 7


def test_every_truncation_but_the_header_is_refused() -> None:
    whole = [n for n in range(len(GOLDEN)) if _accepts(GOLDEN[:n])]
    assert whole == [67]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x05" + GOLDEN[1:],
        GOLDEN + b"\0",
        GOLDEN[:1] + struct.pack(">i", -1) + GOLDEN[5:],
        GOLDEN[:1] + struct.pack(">i", 2**31 - 1) + GOLDEN[5:],
        GOLDEN[:5] + b"\xff" * 36 + GOLDEN[41:],
        GOLDEN[:67] + b"\x3c" + GOLDEN[68:],
        GOLDEN[:68] + struct.pack(">f", float("nan")) + GOLDEN[72:],
        GOLDEN[:68] + struct.pack(">f", float("inf")) + GOLDEN[72:],
        GOLDEN[:55] + struct.pack(">f", float("nan")) + GOLDEN[59:],
        b"\x06" + bytes(LONGEST),
    ],
)
def test_hostile_packets_are_refused(packet: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(packet)


@given(st.binary(max_size=400))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    _accepts(data)
    _accepts(b"\x06" + data)


@given(st.integers(0, len(GOLDEN) - 1), st.integers(0, 255))
def test_one_wrong_byte_never_leaves_the_ranges(at: int, value: int) -> None:
    broken = bytearray(GOLDEN)
    broken[at] = value
    try:
        frame = decode(bytes(broken))
    except MalformedError:
        return
    if frame.weights is not None and frame.rotations is not None:
        assert ((frame.weights >= 0) & (frame.weights <= 1)).all()
        assert (np.abs(frame.rotations) <= np.float32(np.pi)).all()
        assert len(frame.rotations) == len(ROTATIONS)


def test_a_name_too_long_for_receivers_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 774"):
        encode(LiveLinkPacket("d", "s" * 600, 0, weights=np.zeros(52, np.float32)))


def _accepts(packet: bytes) -> bool:
    try:
        decode(packet)
    except MalformedError:
        return False
    return True
