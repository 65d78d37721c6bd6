"""The emergency switch at the board: fast, latched, deaf to sparks, and wired as the face says."""

from __future__ import annotations

import pytest

from mien.firmware.emulator.machine import Kind
from mien.robot import wire
from mien.robot.face.config import FaceConfig
from mien.robot.wire import Fault, Msg, Result, State
from tests.bench.firmware.avr_face import AvrFace
from tests.bench.firmware.measure_avr import switch_to_oe_us

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

SWITCH_TO_OE_US = 200.0  # promised
CONFIRMED_US = 2000.0  # firmware/avr/switch.h: a stop
REST_US = 5000.0  # a spark is over
CHATTER_US = 20_000.0  # neither of them
TURN_US = 3000.0  # the longest turn of the loop
EIMSK = 0x3D
NC, NO, NONE = wire.Switch.NC, wire.Switch.NO, wire.Switch.NONE


def wired(switch: int, face: str = "hobby9") -> AvrFace:
    """A face with its switch wired so, and at run."""
    avr = AvrFace(face)
    avr.begin_with(stop_switch=switch)
    set_switch(avr, switch, stop=False)
    return avr


def set_switch(face: AvrFace, switch: int, stop: bool) -> None:
    """Put it at stop or at run: a normally closed one opens at stop."""
    face.machine.stop_switch(stop == (switch == NO))


def edges(face: AvrFace) -> list[int]:
    return [e.value for e in face.events(Kind.OE)]


@pytest.mark.parametrize("switch", [NC, NO])
def test_the_switch_raises_oe_in_time_at_every_phase_and_under_traffic(switch: int) -> None:
    face = AvrFace()
    face.begin_with(stop_switch=switch)
    set_switch(face, switch, stop=False)
    face.ready()
    times = switch_to_oe_us(face, trials=60)
    assert len(times) == 60
    assert max(times) <= SWITCH_TO_OE_US


@pytest.mark.parametrize("switch", [NC, NO])
def test_a_stop_is_latched_and_outlasts_clear_while_the_switch_says_so(switch: int) -> None:
    face = wired(switch)
    face.ready()
    set_switch(face, switch, stop=True)
    face.run((CONFIRMED_US + TURN_US) / 1e6)
    assert face.state() == State.ESTOP
    assert face.faults() & Fault.BUTTON
    face.machine.watch(Kind.OE)
    for _ in range(20):
        face.talk.send(Msg.CLEAR)
        face.talk.send(Msg.ARM, wire_arm(face))
        face.run(0.00173)
    face.run(0.02)
    face.talk.reset()
    assert not edges(face)
    assert face.state() == State.ESTOP
    set_switch(face, switch, stop=False)
    face.run(0.01)
    assert face.state() == State.ESTOP
    assert face.try_arm() == Result.STATE
    face.talk.command(Msg.CLEAR)
    assert face.state() == State.DISARMED
    face.ready()
    assert (face.pulses() > 0).all()


def wire_arm(face: AvrFace) -> bytes:
    return face.upload.crc.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("spark_us", "name", "boards"),
    [(0.2, "hobby9", 1), (100.0, "morpheus33", 3), (1700.0, "morpheus33", 3)],
)
def test_a_spark_shuts_the_gate_until_it_is_over_and_a_whole_pose_went_out(
    spark_us: float, name: str, boards: int
) -> None:
    """A small face has its next pose out sooner than the input is at rest."""
    face = AvrFace(name)
    face.ready()
    for k in range(8):
        face.hold(0.02)
        face.machine.run(411.0 * k)
        face.machine.watch(Kind.OE, Kind.STOP)
        at = face.machine.now_us
        face.machine.stop_switch(False)
        face.machine.run(spark_us)
        face.machine.stop_switch(True)
        face.machine.run(2 * REST_US + spark_us)
        face.follow()
        events = face.events(Kind.OE, Kind.STOP)
        (up, high), (down, low) = ((e.us, e.value) for e in events if e.kind == Kind.OE)
        assert (high, low) == (1, 0)
        assert up - at <= SWITCH_TO_OE_US
        assert down - at - spark_us >= REST_US - 250.0
        assert down - at - spark_us <= REST_US + 2 * wire.STEP_US
        assert sum(e.kind == Kind.STOP and up < e.us < down for e in events) >= boards
        assert (face.pulses() > 0).all()
        assert face.state() == State.ARMED
    assert not face.faults()


def full_face() -> FaceConfig:
    """All channels on three boards: a refresh of it may last longer than the input's rest."""
    servo = {"kind": "rigid", "region": "mouth", "servo": "micro", "speed": 9.0}
    actuators = {
        f"a{k}": servo | {"board": k % 3, "channel": k // 3, "pulse_us": [1100, 1500, 1900]}
        for k in range(wire.CHANNELS_MAX)
    }
    tree = {"face": "full", "mechanism": "full", "boards": [0x40, 0x41, 0x42]}
    return FaceConfig.model_validate(tree | {"actuators": actuators})


def test_a_refresh_from_before_a_spark_does_not_open_the_gate() -> None:
    face = AvrFace(full_face())
    face.ready()
    for k in range(25):
        face.hold(0.02)
        face.machine.run(71.0 * k)
        face.machine.watch(Kind.OE, Kind.STOP)
        face.machine.stop_switch(False)
        face.machine.run(0.2)
        face.machine.stop_switch(True)
        face.machine.run(12_000.0)
        face.follow()
        events = face.events(Kind.OE, Kind.STOP)
        up, down = (e.us for e in events if e.kind == Kind.OE)
        assert sum(e.kind == Kind.STOP and up < e.us < down for e in events) >= 3


def test_it_takes_two_milliseconds_at_stop_to_latch() -> None:
    """Or every spark would end a show."""
    face = wired(NC)
    face.ready()
    for k in range(10):
        face.hold(0.02)
        face.machine.run(37.0 * k)
        face.machine.stop_switch(False)
        face.machine.run(CONFIRMED_US - 300.0)
        face.machine.stop_switch(True)
        face.follow()
        face.hold(0.02)
        assert face.state() == State.ARMED
        face.machine.stop_switch(False)
        face.machine.run(CONFIRMED_US + 20.0)
        face.machine.stop_switch(True)
        face.follow()
        face.run(0.02)
        assert face.state() == State.ESTOP
        face.talk.command(Msg.CLEAR)
        face.arm()


@pytest.mark.parametrize("period_us", [120.0, 700.0, 2000.0, 6000.0])
def test_an_input_that_chatters_is_a_stop(period_us: float) -> None:
    """Servos that got no power for longer would jump when it comes back."""
    face = wired(NC)
    face.ready()
    face.hold(0.02)
    face.machine.watch(Kind.OE)
    began = face.machine.now_us
    while face.machine.now_us - began < CHATTER_US + TURN_US:
        face.machine.stop_switch(False)
        face.machine.run(period_us / 4)
        face.machine.stop_switch(True)
        face.machine.run(period_us * 3 / 4)
    face.follow()
    assert edges(face) == [1]
    assert face.state() == State.ESTOP
    assert face.faults() & Fault.BUTTON


@pytest.mark.parametrize("switch", [NC, NO])
def test_a_switch_at_stop_is_found_when_the_configuration_comes(switch: int) -> None:
    """A cut wire, or a button that was pressed before: nothing was driven, so nobody asked."""
    face = wired(switch)
    set_switch(face, switch, stop=True)
    face.run(0.05)
    assert face.state() == State.UNCONFIGURED
    face.configure()
    face.run((CONFIRMED_US + TURN_US) / 1e6)
    assert face.state() == State.ESTOP
    assert face.try_arm() == Result.STATE
    assert face.machine.oe_high


def test_a_stop_whose_edge_is_lost_is_found_by_looking() -> None:
    """The mask of its interrupt was upset; the clock's interrupt looks every 250 us."""
    face = wired(NC)
    face.ready()
    face.machine.watch(Kind.OE)
    face.machine.poke(EIMSK, b"\0")
    face.machine.stop_switch(False)
    face.machine.run(300.0)
    assert edges(face) == [1]
    face.machine.run(CONFIRMED_US + TURN_US)
    face.follow()
    assert face.state() == State.ESTOP


def test_no_switch_is_a_pin_that_nobody_looks_at() -> None:
    face = wired(NONE)
    face.ready()
    face.machine.watch(Kind.OE)
    for closed in (True, False, True, False):
        face.machine.stop_switch(closed)
        face.hold(0.03)
    assert not edges(face)
    assert face.state() == State.ARMED


def test_another_wiring_counts_from_its_commit_on() -> None:
    """From normally closed to normally open: the same level means the opposite."""
    face = wired(NC)
    face.ready()
    face.talk.command(Msg.DISARM)
    face.begin_with(stop_switch=NO)
    face.configure()
    face.run(0.01)
    assert face.state() == State.ESTOP  # closed is stop now
    face.machine.stop_switch(False)
    face.run(0.01)
    face.talk.command(Msg.CLEAR)
    face.ready()
    face.machine.stop_switch(True)
    face.run(0.01)
    assert face.state() == State.ESTOP


def test_a_stop_before_the_gate_opens_keeps_it_shut() -> None:
    """/OE falls once the first pose is on the boards; an edge just before must keep it high."""
    face = AvrFace()
    face.configure()
    face.run(0.1)
    opened = 0
    for offset_us in range(0, 10_000, 200):
        face.machine.watch(Kind.OE)
        face.talk.send(Msg.ARM, wire_arm(face))
        face.machine.run(offset_us)
        pressed_at = face.machine.now_us
        face.machine.stop_switch(False)
        face.machine.run(10_000.0)
        events = face.events(Kind.OE)
        opened += bool(events)
        assert not [e for e in events if e.value == 0 and e.us > pressed_at + SWITCH_TO_OE_US]
        assert face.machine.oe_high
        face.machine.stop_switch(True)
        face.machine.run(10_000.0)
        face.follow()
        assert face.state() == State.ESTOP
        face.talk.command(Msg.CLEAR)
    assert 0 < opened < 50
