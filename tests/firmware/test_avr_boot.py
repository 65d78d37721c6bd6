"""Power-up, reset and what the bus sees first."""

from __future__ import annotations

import numpy as np
import pytest

from mien.firmware.avr.image import build_image
from mien.firmware.emulator.machine import Kind, Machine
from mien.robot.wire import Fault, Msg, Reset, Result, State
from tests.bench.firmware.avr_face import COUNT_US, AvrFace

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

POWER, PIN, BROWNOUT, WATCHDOG = 1, 2, 4, 8
ALL_CALL_WRITE = 0xE0
MODE1, PRE_SCALE, ALL_LED_OFF_H = 0x00, 0xFE, 0xFD
SLEEP, FULL_OFF = 0x10, 0x10


def test_the_first_thing_on_the_bus_is_all_off_to_every_board() -> None:
    machine = Machine(build_image().bin)
    machine.watch(*Kind)
    machine.run(5000.0)
    events = [e for e in machine.events() if e.kind not in {Kind.RESET, Kind.OE}]
    assert [e.kind for e in events[:2]] == [Kind.START, Kind.ADDRESS]
    assert (events[1].reg, events[1].value) == (ALL_CALL_WRITE, 1)
    assert {(e.board, e.reg, e.value) for e in events[2:5]} == {
        (board, ALL_LED_OFF_H, FULL_OFF) for board in range(3)
    }
    assert events[5].us < 3000.0


def test_oe_stays_high_until_a_whole_pose_is_on_the_boards() -> None:
    face = AvrFace()
    face.machine.watch(Kind.OE, Kind.STOP)
    face.configure()
    face.run(0.2)
    assert face.machine.oe_high
    assert not face.events(Kind.OE)
    assert face.try_arm() == Result.OK
    face.run(0.03)
    events = face.events(Kind.OE, Kind.STOP)
    low = next(i for i, e in enumerate(events) if e.kind == Kind.OE)
    assert events[low].value == 0
    assert sum(e.kind == Kind.STOP for e in events[:low]) >= 3
    assert (face.pulses() > 0).all()
    rigid = ~face.face.can_go_slack
    assert np.abs(face.pulses() - face.safe)[rigid].max() <= COUNT_US / 2 + 1e-6


def test_prescale_is_written_in_sleep_and_read_back() -> None:
    face = AvrFace()
    face.machine.watch(Kind.REGISTER)
    face.configure()
    face.run(0.2)
    asleep = dict.fromkeys(range(3), True)
    for event in face.events(Kind.REGISTER):
        if event.reg == MODE1:
            asleep[event.board] = bool(event.value & SLEEP)
        if event.reg == PRE_SCALE:
            assert asleep[event.board]
    assert not any(asleep.values())
    assert {face.machine.register(board, PRE_SCALE) for board in range(3)} == {121}
    assert face.hello().boards == 0b111


def test_another_frame_rate_gives_the_same_pulses() -> None:
    face = AvrFace()
    face.begin_with(pwm_hz=100)
    face.ready()
    assert face.machine.register(0, PRE_SCALE) == 60
    assert np.abs(face.pulses() - face.safe).max() <= 61 / 25 / 2 + 1e-6


@pytest.mark.parametrize(
    ("cause", "reported", "fault"),
    [
        (POWER, Reset.POWER, Fault(0)),
        (PIN, Reset.EXTERNAL, Fault(0)),
        (BROWNOUT, Reset.BROWNOUT, Fault.BROWNOUT),
        (WATCHDOG, Reset.WATCHDOG, Fault.WATCHDOG),
    ],
)
@pytest.mark.parametrize("before", list(State))
def test_power_up_in_every_state(before: State, cause: int, reported: Reset, fault: Fault) -> None:
    """Whatever it was doing: outputs off, the cause told, and usable again; a stop goes on."""
    face = AvrFace("hobby9")
    enter(face, before)
    face.machine.watch(Kind.RESET, Kind.OE)
    face.machine.reset(cause)
    face.run(0.005)
    assert face.machine.oe_high
    assert not face.pulses().any()
    assert [e.value for e in face.events(Kind.RESET)] == [cause]
    reply = face.hello()
    assert (State(reply.state), Reset(reply.reset), Fault(reply.faults)) == (
        State.ESTOP if before == State.ESTOP else State.UNCONFIGURED,
        reported,
        fault,
    )
    assert face.try_arm() != Result.OK
    if before == State.ESTOP:
        face.talk.command(Msg.CLEAR)
    face.ready()
    assert face.state() == State.ARMED
    assert (face.pulses() > 0).all()


def enter(face: AvrFace, state: State) -> None:
    """Bring a fresh board into ``state``."""
    if state == State.UNCONFIGURED:
        return
    if state == State.RELEASED:
        face.begin_with(hold_s=0)
    face.configure()
    face.run(0.1)
    if state in {State.ARMED, State.FAILSAFE, State.RELEASED}:
        face.arm()
        face.hold(0.5, face.away())
    if state == State.FAILSAFE:
        face.run(0.4)
    if state == State.RELEASED:
        face.run(4.0)
    if state == State.ESTOP:
        face.talk.command(Msg.ESTOP)
        face.run(0.02)
    assert face.state() == state


def test_boards_that_drive_through_a_reset_are_off_before_anything_else() -> None:
    """With /OE tied low, as careless wiring has it: only ALL_LED_OFF can stop the servos."""
    face = AvrFace()
    face.ready()
    face.hold(0.5, face.away())
    face.machine.oe_wired(False)
    driven = face.pulses()
    face.machine.watch(Kind.ALL_OFF, Kind.REGISTER, Kind.START)
    face.machine.reset(PIN)
    reset_at = face.machine.now_us
    assert (face.pulses() == driven).all()
    face.run(0.005)
    assert not face.pulses().any()
    events = face.events(Kind.ALL_OFF, Kind.REGISTER)
    first_off = next(e for e in events if e.kind == Kind.ALL_OFF)
    assert first_off.us - reset_at < 3000.0  # a servo frame is 20 ms
    assert all(e.reg == ALL_LED_OFF_H for e in events if e.us < first_off.us)


def test_a_reset_in_the_middle_of_a_burst_leaves_no_board_stuck() -> None:
    """The boards are left in the middle of a byte; they start anew at the next START."""
    face = AvrFace()
    face.ready()
    for offset_us in (150.0, 700.0, 1300.0, 2100.0, 3300.0):
        face.machine.watch(Kind.START)
        while not face.events(Kind.START):
            face.machine.run(20.0)
        face.machine.run(offset_us)
        face.machine.reset(WATCHDOG)
        face.run(0.01)
        assert not face.pulses().any()
        face.ready()
        assert face.hello().boards == 0b111
        assert (face.pulses() > 0).all()


@pytest.mark.parametrize("clocks", [1, 4, 9])
def test_a_slave_that_was_cut_off_in_a_read_does_not_keep_the_servos_on(clocks: int) -> None:
    """It holds SDA until it has got its clocks, and the first ALL_LED_OFF cannot even start."""
    face = AvrFace()
    face.ready()
    face.machine.oe_wired(False)
    face.machine.reset(WATCHDOG)
    face.machine.hold_sda(True, clocks)
    face.run(0.03)
    assert not face.pulses().any()
    face.machine.oe_wired(True)
    face.ready()
    assert (face.pulses() > 0).all()
