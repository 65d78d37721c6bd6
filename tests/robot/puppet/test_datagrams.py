import socket
from collections.abc import Iterator

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.robot.errors import DeviceError
from mien.robot.puppet.datagrams import MAX_BURST, Puppet, VmcPuppet
from mien.robot.puppet.livelink_udp import LiveLinkPacket, encode
from mien.robot.puppet.mirror import Mirror
from mien.robot.puppet.senders import HOLD_S


@pytest.fixture
def puppet() -> Iterator[Puppet]:
    port = Puppet(0)
    yield port
    port.close()


@pytest.fixture
def phone() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        yield s


def frame(number: int, opening: float, device: str = "phone") -> bytes:
    weights = np.zeros(52, np.float32)
    weights[INDEX["jawOpen"]] = opening
    return encode(LiveLinkPacket(device, "iPhone", number, weights=weights))


def jaw(puppet: Puppet, now: float = 0.0) -> float:
    seen = puppet.poll(now)
    assert seen is not None
    return float(seen.weights[INDEX["jawOpen"]])


def test_nothing_before_the_first_packet(puppet: Puppet) -> None:
    assert puppet.poll(0.0) is None


def test_the_newest_of_a_burst_wins_and_late_ones_are_dropped(
    puppet: Puppet, phone: socket.socket
) -> None:
    for number, opening in ((5, 0.5), (7, 0.75), (6, 0.25)):
        phone.sendto(frame(number, opening), ("127.0.0.1", puppet.port))
    assert jaw(puppet) == 0.75
    assert puppet.counts.stale == 1


def test_a_restarted_app_is_followed(puppet: Puppet, phone: socket.socket) -> None:
    phone.sendto(frame(5000, 0.5), ("127.0.0.1", puppet.port))
    phone.sendto(frame(0, 0.25), ("127.0.0.1", puppet.port))
    assert jaw(puppet) == 0.25


def test_lost_tracking_closes_the_mouth(puppet: Puppet, phone: socket.socket) -> None:
    phone.sendto(frame(1, 1.0), ("127.0.0.1", puppet.port))
    phone.sendto(encode(LiveLinkPacket("phone", "iPhone", 2)), ("127.0.0.1", puppet.port))
    seen = puppet.poll(0.0)
    assert seen is not None
    assert not seen.tracked
    assert not seen.weights.any()


def test_garbage_is_counted_and_a_flood_costs_a_bounded_read(
    puppet: Puppet, phone: socket.socket
) -> None:
    for _ in range(MAX_BURST + 44):
        phone.sendto(b"\x06garbage", ("127.0.0.1", puppet.port))
    puppet.poll(0.0)
    assert puppet.counts.malformed == MAX_BURST
    puppet.poll(0.0)
    assert puppet.counts.malformed == MAX_BURST + 44
    assert puppet.counts.taken == 0


def test_a_second_sender_waits_until_the_first_is_silent(
    puppet: Puppet, phone: socket.socket
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        phone.sendto(frame(1, 0.25), ("127.0.0.1", puppet.port))
        other.sendto(frame(1, 1.0, "other"), ("127.0.0.1", puppet.port))
        assert jaw(puppet, 0.0) == 0.25
        assert puppet.counts.foreign == 1
        other.sendto(frame(2, 1.0, "other"), ("127.0.0.1", puppet.port))
        assert jaw(puppet, HOLD_S + 0.1) == 1.0


def test_what_the_mirror_sends_the_puppet_sees() -> None:
    weights = np.zeros(52, np.float32)
    weights[INDEX["mouthLeft"]] = 0.5
    phone, avatar = Puppet(0), VmcPuppet(0)
    mirror = Mirror(("127.0.0.1", phone.port), ("127.0.0.1", avatar.port))
    try:
        mirror.send(0.0, weights, np.zeros(9, np.float32))
        for seen in (phone.poll(0.0), avatar.poll(0.0)):
            assert seen is not None
            np.testing.assert_array_equal(seen.weights, weights)
        assert mirror.unsent == 0
    finally:
        for end in (phone, avatar, mirror):
            end.close()


def test_a_mirror_without_a_receiver_says_nothing(puppet: Puppet) -> None:
    puppet.close()
    mirror = Mirror(("127.0.0.1", puppet.port))
    for _ in range(3):
        mirror.send(0.0, np.zeros(52, np.float32), np.zeros(9, np.float32))
    mirror.close()


def test_a_taken_port_is_a_clear_error(puppet: Puppet) -> None:
    with pytest.raises(DeviceError, match=str(puppet.port)):
        Puppet(puppet.port)
