"""The fault campaign on one core: silence, buses, boards, floods, and what telemetry says."""

import numpy as np
import pytest

from mien.firmware.host import HostCore
from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.link.upload import Upload
from mien.robot.wire import Fault, Msg, Result, State
from tests.bench.firmware.lockstep import Lockstep, begin, channels, plain_upload


@pytest.mark.parametrize("timeout_ms", [20, 50, 200, 1000, 2000])
@pytest.mark.parametrize("tick_us", [1000, 4999, 5000])
def test_silence_is_failsafe_in_time_and_latched(timeout_ms: int, tick_us: int) -> None:
    rig = Lockstep(Upload(begin(timeout_ms=timeout_ms), channels()))
    rig.configure()
    rig.arm()
    rig.ping()
    start = rig.now
    while rig.state == State.ARMED:
        rig.tick(tick_us)
    silent_ms = (rig.now - start) / 1000
    assert timeout_ms < silent_ms <= timeout_ms + 20
    rig.run(100)  # the host is back, and only talks
    rig.setpoint(8000, 10_000)
    rig.run(100)
    assert rig.state == State.FAILSAFE
    assert rig.telemetry().faults & Fault.LINK
    assert rig.arm().result == Result.OK


def test_silence_across_the_wrap_of_the_clock() -> None:
    rig = Lockstep(start_us=2**32 - 100_000)
    rig.configure()
    rig.arm()
    observed = rig.run(195, heartbeat=False)
    held = rig.state
    rig.run(20, heartbeat=False)
    assert (held, rig.state) == (State.ARMED, State.FAILSAFE)
    assert (observed > 0).all()


def test_only_frames_that_are_whole_are_a_heartbeat() -> None:
    rig = Lockstep().ready()
    for _ in range(50):
        rig.raw(b"\x03\x02\x01\x00")
        rig.send(Msg.HELLO)
        rig.tick()
    assert rig.state == State.FAILSAFE


def test_a_reset_in_motion_starts_off_and_the_face_comes_back_by_a_ramp() -> None:
    rig = Lockstep().ready()
    for _ in range(30):
        rig.setpoint(8000, 20_000)
        rig.tick()
    rig.core = HostCore(reset=wire.Reset.BROWNOUT)
    assert (rig.core.outputs()[0].size, rig.core.drive) == (0, False)
    rig.tick()
    rig.ready()
    assert rig.telemetry().faults == Fault.BROWNOUT
    assert (rig.pulses == 6000).all()


def test_one_failed_transfer_is_counted_and_not_more() -> None:
    rig = Lockstep().ready()
    rig.core.set_servo_board(0, False)
    rig.tick()
    rig.core.set_servo_board(0, True)
    rig.run(100)
    observed = rig.telemetry()
    assert (observed.state, observed.bus_errors, observed.boards) == (State.ARMED, 1, 1)
    assert observed.faults == Fault.BUS


def test_failures_count_in_a_row_only() -> None:
    rig = Lockstep().ready()
    for _ in range(20):
        for present in (False, False, False, False, True):
            rig.core.set_servo_board(0, present)
            rig.ping()
            rig.tick()
    assert rig.state == State.ARMED
    assert rig.telemetry().bus_errors == 80


def test_a_board_lost_in_motion_is_failsafe_for_all_and_no_arm_until_it_is_back() -> None:
    rig = Lockstep(plain_upload(33)).ready()
    rig.core.set_servo_board(1, False)
    start = rig.now
    while rig.state == State.ARMED:
        rig.ping()
        rig.tick()
    assert rig.now - start == wire.BUS_FAILURES_MAX * wire.STEP_US
    observed = rig.telemetry()
    assert observed.faults == Fault.BOARD | Fault.BUS
    assert observed.boards == 0b101
    ack = rig.arm()
    assert (ack.result, ack.detail, ack.state) == (Result.BOARD, 0b101, State.FAILSAFE)
    rig.core.set_servo_board(1, True)
    rig.run(100)
    assert rig.arm().result == Result.BOARD  # an answer on the bus is not a verified board
    rig.send(Msg.DISARM)
    rig.tick()
    assert rig.arm().result == Result.OK
    assert rig.core.violations == 0


def test_a_board_absent_at_boot_and_back_later() -> None:
    rig = Lockstep(plain_upload(33))
    rig.core.set_servo_board(2, False)
    rig.configure()
    for _ in range(3):
        rig.run(100)
        ack = rig.arm()
        assert (ack.result, ack.detail, ack.state) == (Result.BOARD, 0b011, State.DISARMED)
        assert not rig.core.drive
    rig.core.set_servo_board(2, True)
    rig.run(10)
    assert rig.arm().state == State.ARMED


def test_a_commit_wants_every_board_verified_again() -> None:
    rig = Lockstep()
    rig.configure()
    rig.core.set_servo_board(0, False)
    rig.tick()
    assert rig.arm().result == Result.BOARD


def test_a_loop_that_misses_steps_says_so_and_never_makes_them_up() -> None:
    rig = Lockstep().ready()
    rig.setpoint(8000, 0)
    rig.tick()
    before = rig.pulses[0]
    rig.tick(60_000)
    assert rig.pulses[0] - before == 80  # one step, not twelve
    reports = [f.payload for f in rig.frames if f.type == Msg.TELEMETRY]
    assert protocol.unpack(wire.Telemetry, reports[-1]).loop_max_us == 60_000
    observed = rig.telemetry()
    assert (observed.overruns, observed.loop_max_us) == (11, wire.STEP_US)
    assert observed.faults & Fault.OVERRUN
    assert observed.state == State.ARMED


def test_lost_bytes_of_the_uart_are_a_fault() -> None:
    rig = Lockstep().ready()
    rig.core.uart_error()
    observed = rig.telemetry()
    assert observed.faults == Fault.UART and observed.rx_bad == 1


def test_a_flood_of_questions_drops_answers_whole_and_nothing_else() -> None:
    rig = Lockstep(plain_upload(48)).ready()
    frames = b"".join(rig.frame(Msg.READ_OUTPUTS) for _ in range(200))
    rig.core.receive(frames, rig.now)
    deframer = protocol.Deframer()
    answers = list(deframer.feed(rig.core.transmit()))
    assert len(answers) == 2 and deframer.bad == 0
    rig.ping()
    assert rig.telemetry().tx_dropped == 198
    assert rig.state == State.ARMED


def test_a_flood_at_line_rate_neither_stops_the_watchdog_nor_the_estop() -> None:
    rng = np.random.default_rng(7)
    rig = Lockstep().ready()
    bytes_per_step = 500_000 // 10 * wire.STEP_US // 1_000_000
    for _ in range(60):
        rig.raw(rng.bytes(bytes_per_step))
        rig.tick()
    assert rig.state == State.FAILSAFE
    rig.raw(b"\0" + rig.frame(Msg.ESTOP))
    assert not rig.core.drive


def test_a_frame_without_an_end_is_dropped_and_the_next_is_heard() -> None:
    rig = Lockstep().ready()
    before = rig.telemetry().rx_bad
    rig.raw(b"\x42" * 5000)
    rig.raw(b"\0")
    assert rig.telemetry().rx_bad == before + 1
    assert rig.command(Msg.DISARM).state == State.DISARMED


def test_any_split_of_the_stream_gives_the_same() -> None:
    rig = Lockstep()
    stream = b"".join(rig.frame(t, p) for t, p in rig.upload.messages())
    for byte in stream:
        rig.raw(bytes([byte]))
    assert rig.state == State.DISARMED


def test_clear_forgets_faults_and_nothing_else() -> None:
    rig = Lockstep().ready()
    rig.run(300, heartbeat=False)
    assert rig.command(Msg.CLEAR).state == State.FAILSAFE
    assert rig.telemetry().faults == 0


def test_gaps_in_the_numbers_are_counted_as_lost() -> None:
    rig = Lockstep().ready()
    for _ in range(5):
        rig.frame(Msg.PING)
    rig.ping()
    assert rig.telemetry().rx_lost == 5


def test_telemetry_comes_at_its_period_and_only_once_a_host_was_heard() -> None:
    rig = Lockstep()
    rig.run(500, heartbeat=False)
    assert rig.frames == []
    rig.configure()
    rig.frames.clear()
    rig.run(1000, heartbeat=False)
    kinds = [f.type for f in rig.frames]
    assert kinds.count(Msg.TELEMETRY) == 20


def test_outputs_can_be_read_back() -> None:
    rig = Lockstep(plain_upload(33)).ready()
    (answer,) = rig.send(Msg.READ_OUTPUTS)
    units, powered = protocol.outputs(answer.payload)
    np.testing.assert_array_equal(units, rig.pulses)
    assert powered.all() and len(powered) == 33
    rig.send(Msg.DISARM)
    (answer,) = rig.send(Msg.READ_OUTPUTS)
    assert not protocol.outputs(answer.payload)[1].any()


def test_a_setpoint_whose_guard_is_wrong_is_no_heartbeat() -> None:
    """A torn frame that passes one CRC by chance must not keep a dead host alive."""
    rig = Lockstep().ready()
    for k in range(60):
        payload = bytearray(protocol.setpoint(rig.now + 20_000, np.full(4, 6000, dtype=np.uint16)))
        payload[-1 - k % 2] ^= 1 << k % 8
        rig.send(Msg.SETPOINT, bytes(payload))
        rig.tick()
    assert rig.state == State.FAILSAFE
    assert rig.telemetry().rx_bad == 60
