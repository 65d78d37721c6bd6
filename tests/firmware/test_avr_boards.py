"""Servo boards that are missing, come late, lose their power, or block the bus."""

from __future__ import annotations

import numpy as np
import pytest

from mien.firmware.emulator.machine import Kind
from mien.robot.wire import Fault, Msg, Result, State
from tests.bench.firmware.avr_face import COUNT_US, SLICE_S, AvrFace
from tests.firmware.avr_guard import Guard

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

LOST_OFF_S = 2.0  # LOST_OFF_MS in firmware/avr/boards.h
WATCHDOG_US = 120_000.0


def on_board(face: AvrFace, board: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,): which channels are wired to that servo board."""
    return np.array([a.board == board for a in face.face.actuators.values()])


def assert_no_reset(face: AvrFace) -> None:
    assert not face.events(Kind.RESET, Kind.CRASH)
    assert face.machine.watchdog_longest_us < WATCHDOG_US / 4


@pytest.fixture
def face() -> AvrFace:
    face = AvrFace()
    face.machine.watch(Kind.RESET, Kind.CRASH)
    return face


@pytest.mark.parametrize("board", [0, 1, 2])
def test_arm_is_refused_without_a_board_and_works_when_it_comes(face: AvrFace, board: int) -> None:
    face.machine.board_power(board, False)
    face.configure()
    face.run(0.3)
    assert face.hello().boards == 0b111 & ~(1 << board)
    assert face.try_arm() == Result.BOARD
    assert face.machine.oe_high
    face.machine.board_power(board, True)
    face.run(0.1)
    assert face.hello().boards == 0b111
    face.ready()
    assert np.abs(face.pulses() - face.safe).max() <= COUNT_US / 2 + 1e-6
    assert_no_reset(face)


def test_no_board_at_all_is_no_reset_loop(face: AvrFace) -> None:
    for board in range(3):
        face.machine.board_power(board, False)
    face.configure()
    face.run(2.0)
    assert face.try_arm() == Result.BOARD
    assert face.state() == State.DISARMED
    assert_no_reset(face)


def test_a_board_whose_cable_falls_out_is_a_fault_and_the_others_ramp_to_safe(
    face: AvrFace,
) -> None:
    face.ready()
    face.hold(0.8, face.away())
    guard = Guard(face)
    face.machine.board_refuse(1, True)
    lost_at = face.rig.now()
    failed_after = None
    for _ in face.stream(1.0, lambda _: face.away()):
        guard.look()
        observed = face.talk.telemetry
        if failed_after is None and observed is not None and observed.state == State.FAILSAFE:
            failed_after = face.rig.now() - lost_at
    assert failed_after is not None and failed_after < 0.2
    assert face.faults() & Fault.BOARD and face.faults() & Fault.BUS
    others = ~on_board(face, 1)
    assert np.abs(face.pulses() - face.safe)[others].max() <= COUNT_US / 2 + 1e-6
    # Nobody can tell the lost board anything: it still holds its old pose, until /OE ends that.
    assert np.abs(face.pulses() - face.away())[~others].max() < 10
    face.run(LOST_OFF_S)
    assert face.machine.oe_high
    assert not face.pulses().any()
    assert_no_reset(face)


def test_a_lost_board_that_comes_back_stays_off_until_the_next_arm(face: AvrFace) -> None:
    face.ready()
    face.hold(0.8, face.away())
    face.machine.board_power(1, False)
    face.hold(0.6)
    assert face.state() == State.FAILSAFE
    face.machine.board_power(1, True)
    mine = on_board(face, 1)
    for _ in face.stream(0.6, lambda _: face.safe):
        assert not face.pulses()[mine].any()
    assert face.hello().boards == 0b111
    assert (face.pulses()[~mine] > 0).all()
    face.arm()
    face.hold(0.8)
    assert (face.pulses() > 0).all()
    assert_no_reset(face)


def test_after_everything_was_turned_off_arm_brings_it_back(face: AvrFace) -> None:
    face.ready()
    face.machine.board_power(2, False)
    face.run(LOST_OFF_S + 0.5)
    assert face.machine.oe_high
    face.machine.board_power(2, True)
    face.run(0.5)
    assert face.machine.oe_high
    face.arm()
    face.hold(0.8)
    assert not face.machine.oe_high
    assert (face.pulses() > 0).all()


def test_a_board_that_lost_its_power_for_a_moment_is_found_out(face: AvrFace) -> None:
    """It acknowledges everything and drives nothing: only reading it back shows that."""
    face.ready()
    face.machine.board_power(0, False)
    face.machine.board_power(0, True)
    face.hold(0.3)
    assert face.machine.now_us > 0
    assert face.state() == State.FAILSAFE
    assert face.faults() & Fault.BOARD
    assert face.hello().boards == 0b111  # set up anew by now
    face.arm()
    face.hold(0.8)
    assert (face.pulses() > 0).all()


@pytest.mark.parametrize(("reg", "value"), [(0x00, 0x31), (0x01, 0x14), (0xFE, 30)])
def test_a_register_that_was_upset_is_found_and_set_right(
    face: AvrFace, reg: int, value: int
) -> None:
    """Asleep, inverted, or four times too fast: each alone must be noticed."""
    face.ready()
    good = face.machine.register(2, reg)
    face.machine.board_upset(2, reg, value)
    face.hold(0.4)
    assert face.state() == State.FAILSAFE
    assert face.faults() & Fault.BOARD
    assert face.machine.register(2, reg) == good
    face.arm()
    face.hold(0.8)
    assert (face.pulses() > 0).all()


def test_the_gate_stays_shut_while_a_board_does_not_take_the_first_pose(face: AvrFace) -> None:
    """Its outputs are unknown, and /OE is one line for all."""
    face.configure()
    face.run(0.1)
    face.machine.watch(Kind.OE)
    face.machine.board_refuse(1, True)
    assert face.try_arm() == Result.OK  # it was verified a moment ago
    face.hold(0.5)
    assert not face.events(Kind.OE)
    assert face.state() == State.FAILSAFE
    face.machine.board_refuse(1, False)
    face.run(0.3)
    assert not face.events(Kind.OE)
    face.arm()
    face.hold(0.8)
    assert (face.pulses() > 0).all()


def test_a_single_refusal_is_counted_and_survived(face: AvrFace) -> None:
    face.ready()
    face.machine.board_refuse_after(1, 20)  # in the middle of its burst
    guard = Guard(face)
    refused_at = face.rig.now()
    for now in face.stream(0.05, face.wave):
        guard.look()
        if now - refused_at > 0.012:  # one burst at least, three at most
            face.machine.board_refuse_after(1, 0xFFFF)
    face.hold(0.2)
    assert face.state() == State.ARMED
    assert face.telemetry().bus_errors >= 1
    assert_no_reset(face)


def test_sda_that_a_slave_holds_is_clocked_free(face: AvrFace) -> None:
    face.ready()
    guard = Guard(face)
    for clocks in (1, 5, 9):
        for _ in face.stream(0.2, face.wave):
            guard.look()
        face.machine.hold_sda(True, clocks)
        for _ in face.stream(0.2, face.wave):
            guard.look()
        assert face.state() == State.ARMED
    assert face.faults() & Fault.BUS
    assert guard.observed > 50
    assert_no_reset(face)


@pytest.mark.parametrize("line", ["sda", "scl"])
def test_a_bus_that_stays_stuck_is_a_fault_and_no_reset(face: AvrFace, line: str) -> None:
    hold = face.machine.hold_sda if line == "sda" else face.machine.hold_scl
    face.ready()
    face.hold(0.8, face.away())
    guard = Guard(face)
    hold(True)
    for _ in face.stream(0.5, face.wave):
        guard.look()
    assert face.state() == State.FAILSAFE
    assert Fault.BOARD | Fault.BUS in face.faults()
    face.run(LOST_OFF_S)
    assert face.machine.oe_high
    assert_no_reset(face)
    hold(False)
    face.run(0.3)
    assert face.hello().boards == 0b111
    face.ready()
    assert (face.pulses() > 0).all()
    assert_no_reset(face)


@pytest.mark.parametrize("line", ["sda", "scl"])
def test_power_up_with_a_stuck_bus(face: AvrFace, line: str) -> None:
    hold = face.machine.hold_sda if line == "sda" else face.machine.hold_scl
    hold(True)
    face.machine.reset(1)
    face.machine.watch(Kind.RESET, Kind.CRASH)
    face.run(0.5)
    face.configure()
    face.run(0.5)
    assert face.try_arm() == Result.BOARD
    assert_no_reset(face)
    hold(False)
    face.ready()
    assert (face.pulses() > 0).all()


@pytest.mark.parametrize("line", ["sda", "scl"])
def test_an_emergency_stop_needs_no_bus(face: AvrFace, line: str) -> None:
    hold = face.machine.hold_sda if line == "sda" else face.machine.hold_scl
    face.ready()
    face.machine.watch(Kind.OE)
    hold(True)
    face.run(0.003)
    sent_at = face.machine.now_us
    face.talk.send(Msg.ESTOP)
    face.run(0.02)
    high = [e for e in face.events(Kind.OE) if e.value == 1]
    assert len(high) == 1
    assert high[0].us - sent_at <= 1000.0
    hold(False)
    face.run(0.1)
    face.machine.oe_wired(False)
    assert not face.pulses().any()  # the boards were told as soon as they could be
    assert face.state() == State.ESTOP


def test_pulses_follow_the_configured_boards_and_no_others() -> None:
    small = AvrFace("hobby9")
    small.ready()
    used = set(small.outputs)
    flat = small.machine.pulses().ravel()
    assert {int(i) for i in np.flatnonzero(flat)} == used
    small.run(SLICE_S)
