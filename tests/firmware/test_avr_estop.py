"""An ESTOP on the line is latched whatever becomes of its bytes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mien.firmware.emulator.machine import Event, Kind
from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.wire import Msg, Result, State
from tests.bench.firmware.avr_face import AvrFace

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

TRIES = 40
BYTE_US = 20.0


@pytest.fixture
def face() -> AvrFace:
    face = AvrFace()
    face.ready()
    return face


def flood(face: AvrFace, seq: int, count: int) -> bytes:
    """``count`` setpoint frames without a pause, numbered from ``seq`` on."""
    units = face.upload.clip(face.wave(face.rig.now()))
    at = face.talk.clock.to_board(face.rig.now() + 0.08)
    poses = (protocol.setpoint(at + k, units) for k in range(count))
    return b"".join(protocol.encode(Msg.SETPOINT, seq + k, pose) for k, pose in enumerate(poses))


def acknowledged(face: AvrFace) -> set[int]:
    """Types of the commands that the core has answered since the last call."""
    frames = protocol.Deframer().feed(face.rig.transport.read())
    acks = [f.payload for f in frames if f.type == Msg.ACK]
    return {protocol.unpack(wire.Ack, payload).type for payload in acks}


def floods_with(face: AvrFace, tries: int, *commands: tuple[Msg, bytes]) -> Iterator[list[Event]]:
    """Overflow the ring with setpoints, ``commands`` between them and ESTOP behind, in many phases.

    Yields:
        What /OE did after the ESTOP's last byte had arrived.
    """
    for k in range(tries):
        face.hello()
        face.talk.command(Msg.CLEAR)
        face.arm()
        face.run(0.03 + k * 0.005 / tries)
        face.rig.transport.read()
        face.machine.watch(Kind.OE)
        block, seq = b"\0" + protocol.encode(Msg.HELLO, 0x7F), 0x80  # HELLO sets the count
        block += bytes(3 * (k % 40)) + flood(face, seq, 10) + b"\0"
        seq += 10
        for type_, payload in commands:
            block += protocol.encode(type_, seq, payload)
            seq += 1
        block += bytes(16) + protocol.encode(Msg.ESTOP, seq)
        heard_at = face.machine.now_us + BYTE_US * (face.machine.waiting + len(block))
        face.machine.send(block + flood(face, seq + 1, 2))
        face.run(0.05)
        yield [e for e in face.events(Kind.OE) if e.us > heard_at + BYTE_US * 2]


def test_an_estop_that_the_full_ring_loses_is_latched_until_clear(face: AvrFace) -> None:
    lost = 0
    for edges in floods_with(face, TRIES):
        lost += Msg.ESTOP not in acknowledged(face)
        assert not edges
        assert face.machine.oe_high
        assert face.state() == State.ESTOP
        face.talk.command(Msg.DISARM)
        assert face.try_arm() == Result.STATE
        assert face.state() == State.ESTOP
        face.talk.command(Msg.CLEAR)
        assert face.state() == State.DISARMED
    assert lost >= TRIES // 4  # or this would show nothing


def test_what_was_sent_before_an_estop_does_not_end_it(face: AvrFace) -> None:
    """CLEAR and ARM wait in the ring while the interrupt sees an ESTOP that the ring loses."""
    arm = protocol.pack(wire.Arm(face.upload.crc))
    risky = 0
    for edges in floods_with(face, 3 * TRIES, (Msg.ESTOP, b""), (Msg.CLEAR, b""), (Msg.ARM, arm)):
        risky += acknowledged(face) >= {Msg.CLEAR, Msg.ARM}
        assert not edges
        assert face.machine.oe_high
        assert face.state() == State.ESTOP
    assert risky  # or this would show nothing


def test_what_is_sent_after_an_estop_is_heard(face: AvrFace) -> None:
    """ESTOP and CLEAR in one breath: the stop ends where the host ends it, and not later."""
    for k in range(20):
        face.run(0.00025 * k)
        face.hello()
        face.arm()
        face.talk.send(Msg.ESTOP)
        face.talk.send(Msg.CLEAR)
        face.run(0.02)
        assert face.state() == State.DISARMED
        assert face.machine.oe_high


def test_a_burst_under_way_is_cut_off_by_a_stop(face: AvrFace) -> None:
    """Its rest would only delay the registers' own off. Found by its length: others are whole."""
    cut = 0
    rng = np.random.default_rng(5)
    for _ in range(40):
        for _ in face.stream(0.02, face.wave):
            pass
        face.run(float(rng.uniform(0.0, 0.005)))
        face.machine.watch(Kind.ADDRESS, Kind.REGISTER, Kind.STOP, Kind.ALL_OFF)
        face.talk.send(Msg.ESTOP)
        face.run(0.02)
        events = face.events(Kind.ADDRESS, Kind.REGISTER, Kind.STOP, Kind.ALL_OFF)
        off = next(i for i, e in enumerate(events) if e.kind == Kind.ALL_OFF)
        cut += _cut_bursts(events[:off])
        face.talk.command(Msg.CLEAR)
        face.arm()
        face.run(0.03)
    assert cut >= 5


def _cut_bursts(events: list[Event]) -> int:
    """Writes to the outputs of a board that ended before four registers were whole."""
    cut, begun, size = 0, False, 0
    for event in events:
        if event.kind == Kind.ADDRESS:
            begun, size = True, 0
        elif event.kind == Kind.REGISTER and 0x06 <= event.reg <= 0x45:
            size += 1
        elif event.kind == Kind.STOP and begun:
            cut += size % 4 != 0
            begun = False
    return cut
