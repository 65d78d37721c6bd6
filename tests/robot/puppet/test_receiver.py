"""The port in its own process, what it says, and hostile packets."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.robot.errors import DeviceError
from mien.robot.puppet import osc
from mien.robot.puppet.datagrams import PacketCounts, Puppet, VmcPuppet
from mien.robot.puppet.livelink_udp import MalformedError, decode
from mien.robot.puppet.receiver import MESSAGE_PERIOD_S, FaceMailbox, OperatorMessages, Receiver
from tests.robot.puppet.test_senders import livelink
from tests.robot.waiting import until

pytestmark = pytest.mark.realtime


def test_the_newest_face_comes_over_with_its_fates_and_its_sender() -> None:
    with (
        Receiver("livelink", 0) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone,
    ):
        assert receiver.poll(0.0) is None
        to = ("127.0.0.1", receiver.port)
        phone.sendto(b"\x06garbage", to)
        for number, opening in ((1, 0.25), (2, 0.75)):
            phone.sendto(livelink(number, opening), to)
        assert until(lambda: receiver.report()["taken"] == 2, 100.0)
        seen = receiver.poll(7.0)
        assert seen is not None
        assert seen.weights[INDEX["jawOpen"]] == 0.75
        assert seen.t == 7.0
        assert receiver.poll(8.0) is seen
        report = receiver.report()
        assert (report["taken"], report["malformed"], report["stale"]) == (2, 1, 0)
        assert report["sender"] == f"127.0.0.1:{phone.getsockname()[1]}"
        with pytest.raises(DeviceError, match=str(receiver.port)):
            Receiver("vmc", receiver.port)
    assert not receiver.report()["alive"]


def test_a_reader_never_sees_half_of_a_face() -> None:
    memory = FaceMailbox.memory()
    writer, reader = FaceMailbox(memory), FaceMailbox(memory)
    assert reader.read() is None
    one = np.arange(len(memory) - 1, dtype=np.float64)
    writer.write(one)
    np.testing.assert_array_equal(reader.read(), one)
    torn = np.frombuffer(memory, np.float64)
    torn[5] += 1.0
    assert reader.read() is None


def test_a_hundred_thousand_bad_packets_are_a_few_lines() -> None:
    lines: list[str] = []
    messages, counts = OperatorMessages("vmc", lines.append), PacketCounts()
    for k in range(100_000):  # ten seconds of them
        counts.malformed += 1
        messages.update(k * 1e-4, None, counts)
    assert len(lines) <= 10 / MESSAGE_PERIOD_S + 1
    assert sum(int(line.split(": ")[1].split(" ")[0]) for line in lines) > 90_000
    assert sum(map(len, lines)) < 1000


def test_who_has_the_face_is_said_once() -> None:
    lines: list[str] = []
    messages, counts = OperatorMessages("livelink", lines.append), PacketCounts()
    for k in range(600):
        messages.update(k / 60, ("192.168.1.5", 4000) if k > 60 else None, counts)
    assert lines == ["Live Link Face: 192.168.1.5:4000 has the face"]


def hostile(seed: int, count: int) -> None:
    """Random, cut, flipped and glued packets through both ports, without a socket's bounds."""
    rng = np.random.default_rng(seed)
    face = livelink(1, 0.5)
    frame = osc.encode(0.0, np.ones(52, np.float32), np.zeros(9, np.float32))
    seeds = [face, *frame, osc.bundle([osc.bundle([osc.message("/a", "b", 1, 2.0)])])]
    gather = osc.VmcShapes()
    for _ in range(count):
        packet = bytearray(seeds[rng.integers(len(seeds))])
        for _ in range(rng.integers(0, 6)):
            packet[rng.integers(len(packet))] = rng.integers(256)
        packet = packet[: rng.integers(len(packet) + 1)] + rng.bytes(int(rng.integers(0, 12)))
        try:
            for one in osc.decode(bytes(packet)):
                gather.take(one)
        except MalformedError:
            pass
        try:
            shown = decode(bytes(packet))
        except MalformedError:
            continue
        assert shown.weights is None or ((shown.weights >= 0) & (shown.weights <= 1)).all()
    seen = gather.take(osc.OscMessage(osc.PREFIX + "Blend/Apply", ()))
    assert seen is not None
    assert ((seen.weights >= 0) & (seen.weights <= 1)).all()
    assert np.isfinite(seen.rotations).all()


def test_ten_thousand_hostile_packets_do_no_more_than_be_refused() -> None:
    hostile(0, 10_000)


@pytest.mark.slow
def test_a_hundred_thousand_hostile_packets_do_no_more_than_be_refused() -> None:
    hostile(1, 100_000)


@pytest.mark.parametrize("port", [Puppet, VmcPuppet])
def test_a_datagram_of_any_length_is_read_no_further_than_it_may_be(
    port: type[Puppet] | type[VmcPuppet],
) -> None:
    with port(0) as puppet, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for size in (0, 1, 775, 16_385, 60_000):
            sender.sendto(b"/" * size, ("127.0.0.1", puppet.port))
        assert puppet.poll(0.0) is None
        assert puppet.counts.malformed == 5
