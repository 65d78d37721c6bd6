"""mien estop and mien clear, on a core behind a simulated line."""

import pytest

from firmware.line import Line
from robot.errors import DeviceError
from robot.link import commands
from robot.link.wire import State


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    found = Line()
    monkeypatch.setattr(commands, "open_board_port", lambda: found)
    monkeypatch.setattr("robot.link.commands.time.monotonic", found.now)
    return found


def test_estop_is_latched_until_clear(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    commands.estop()
    assert line.core.state == State.ESTOP
    commands.clear()
    assert line.core.state == State.UNCONFIGURED
    assert capsys.readouterr().out == "ESTOP\nUNCONFIGURED\n"


def test_clear_while_the_button_is_pressed_is_an_error(line: Line) -> None:
    line.on_tick = line.core.press_button
    line.advance(0.01)
    with pytest.raises(DeviceError, match="still pressed"):
        commands.clear()
    line.on_tick = lambda: None
    commands.clear()
    assert line.core.state == State.UNCONFIGURED


def test_no_board_is_a_device_error(line: Line) -> None:
    line.deaf = True
    with pytest.raises(DeviceError, match="ESTOP"):
        commands.estop()
