"""The state machine against a table of its own, from every state, by every event."""

from collections.abc import Callable

import pytest

from mien.firmware.host import HostCore
from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.wire import Fault, Msg, Result, State
from tests.bench.firmware.lockstep import Lockstep

U, D, A, F, E, R = State


def in_state(state: State) -> Lockstep:
    rig = Lockstep()
    if state == U:
        return rig
    if state == E:
        rig.configure()
        rig.send(Msg.ESTOP)
        return rig
    if state == D:
        rig.configure()
        return rig
    rig.ready()
    if state in (F, R):
        rig.run(300, heartbeat=False)
    if state == R:
        rig.run(10_200, heartbeat=False)
    return rig


def silence(rig: Lockstep) -> None:
    rig.run(300, heartbeat=False)


def lose_board(rig: Lockstep) -> None:
    rig.core.set_servo_board(0, False)
    rig.run(50)


EVENTS: dict[str, Callable[[Lockstep], object]] = {
    "arm": lambda rig: rig.arm(),
    "disarm": lambda rig: rig.command(Msg.DISARM),
    "estop": lambda rig: rig.command(Msg.ESTOP),
    "button": lambda rig: rig.core.press_button(),
    "stop": lambda rig: rig.core.stop(),
    "clear": lambda rig: rig.command(Msg.CLEAR),
    "hello": lambda rig: rig.send(Msg.HELLO),
    "silence": silence,
    "board lost": lose_board,
    "upload": lambda rig: rig.configure(),
    "hold": lambda rig: rig.run(10_500, heartbeat=False),
}

NEXT = {  # written from the design, not from the C table
    "arm": {U: U, D: A, A: A, F: A, E: E, R: A},
    "disarm": {U: U, D: D, A: D, F: D, E: E, R: D},
    "estop": {U: E, D: E, A: E, F: E, E: E, R: E},
    "button": {U: E, D: E, A: E, F: E, E: E, R: E},
    "stop": {U: E, D: E, A: E, F: E, E: E, R: E},
    "clear": {U: U, D: D, A: A, F: F, E: D, R: D},
    "hello": {U: U, D: D, A: A, F: F, E: E, R: R},
    "silence": {U: U, D: D, A: F, F: F, E: E, R: R},
    "board lost": {U: U, D: D, A: F, F: F, E: E, R: R},
    "upload": {U: D, D: D, A: A, F: F, E: E, R: D},
    "hold": {U: U, D: D, A: R, F: R, E: E, R: R},
}


@pytest.mark.parametrize("start", State)
@pytest.mark.parametrize("event", EVENTS)
def test_transition(start: State, event: str) -> None:
    rig = in_state(start)
    assert rig.state == start
    EVENTS[event](rig)
    assert rig.state == NEXT[event][start]
    assert rig.core.drive == (rig.state in (A, F))
    assert rig.core.violations == 0


@pytest.mark.parametrize("start", State)
def test_outputs_are_off_unless_armed_or_failsafe(start: State) -> None:
    rig = in_state(start)
    rig.tick()
    if start in (A, F):
        assert (rig.pulses > 0).all()
    else:
        assert (rig.pulses == 0).all()


@pytest.mark.parametrize("start", State)
def test_a_reset_of_the_board_in_any_state_starts_unconfigured_and_off(start: State) -> None:
    rig = in_state(start)
    rig.core = HostCore(reset=wire.Reset.WATCHDOG)
    rig.tick()
    assert rig.state == U and not rig.core.drive
    rig.setpoint(7000, 5000)  # the host does not know yet
    rig.run(50)
    assert rig.state == U and not rig.core.drive
    (answer,) = rig.send(Msg.HELLO)
    hello = protocol.unpack(wire.HelloReply, answer.payload)
    assert hello.reset == wire.Reset.WATCHDOG
    assert hello.faults == Fault.WATCHDOG
    assert rig.arm().result == Result.STATE


def test_estop_before_any_upload_clears_to_unconfigured() -> None:
    rig = Lockstep()
    rig.send(Msg.ESTOP)
    assert rig.command(Msg.CLEAR).state == U
    assert rig.configure().state == D


def test_estop_is_honoured_with_any_payload() -> None:
    rig = Lockstep().ready()
    rig.send(Msg.ESTOP, b"whatever")
    assert rig.state == E and not rig.core.drive


def test_estop_takes_effect_before_the_next_byte() -> None:
    rig = Lockstep().ready()
    frame = rig.frame(Msg.ESTOP)
    rig.raw(frame[:-1])
    assert rig.core.drive
    rig.raw(frame[-1:])
    assert not rig.core.drive
    assert (rig.pulses == 0).all()


def test_estop_stays_through_everything_but_clear() -> None:
    rig = in_state(E)
    for event in ("arm", "disarm", "upload", "hello", "silence", "board lost"):
        EVENTS[event](rig)
        rig.setpoint(7000, 10_000)
        rig.run(100)
        assert rig.state == E and not rig.core.drive


def test_button_is_latched_with_its_fault() -> None:
    rig = Lockstep().ready()
    rig.core.press_button()
    assert rig.telemetry().faults & Fault.BUTTON
    rig.command(Msg.CLEAR)
    assert rig.telemetry().faults == 0


def test_an_echo_of_an_old_arm_does_not_start_a_face_that_was_stopped() -> None:
    rig = Lockstep()
    rig.configure()
    arm = rig.frame(Msg.ARM, protocol.pack(wire.Arm(rig.upload.crc)))
    rig.raw(arm)
    assert rig.state == A
    rig.send(Msg.DISARM)
    (answer,) = rig.raw(arm)
    assert protocol.unpack(wire.Ack, answer.payload).result == Result.ORDER
    assert rig.state == D


def test_an_echo_of_an_old_clear_does_not_end_an_estop() -> None:
    rig = Lockstep()
    clear = rig.frame(Msg.CLEAR)
    rig.raw(clear)
    rig.send(Msg.ESTOP)
    rig.raw(clear)
    assert rig.state == E


def test_a_new_host_may_start_its_count_anywhere_after_hello() -> None:
    rig = Lockstep().ready()
    rig.raw(protocol.encode(Msg.HELLO, 3))
    rig.raw(protocol.encode(Msg.DISARM, 4))
    assert rig.state == D
    lost = rig.telemetry().rx_lost
    rig.raw(protocol.encode(Msg.ARM, 7, protocol.pack(wire.Arm(rig.upload.crc))))
    assert rig.state == A
    assert rig.telemetry().rx_lost == lost + 2


def test_hello_says_what_the_board_is() -> None:
    rig = Lockstep()
    rig.configure()
    (answer,) = rig.send(Msg.HELLO)
    hello = protocol.unpack(wire.HelloReply, answer.payload)
    assert hello.protocol_hash == wire.PROTOCOL_HASH
    assert (hello.channels_max, hello.queue_depth, hello.step_us) == (48, 8, 5000)
    assert (hello.state, hello.channels, hello.config_crc) == (D, 4, rig.upload.crc)
    assert (hello.boards, hello.reset) == (1, wire.Reset.POWER)
