"""The board as the loop sees it: what is sent, reached, refused and reported."""

import numpy as np
import pytest

from mien.robot import wire
from mien.robot.errors import DeviceError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.link.board import LEAD_S, Board
from mien.robot.link.upload import upload_of
from mien.robot.wire import State
from tests.bench.firmware.line import Line
from tests.robot.link.driven import FACE, NEUTRAL, armed, connected, play


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
