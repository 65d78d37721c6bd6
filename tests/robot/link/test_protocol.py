"""Frames and messages on the host's side; against C: tests/firmware/tools/test_wire.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.link.protocol import Deframer, WireFrame

frames = st.builds(
    WireFrame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=wire.PAYLOAD_MAX)
)


@given(st.lists(frames, max_size=8), st.data())
def test_any_split_of_a_stream_gives_the_frames_back(
    sent: list[WireFrame], data: st.DataObject
) -> None:
    stream = b"".join(protocol.encode(f.type, f.seq, f.payload) for f in sent)
    deframer, got = Deframer(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        got += list(deframer.feed(stream[:cut]))
        stream = stream[cut:]
    assert got == sent and deframer.bad == 0


@given(st.binary(max_size=400), frames)
def test_after_any_noise_and_one_zero_the_next_frame_is_heard(
    noise: bytes, frame: WireFrame
) -> None:
    deframer = Deframer()
    list(deframer.feed(noise + b"\0"))
    assert list(deframer.feed(protocol.encode(frame.type, frame.seq, frame.payload))) == [frame]


def test_noise_without_zeros_does_not_fill_the_memory() -> None:
    deframer = Deframer()
    for _ in range(100):
        assert not list(deframer.feed(b"\x55" * 1000))
    assert deframer.waiting <= wire.FRAME_MAX


def test_bad_frames_are_counted() -> None:
    deframer = Deframer()
    good = protocol.encode(1, 2, b"abc")
    wrong = bytes([good[0], good[1] ^ 2]) + good[2:]
    assert [f.payload for f in deframer.feed(wrong + good + b"\x09\x01\0")] == [b"abc"]
    assert deframer.bad == 2


def test_longest_payload_fits_the_longest_frame() -> None:
    assert len(protocol.encode(255, 255, b"\xff" * wire.PAYLOAD_MAX)) == wire.FRAME_MAX


def test_unpack_refuses_a_short_payload() -> None:
    with pytest.raises(ValueError, match="Telemetry needs 36 bytes, got 3"):
        protocol.unpack(wire.Telemetry, b"abc")


def test_outputs_refuse_a_count_that_does_not_fit() -> None:
    head = protocol.pack(wire.Outputs(0, 4, 0, 0, 0, 0, 0, 0))
    with pytest.raises(ValueError, match="4 channels with 6 bytes"):
        protocol.outputs(head + bytes(6))


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=48))
def test_setpoint_has_the_layout_of_the_header(t_us: int, pulses: list[int]) -> None:
    payload = protocol.setpoint(t_us, np.array(pulses, dtype=np.uint16), first=0)
    assert protocol.unpack(wire.Setpoint, payload) == wire.Setpoint(t_us, 0, len(pulses))
    body = payload[wire.SETPOINT_LAYOUT.size : -2]
    assert np.frombuffer(body, "<u2").tolist() == pulses
    guard = int.from_bytes(payload[-2:], "little")
    assert guard == protocol.crc16(payload[:-2][::-1])


def test_pulses_are_rounded_to_quarter_microseconds_and_never_wrap() -> None:
    units = protocol.to_units(np.array([1500.0, 1500.12, 1500.13, -5.0, 1e9]))
    assert units.tolist() == [6000, 6000, 6001, 0, 65532]
