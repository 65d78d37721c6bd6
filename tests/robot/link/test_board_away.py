"""A board that is late, stalls, resets, is unplugged or stays away, and the host that does."""

import numpy as np
import pytest

from mien.robot.errors import DeviceError
from mien.robot.link.board import GIVE_UP_S, LEAD_S, SILENT_S
from mien.robot.wire import State
from tests.bench.firmware.line import Line
from tests.robot.link.driven import FACE, armed, connected, play, wave


def test_a_missing_servo_board_is_named() -> None:
    line = Line()
    line.core.set_servo_board(0, False)
    with pytest.raises(DeviceError, match="0x40"):
        connected(line).arm()
    assert not line.core.drive


def test_a_servo_board_that_comes_a_second_late_is_waited_for() -> None:
    line = Line()
    line.core.set_servo_board(0, False)
    line.on_tick = lambda: line.core.set_servo_board(0, line.now() > 1.0)
    board = connected(line)
    board.arm()
    assert line.core.state == State.ARMED


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


def test_a_host_that_comes_back_after_the_release_ramps_from_where_the_face_was_let_go() -> None:
    line = Line()
    board = armed(line)
    play(board, line, 1.0, wave)
    line.advance(0.5 + FACE.failsafe_hold_s + 2.0)
    assert line.core.state == State.RELEASED
    assert not line.core.outputs()[1].any()
    play(board, line, 3.0, wave)
    assert line.core.state == State.ARMED
    assert line.core.outputs()[1].all()
    assert board.counters.reconnects == 1
    assert line.core.violations == 0


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
    line.core.set_servo_board(0, False)
    play(board, line, 2.0, wave)
    assert line.core.state != State.ARMED
    line.core.set_servo_board(0, True)
    play(board, line, 2.0, wave)
    assert line.core.state == State.ARMED


def test_a_board_that_stays_away_is_an_error() -> None:
    line = Line()
    board = armed(line)
    line.unplugged = True
    with pytest.raises(DeviceError, match="away"):
        play(board, line, GIVE_UP_S + 2, wave)


def test_a_host_that_starts_again_takes_over_from_the_old_one() -> None:
    line = Line()
    old = armed(line)
    play(old, line, 1.0, wave)
    new = armed(line)  # no goodbye from the old one
    play(new, line, 1.0, wave)
    assert line.core.state == State.ARMED
    assert line.core.violations == 0


def test_a_board_that_falls_silent_is_noticed_while_it_is_silent() -> None:
    line = Line()
    board = armed(line)
    play(board, line, 0.5, wave)
    line.deaf = True  # nothing is raised: bytes go and none come
    fallen = line.now()
    while board.connected:
        assert line.now() < fallen + SILENT_S + 0.1
        play(board, line, 0.02, wave)
    assert line.now() > fallen + SILENT_S - 0.1  # and not for one frame that is late
    written = line.written
    play(board, line, 0.3, wave)
    assert line.written - written < 10  # it is asked now and then; nothing is sent into the void
    line.deaf = False
    play(board, line, 2.0, wave)
    assert board.connected
    assert line.core.state == State.ARMED


def test_a_board_that_stays_silent_is_an_error() -> None:
    line = Line()
    board = armed(line)
    line.deaf = True
    with pytest.raises(DeviceError, match="away"):
        play(board, line, GIVE_UP_S + 2, wave)


def test_a_board_that_released_the_face_after_a_long_silence_is_brought_back() -> None:
    line = Line()
    board = armed(line)
    play(board, line, 1.0, wave)
    line.advance(15.0)  # longer than the safe pose is held
    assert not line.core.drive
    play(board, line, 3.0, wave)
    assert line.core.state == State.ARMED
    assert board.counters.reconnects == 1
    assert line.core.violations == 0
