"""An emergency stop is heard, latched, and never armed over."""

import pytest

from mien.robot.errors import DeviceError
from mien.robot.link import protocol
from mien.robot.link.board import Board
from mien.robot.wire import Msg, State
from tests.bench.firmware.line import Line
from tests.robot.link.driven import FACE, NEUTRAL, armed, connected, play, wave


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


def test_a_board_found_in_estop_is_asked_and_told_nothing_more() -> None:
    line = Line()
    board = armed(line)
    line.unplugged = True
    play(board, line, 0.5, wave)
    line.core.press_button()
    line.unplugged = False
    told: list[int] = []

    def listen(data: bytes) -> bytes:
        told.extend(frame.type for frame in protocol.Deframer().feed(data))
        return data

    line.damage = listen
    with pytest.raises(DeviceError, match="ESTOP"):
        play(board, line, 2.0, wave)
    assert Msg.HELLO in told
    assert set(told) <= {Msg.HELLO, Msg.PING}  # no upload, no ARM, no setpoint
    assert board.counters.reconnects == 0


def test_the_boards_own_button_is_seen_in_its_report_without_asking_again() -> None:
    line = Line()
    board = armed(line)
    line.core.press_button()
    line.advance(0.1)  # a report or two
    board.read()
    written = line.written
    with pytest.raises(DeviceError, match="ESTOP"):
        board.send(line.now(), NEUTRAL)
    assert line.written == written  # the report was enough
    board.close()
    assert line.core.state == State.ESTOP


def test_the_button_of_a_board_at_rest_is_seen_too() -> None:
    line = Line()
    board = connected(line)
    line.core.press_button()
    line.advance(0.1)
    board.read()
    with pytest.raises(DeviceError, match="ESTOP"):
        board.send(line.now(), NEUTRAL)


def test_whatever_estop_forbids_names_the_way_out() -> None:
    line = Line()
    board = connected(line)
    line.core.press_button()
    with pytest.raises(DeviceError, match="ESTOP") as raised:
        board.arm()
    assert raised.value.hint == "look at the face, then mien clear"


@pytest.mark.parametrize(("switch", "told"), [("nc", 0), ("no", 0), ("none", 1)])
def test_a_missing_emergency_switch_is_named_once_when_the_face_is_armed(
    switch: str, told: int, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Line()
    face = FACE.model_copy(update={"estop_switch": switch})
    board = Board(face, line, line.now)
    board.connect()
    board.arm()
    board.disarm()
    board.arm()
    assert capsys.readouterr().err.count("no emergency stop switch") == told
