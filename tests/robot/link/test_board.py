"""The board as the loop sees it, over a line on which everything goes wrong once."""

from collections.abc import Callable

import numpy as np
import pytest

from firmware.line import Line
from firmware.noise import flips
from robot.actuators import to_pulses
from robot.config import Floats, load_face
from robot.errors import DeviceError
from robot.link import wire
from robot.link.board import GIVE_UP_S, LEAD_S, Board
from robot.link.upload import upload_of
from robot.link.wire import State

FACE = load_face("hobby9")
NEUTRAL = to_pulses(FACE, np.zeros(len(FACE.names)))


def connected(line: Line) -> Board:
    board = Board(FACE, line, line.now)
    board.connect()
    return board


def armed(line: Line) -> Board:
    board = connected(line)
    board.arm()
    play(board, line, 1.0)
    return board


def play(
    board: Board, line: Line, seconds: float, pulses: Callable[[float], Floats] | None = None
) -> list[Floats]:
    """The loop at 50 Hz. Returns what was really sent."""
    start, sent = line.now(), []
    for k in range(round(seconds * 50)):
        t = start + k / 50
        line.advance(max(0.0, t - line.now()))
        sent.append(board.send(t, NEUTRAL if pulses is None else pulses(t)))
        board.read()
    line.advance(0.02)
    return sent


def wave(t: float) -> Floats:
    commands = np.full(len(FACE.names), 0.4 * np.sin(2 * np.pi * 0.5 * t))
    return to_pulses(FACE, np.clip(commands, *FACE.limits.T))


def test_nothing_is_driven_before_arm_and_after_close() -> None:
    line = Line()
    board = connected(line)
    assert line.core.state == State.DISARMED
    line.advance(1.0)
    assert not line.core.drive
    board.arm()
    assert line.core.drive
    board.close()
    line.advance(0.05)
    assert not line.core.drive


def test_what_is_sent_is_reached_after_the_lead() -> None:
    line = Line()
    board = armed(line)
    target = to_pulses(FACE, np.full(len(FACE.names), 0.2))
    seen = play(board, line, 1.5, lambda _: target)
    np.testing.assert_allclose(board.outputs(), seen[-1])
    np.testing.assert_allclose(seen[-1], target, atol=0.126)
    assert line.core.violations == 0


def test_setpoints_carry_the_time_and_the_lead() -> None:
    line = Line(offset_us=2**32 - 3_000_000, drift=150e-6)
    board = armed(line)
    play(board, line, 5.0)  # over the wrap of the board's clock
    t = line.now()
    board.send(t, NEUTRAL)
    line.advance(0.01)
    stamp = line.core.newest_setpoint()[0]
    wanted = line.offset_us + (t + LEAD_S) * 1e6 * (1 + line.drift)
    assert abs(stamp - wanted % 2**32) < 50


def test_send_returns_what_was_really_sent() -> None:
    line = Line()
    board = armed(line)
    wild = np.full(len(FACE.names), 9_999.0)
    wild[0] = np.nan
    wild[1] = 0.0
    (sent,) = play(board, line, 0.02, lambda _: wild)
    ends = np.sort(to_pulses(FACE, FACE.limits.T), axis=0)
    assert sent[0] == NEUTRAL[0]  # not a number: held
    assert sent[1] == ends[0, 1]
    np.testing.assert_allclose(sent[2:], ends[1, 2:])
    assert board.read() is not None


def test_wrong_number_of_pulses_is_refused() -> None:
    board = armed(Line())
    with pytest.raises(ValueError, match="9 channels"):
        board.send(0.0, np.zeros(8))


def test_another_protocol_names_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PROTOCOL_HASH", 0x12345678)
    with pytest.raises(DeviceError, match="this program 12345678") as raised:
        connected(Line())
    assert raised.value.hint == "mien firmware flash"


def test_no_board_is_an_error_in_the_time_given() -> None:
    line = Line()
    line.deaf = True
    with pytest.raises(DeviceError, match="HELLO"):
        Board(FACE, line, line.now).connect(timeout_s=1.0)
    assert line.now() == pytest.approx(1.0, abs=0.2)


def test_arm_before_connect_is_refused() -> None:
    line = Line()
    with pytest.raises(DeviceError, match="not connected"):
        Board(FACE, line, line.now).arm()


def test_a_missing_servo_board_is_named() -> None:
    line = Line()
    line.core.set_board(0, False)
    with pytest.raises(DeviceError, match="0x40"):
        connected(line).arm()
    assert not line.core.drive


def test_a_servo_board_that_comes_a_second_late_is_waited_for() -> None:
    line = Line()
    line.core.set_board(0, False)
    line.on_tick = lambda: line.core.set_board(0, line.now() > 1.0)
    board = connected(line)
    board.arm()
    assert line.core.state == State.ARMED


@pytest.mark.parametrize("drift", [-200e-6, 0.0, 200e-6])
@pytest.mark.parametrize("offset", [0, 2**32 - 10_000_000])
def test_a_drifting_clock_starves_nothing_in_a_minute(drift: float, offset: int) -> None:
    line = Line(drift=drift, offset_us=offset, seed=3)
    line.latency = lambda: line.rng.uniform(0.0003, 0.004)
    board = armed(line)
    before = board.read()
    play(board, line, 60.0, wave)
    after = board.read()
    assert before is not None and after is not None
    assert after.late == after.refused == after.starved - before.starved == after.rx_lost == 0
    assert board.clock.drift_ppm == pytest.approx(drift * 1e6, abs=100)
    board.send(line.now(), NEUTRAL)
    wanted = line.board_us + LEAD_S * 1e6
    line.advance(0.01)
    assert abs(line.core.newest_setpoint()[0] - wanted % 2**32) < 2000  # us, trips of up to 8 ms
    assert line.core.violations == 0


def test_a_host_that_stalls_finds_the_face_safe_and_ramps_back() -> None:
    line = Line()
    board = armed(line)
    play(board, line, 1.0, wave)
    line.advance(1.0)
    assert line.core.state == State.FAILSAFE
    driven = []
    line.on_tick = lambda: driven.append(line.core.outputs()[1].all())
    play(board, line, 3.0, wave)
    assert line.core.state == State.ARMED
    assert all(driven)  # held up all the while
    assert board.counters.reconnects == 1
    assert line.core.violations == 0
    assert line.opened == 1  # opening resets some boards: not without need


def test_reading_alone_keeps_an_armed_face_where_it_is() -> None:
    line = Line()
    board = armed(line)
    play(board, line, 1.0, wave)
    line.advance(0.1)
    held = board.outputs()
    for _ in range(250):
        board.read()
        line.advance(0.02)
    assert line.core.state == State.ARMED
    np.testing.assert_array_equal(board.outputs(), held)
    assert board.counters.reconnects == 0


def test_unplugged_and_plugged_in_again() -> None:
    line = Line()
    board = armed(line)
    play(board, line, 1.0, wave)
    line.unplugged = True
    held = play(board, line, 2.0, wave)
    assert all((h == held[0]).all() for h in held)  # nothing was sent, and it says so
    assert line.core.state == State.FAILSAFE
    assert not board.connected
    line.unplugged = False
    driven = []
    line.on_tick = lambda: driven.append(line.core.drive)
    play(board, line, 3.0, wave)
    assert board.connected and line.core.state == State.ARMED
    assert (board.counters.reconnects, line.opened) == (1, 2)
    assert not all(driven)  # uploaded anew
    np.testing.assert_allclose(board.outputs(), wave(line.now() - LEAD_S), atol=25)
    assert line.core.violations == 0


def test_a_reset_of_the_board_in_motion_is_noticed_and_mended() -> None:
    line = Line(offset_us=123_456_789)
    board = armed(line)
    play(board, line, 1.0, wave)
    line.reset_board()
    assert not line.core.drive
    play(board, line, 3.0, wave)
    assert line.core.state == State.ARMED
    assert board.counters.reconnects == 1
    play(board, line, 1.0, wave)
    np.testing.assert_allclose(board.outputs(), wave(line.now() - LEAD_S), atol=25)


def test_a_servo_board_lost_in_motion_holds_the_face_safe_until_it_is_back() -> None:
    line = Line()
    board = armed(line)
    line.core.set_board(0, False)
    play(board, line, 2.0, wave)
    assert line.core.state != State.ARMED
    line.core.set_board(0, True)
    play(board, line, 2.0, wave)
    assert line.core.state == State.ARMED


def test_a_board_that_stays_away_is_an_error() -> None:
    line = Line()
    board = armed(line)
    line.unplugged = True
    with pytest.raises(DeviceError, match="away"):
        play(board, line, GIVE_UP_S + 2, wave)


def test_estop_is_latched_and_no_revival_ends_it() -> None:
    line = Line()
    board = armed(line)
    board.estop()
    assert not line.core.drive
    with pytest.raises(DeviceError, match="ESTOP") as raised:
        board.send(line.now(), NEUTRAL)
    assert raised.value.hint.endswith("mien clear")
    with pytest.raises(DeviceError, match="ESTOP"):
        board.arm()
    with pytest.raises(DeviceError, match="ESTOP"):
        connected(line).arm()
    board.clear()
    board.arm()
    play(board, line, 1.0, wave)
    assert line.core.state == State.ARMED


def test_an_estop_over_a_bad_line_is_said_until_it_is_heard() -> None:
    line = Line(seed=4)
    board = armed(line)
    line.damage = lambda data: b"" if line.rng.random() < 0.7 else data
    start = line.now()
    board.estop()
    assert not line.core.drive
    assert line.now() - start < 0.3


def test_an_estop_that_nobody_confirms_says_what_to_do() -> None:
    line = Line()
    board = armed(line)
    line.deaf = True
    with pytest.raises(DeviceError, match="not confirmed") as raised:
        board.estop()
    assert raised.value.hint == "cut the servo supply"


def test_the_boards_own_button_stops_the_loop() -> None:
    line = Line()
    board = armed(line)
    line.core.press_button()
    with pytest.raises(DeviceError, match="ESTOP"):
        play(board, line, 1.0, wave)
    assert not line.core.drive


def test_an_estop_while_the_cable_was_out_is_not_armed_over() -> None:
    line = Line()
    board = armed(line)
    line.unplugged = True
    play(board, line, 0.5, wave)
    line.core.press_button()
    line.unplugged = False
    with pytest.raises(DeviceError, match="ESTOP"):
        play(board, line, 2.0, wave)
    assert not line.core.drive


def test_a_host_that_starts_again_takes_over_from_the_old_one() -> None:
    line = Line()
    old = armed(line)
    play(old, line, 1.0, wave)
    new = armed(line)  # no goodbye from the old one
    play(new, line, 1.0, wave)
    assert line.core.state == State.ARMED
    assert line.core.violations == 0


@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2])
def test_noise_on_the_line_both_commands_and_setpoints(rate: float) -> None:
    line = Line(seed=11)
    line.damage = lambda data: flips(data, line.rng, rate)
    board = armed(line)
    play(board, line, 20.0, wave)
    assert line.core.violations == 0
    assert line.core.state == State.ARMED
    np.testing.assert_allclose(board.outputs(), wave(line.now() - LEAD_S), atol=60)


@pytest.mark.parametrize("kind", ["doubled", "reordered", "cut"])
def test_frames_doubled_reordered_or_cut(kind: str) -> None:
    line = Line(seed=12)
    kept: list[bytes] = []

    def damage(data: bytes) -> bytes:
        if line.rng.random() > 0.05:
            return data
        if kind == "doubled":
            return data + data
        if kind == "cut":
            return data[: line.rng.randrange(len(data))]
        kept.append(data)  # comes after the next one
        return b""

    def reorder(data: bytes) -> bytes:
        out = damage(data)
        return out + kept.pop() if out and kept else out

    board = armed(line)
    line.damage = reorder if kind == "reordered" else damage
    play(board, line, 20.0, wave)
    assert line.core.violations == 0
    assert line.core.state == State.ARMED
    seen = board.read()
    assert seen is not None
    assert (seen.refused > 0) == (kind == "reordered")


def test_report_has_the_counters_of_both_sides() -> None:
    line = Line()
    board = armed(line)
    report = board.report()
    assert report["frames_sent"] > 50 and report["board_rx_frames"] > 50
    assert report["frames_bad"] == report["board_rx_bad"] == report["telemetry_lost"] == 0


def test_close_on_a_line_that_is_gone_is_quiet() -> None:
    line = Line()
    board = armed(line)
    line.unplugged = True
    board.close()
    line.advance(0.5)
    assert line.core.state == State.FAILSAFE


@pytest.mark.parametrize("lead", [-0.01, 1.01, float("nan")])
def test_a_lead_that_the_board_refuses_is_refused_here(lead: float) -> None:
    line = Line()
    with pytest.raises(ValueError, match="lead_s"):
        Board(FACE, line, line.now, lead)


def test_all_33_actuators_go_up_and_come_back() -> None:
    face = load_face("morpheus33")
    line = Line()
    board = Board(face, line, line.now)
    board.connect()
    board.arm()
    for _ in range(100):
        board.send(line.now(), to_pulses(face, face.safe))
        line.advance(0.02)
        board.read()
    wanted = upload_of(face).clip(to_pulses(face, face.safe)) / 4.0
    np.testing.assert_allclose(board.outputs(), wanted)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_three_hours_over_two_wraps_of_the_boards_clock() -> None:
    line = Line(drift=120e-6, offset_us=2**31, seed=8)
    line.latency = lambda: line.rng.uniform(0.0003, 0.003)
    board = armed(line)
    for _ in range(180):
        before = board.read()
        play(board, line, 60.0, wave)
        after = board.read()
        assert before is not None and after is not None
        for counter in ("late", "refused", "rx_bad", "rx_lost", "overruns", "tx_dropped"):
            assert getattr(after, counter) == getattr(before, counter), counter
    assert board.counters.reconnects == 0
    assert line.core.violations == 0
