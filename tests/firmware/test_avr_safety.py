"""Stopping: the emergency stop, the silent host, the switch on the board."""

from __future__ import annotations

import numpy as np
import pytest

from mien.firmware.emulator.machine import Kind
from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.wire import Fault, Msg, Result, State
from tests.bench.firmware.avr_face import COUNT_US, AvrFace
from tests.firmware.avr_guard import Guard

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

OE_US = 1000.0  # promised: first bit of ESTOP to /OE
OFF_US = 5000.0  # promised: to all registers off
RAMP_SLOP_S = 0.020  # promised: FAILSAFE this long after the timeout at the latest


@pytest.fixture
def face() -> AvrFace:
    face = AvrFace()
    face.ready()
    return face


def stop_times(face: AvrFace) -> tuple[float, float]:
    """Microseconds from the first bit of an ESTOP to /OE high and to the last board off."""
    face.machine.watch(Kind.OE, Kind.ALL_OFF)
    sent_at = face.machine.now_us
    face.talk.send(Msg.ESTOP)
    face.run(0.02)
    events = face.events(Kind.OE, Kind.ALL_OFF)
    high = next(e.us for e in events if e.kind == Kind.OE and e.value == 1)
    off = [next(e.us for e in events if (e.kind, e.board) == (Kind.ALL_OFF, b)) for b in range(3)]
    return high - sent_at, max(off) - sent_at


def test_an_emergency_stop_is_in_time_at_every_phase_of_the_loop(face: AvrFace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(25):
        for _ in face.stream(0.03, face.wave):
            pass
        face.run(float(rng.uniform(0.0, 0.01)))
        high, off = stop_times(face)
        assert high <= OE_US
        assert off <= OFF_US
        assert face.state() == State.ESTOP
        face.talk.command(Msg.CLEAR)
        face.arm()


def test_an_emergency_stop_is_latched(face: AvrFace) -> None:
    face.talk.command(Msg.ESTOP)
    assert face.try_arm() == Result.STATE
    face.hold(0.3, face.away())
    assert face.state() == State.ESTOP
    assert face.machine.oe_high
    face.machine.oe_wired(False)
    assert not face.pulses().any()
    face.machine.oe_wired(True)
    face.talk.command(Msg.CLEAR)
    assert face.state() == State.DISARMED
    face.arm()
    face.hold(0.8)
    assert (face.pulses() > 0).all()


def test_the_receive_interrupt_knows_an_estop_with_any_number() -> None:
    """Zeros in seq and CRC change the COBS form of the frame; /OE must not wait for the core."""
    face = AvrFace("hobby9")
    face.configure()
    face.run(0.1)
    for seq in range(256):
        face.arm()
        face.run(0.02)
        face.machine.watch(Kind.OE)
        frame = b"\0" + protocol.encode(Msg.ESTOP, seq)
        sent_at = face.machine.now_us
        face.machine.send(frame)
        face.run(0.01)
        high = [e.us for e in face.events(Kind.OE) if e.value == 1]
        assert high and high[0] - sent_at <= len(frame) * 20.0 + 40.0
        face.hello()  # sets the board's count of frames back to ours
        face.talk.command(Msg.CLEAR)


def test_an_estop_that_meets_the_opening_gate_is_not_undone() -> None:
    """/OE falls once the first pose is on the boards; an ESTOP just before must keep it high."""
    face = AvrFace()
    face.configure()
    face.run(0.1)
    opened = 0
    for offset_us in range(0, 10_000, 40):
        face.machine.watch(Kind.OE)
        face.talk.send(Msg.ARM, protocol.pack(wire.Arm(face.upload.crc)))
        face.machine.run(offset_us)
        frame = b"\0" + protocol.encode(Msg.ESTOP, 0x80)
        heard_at = face.machine.now_us + 20.0 * (face.machine.waiting + len(frame))
        face.machine.send(frame)
        face.machine.run(20_000.0)
        events = face.events(Kind.OE)
        opened += bool(events)
        assert not [e for e in events if e.value == 0 and e.us > heard_at]
        assert face.machine.oe_high
        face.run(face.machine.now_us / 1e6 - face.rig.now())
        face.hello()
        face.talk.command(Msg.CLEAR)
    assert 0 < opened < 250


def test_a_frame_that_only_looks_like_an_estop_stops_nothing(face: AvrFace) -> None:
    face.machine.watch(Kind.OE)
    good = protocol.encode(Msg.ESTOP, 7)
    for i in range(len(good) - 1):
        for bit in range(8):
            bad = bytearray(good)
            bad[i] ^= 1 << bit
            face.machine.send(b"\0" + bytes(bad))
    face.hold(0.5)
    assert not face.events(Kind.OE)
    assert face.state() == State.ARMED


def test_a_silent_host_is_failsafe_in_time_and_a_ramp(face: AvrFace) -> None:
    face.hold(1.0, face.away())
    face.run(0.07)
    held = face.pulses()
    guard = Guard(face)
    face.hold(0.02, face.away())
    silent_at = face.rig.now()
    moved_at = None
    while face.rig.now() - silent_at < 2.0:
        face.run(0.001)
        guard.look()
        if moved_at is None and np.abs(face.pulses() - held).max() > COUNT_US * 1.5:
            moved_at = face.rig.now() - silent_at
    timeout = face.face.timeout_ms / 1000
    assert moved_at is not None
    assert timeout - 0.015 <= moved_at <= timeout + RAMP_SLOP_S
    assert np.abs(face.pulses() - face.safe).max() <= COUNT_US / 2 + 1e-6
    assert face.state() == State.FAILSAFE
    assert face.faults() & Fault.LINK
    assert not face.machine.oe_high


def test_a_silent_host_ends_in_outputs_off_on_the_boards_themselves() -> None:
    face = AvrFace("hobby9")
    face.begin_with(hold_s=1)
    face.ready()
    face.run(face.face.timeout_ms / 1000 + 0.5)
    assert face.state() == State.FAILSAFE
    assert (face.pulses() > 0).all()
    face.run(2.5)
    assert face.state() == State.RELEASED
    assert face.machine.oe_high
    face.machine.oe_wired(False)
    assert not face.pulses().any()
    face.machine.oe_wired(True)
    face.ready()
    assert (face.pulses() > 0).all()


def test_disarm_turns_everything_off_and_arm_ramps(face: AvrFace) -> None:
    face.hold(0.8, face.away())
    face.talk.command(Msg.DISARM)
    face.run(0.01)
    assert face.machine.oe_high
    assert not face.pulses().any()
    face.arm()
    guard = Guard(face)
    for _ in face.stream(4.0, lambda _: face.safe):
        guard.look()
    assert np.abs(face.pulses() - face.safe).max() <= COUNT_US / 2 + 1e-6


def test_the_hardware_watchdog_ends_a_program_that_hangs(face: AvrFace) -> None:
    """The loop never takes a quarter of the watchdog's time, and the watchdog is really on."""
    for _ in face.stream(1.0, face.wave):
        pass
    assert 0 < face.machine.watchdog_longest_us < 30_000.0
    assert wire.STEP_US == 5000
