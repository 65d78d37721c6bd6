"""Senders of faces as people have them: each case stands for a kind."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.robot.errors import InputError
from mien.robot.puppet import osc
from mien.robot.puppet.datagrams import Puppet, VmcPuppet
from mien.robot.puppet.livelink_udp import LiveLinkPacket, encode
from mien.robot.puppet.mirror import Mirror
from mien.robot.puppet.receiver import OperatorMessages
from mien.robot.verbs.running import puppet_line

JAW_OPEN = INDEX["jawOpen"]
FRAMES = 180


def packet(number: int, opening: float) -> bytes:
    weights = np.zeros(52, np.float32)
    weights[JAW_OPEN] = opening
    return encode(LiveLinkPacket("phone", "iPhone", number, weights=weights))


@contextmanager
def udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield sender


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([k % 66 for k in range(FRAMES)], id="a clip of 66 frames in a loop"),
        pytest.param([100 + 3 * (k % 2) - k // 5 for k in range(FRAMES)], id="up and down"),
        pytest.param([k + 2 * (k % 2) for k in range(FRAMES)], id="in pairs, exchanged"),
        pytest.param([0] * FRAMES, id="no number"),
        pytest.param([k // 2 for k in range(FRAMES)], id="each number twice"),
        pytest.param(list(range(FRAMES, 0, -1)), id="downwards"),
        pytest.param([(k * 7919) % 101 for k in range(FRAMES)], id="at random"),
        pytest.param([(k + 2**31 - 90) % 2**31 for k in range(FRAMES)], id="over the end"),
        pytest.param([k * 1000 for k in range(FRAMES)], id="milliseconds"),
        pytest.param([abs(30 - k % 60) for k in range(FRAMES)], id="to and fro"),
        pytest.param([k if k < 90 else k - 90 for k in range(FRAMES)], id="started again"),
    ],
)
def test_every_packet_is_shown_whatever_its_sender_counts(numbers: list[int]) -> None:
    with Puppet(0) as puppet, udp() as phone:
        for k, number in enumerate(numbers):
            phone.sendto(packet(number, k / FRAMES), ("127.0.0.1", puppet.port))
            face = puppet.poll(k / 60)
            assert face is not None
            assert face.weights[JAW_OPEN] == pytest.approx(k / FRAMES), k
        assert (puppet.counts.taken, puppet.counts.stale) == (FRAMES, 0)


def test_an_overtaken_packet_of_a_sender_that_counts_is_late() -> None:
    order = [*range(100), 101, 100, *range(102, 120), 121, 122, 120, 123]
    with Puppet(0) as puppet, udp() as phone:
        for k, number in enumerate(order):
            phone.sendto(packet(number, number / 200), ("127.0.0.1", puppet.port))
            puppet.poll(k / 60)
        assert (puppet.counts.taken, puppet.counts.stale) == (len(order) - 2, 2)


def test_a_mirror_resolves_its_receiver_once_and_outside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def slow(host: str, port: int, *_: Any) -> Any:
        asked.append(host)
        if host == "nowhere":
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    mirror = Mirror(("unreal.lan", 11111), ("avatar.lan", 39539))
    for k in range(20):
        mirror.send(k / 60, np.zeros(52, np.float32), np.zeros(9, np.float32))
    mirror.close()
    assert asked == ["unreal.lan", "avatar.lan"]
    assert mirror.livelink == ("127.0.0.1", 11111)
    with pytest.raises(InputError, match="--mirror-vmc 'nowhere' has no IPv4 address"):
        Mirror(None, ("nowhere", 39539))


def text(letters: str) -> bytes:
    """An OSC string."""
    return letters.encode() + b"\0" * (4 - len(letters) % 4)


@pytest.mark.parametrize(
    ("kind", "value", "weight"),
    [
        ("i", struct.pack(">i", 1), 1.0),
        ("f", struct.pack(">f", 0.5), 0.5),
        ("d", struct.pack(">d", 0.25), 0.25),
        ("h", struct.pack(">q", 1), 1.0),
        ("T", b"", 1.0),
        ("F", b"", 0.0),
        ("s", text("half"), None),
        ("f", struct.pack(">f", float("nan")), None),
    ],
)
def test_any_number_is_a_number_and_the_rest_is_counted_and_shown(
    kind: str, value: bytes, weight: float | None
) -> None:
    message = text("/VMC/Ext/Blend/Val") + text(f",s{kind}") + text("JawOpen") + value
    said: list[str] = []
    with VmcPuppet(0) as puppet, udp() as sender:
        for one in (message, osc.message("/VMC/Ext/OK", 1), osc.message("/VMC/Ext/Blend/Apply")):
            sender.sendto(one, ("127.0.0.1", puppet.port))
        face = puppet.poll(0.0)
        assert face is not None
        assert face.weights[JAW_OPEN] == pytest.approx(weight or 0.0)
        assert puppet.counts.unknown == (weight is None)
        OperatorMessages("vmc", said.append).update(0.0, None, puppet.counts, puppet.inlet.fault)
    shown = "1 messages not understood, the last: '/VMC/Ext/Blend/Val JawOpen" in "".join(said)
    assert shown == (weight is None)


def test_a_head_in_whole_numbers_is_taken() -> None:
    shapes = osc.VmcShapes()
    shapes.take(osc.OscMessage("/VMC/Ext/Bone/Pos", ("Head", 0, 0, 0, 1, 0, 0, 1)))
    face = shapes.take(osc.OscMessage("/VMC/Ext/Blend/Apply", ()))
    assert face is not None
    assert np.abs(face.rotations).max() == pytest.approx(np.pi / 2, abs=1e-3)
    assert shapes.unknown == 0


def test_the_report_counts_packets_by_fate() -> None:
    counts = {"kind": "livelink", "taken": 17, "stale": 3, "malformed": 0, "foreign": 340}
    assert puppet_line(counts) == "Live Link Face: 17 used, 3 late, 340 of other senders"
    assert puppet_line({"kind": "vmc"}) == "VMC: no datagram arrived"
