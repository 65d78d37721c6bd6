"""mien estop and mien clear, on a core behind a simulated line."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from threading import Thread

import pytest

from mien.robot.control import stop_all
from mien.robot.control.estop_socket import EstopSocket
from mien.robot.errors import DeviceError
from mien.robot.link.discovery import Port
from mien.robot.verbs import estop as commands
from mien.robot.wire import State
from tests.bench.firmware.line import Line

ACM = "/dev/ttyACM0"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No run of anybody else is found, or stopped."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    found = Line()

    def ports(but: Collection[str] = ()) -> list[Port]:
        return [Port(ACM, "", "", True)] if ACM not in but else []

    monkeypatch.setattr(stop_all, "open_board_port", lambda: found)
    monkeypatch.setattr(stop_all, "SerialTransport", lambda _: found)
    monkeypatch.setattr(stop_all, "find_ports", ports)
    monkeypatch.setattr("mien.robot.control.stop_all.time.monotonic", found.now)
    return found


def test_estop_is_latched_until_clear(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    commands.estop()
    assert line.core.state == State.ESTOP
    commands.clear()
    assert line.core.state == State.UNCONFIGURED
    assert capsys.readouterr().out == f"ESTOP  {ACM}\nUNCONFIGURED\n"


def test_all_runs_are_asked_and_their_ports_left_alone(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    with EstopSocket() as rig, EstopSocket() as real:
        rig.attach("sim")
        real.attach(ACM)
        stopping = [Thread(target=confirm, args=(run,)) for run in (rig, real)]
        for thread in stopping:
            thread.start()
        commands.estop()
        for thread in stopping:
            thread.join()
    assert line.written == 0  # a second program at the port would take the answers of the first
    assert sorted(capsys.readouterr().out.split("\n")) == ["", f"ESTOP  {ACM}", "ESTOP  sim"]


def confirm(run: EstopSocket) -> None:
    assert run.wake.wait(60.0)
    run.stopped("ESTOP")


@pytest.mark.parametrize("port", ["auto", ACM])
def test_a_run_that_fails_is_said_and_the_port_stopped_all_the_same(line: Line, port: str) -> None:
    with EstopSocket() as run:
        run.attach(ACM)
        run.failed("the line is gone")
        with pytest.raises(DeviceError, match="the line is gone") as raised:
            commands.estop(port)
    assert line.core.state == State.ESTOP
    assert raised.value.hint == "cut the servo supply"


def test_a_run_with_no_board_open_leaves_the_port_to_be_stopped(line: Line) -> None:
    with EstopSocket() as run:
        commands.estop()
        assert run.requested.is_set()
    assert line.core.state == State.ESTOP


def test_on_the_rig_only_runs_are_asked(line: Line) -> None:
    with EstopSocket() as run:
        run.attach("sim")
        run.stopped("ESTOP")
        commands.estop("sim")
        assert run.requested.is_set()
    assert line.written == 0


@pytest.mark.parametrize("port", ["auto", "sim"])
def test_nothing_to_stop_is_an_error(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_all, "find_ports", lambda **_: [])
    with pytest.raises(DeviceError, match="no run and no board") as raised:
        commands.estop(port)
    assert raised.value.exit_code == 3


def test_a_folder_that_is_not_ours_keeps_no_board_running(line: Line, tmp_path: Path) -> None:
    (tmp_path / "mien").write_text("")
    with pytest.raises(DeviceError, match="no folder for E-STOP"):
        commands.estop()
    assert line.core.state == State.ESTOP


def test_every_board_is_stopped_even_if_one_does_not_answer(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute = Line()
    mute.unplugged = True
    lines = {"/dev/ttyACM9": mute, ACM: line}
    ports = [Port(device, "", "", True) for device in lines]
    monkeypatch.setattr(stop_all, "find_ports", lambda **_: ports)
    monkeypatch.setattr(stop_all, "SerialTransport", lines.__getitem__)
    with pytest.raises(DeviceError, match="not confirmed"):
        commands.estop()
    assert line.core.state == State.ESTOP


def test_a_run_can_be_asked_without_the_libraries_of_the_others() -> None:
    program = (
        "import sys; from mien.robot.verbs.cli import main\n"
        "sys.argv = ['mien', 'estop', '--port', 'sim']\n"
        "try: main()\n"
        "finally: print([m for m in ('torch', 'mujoco', 'mediapipe', 'cv2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"
    assert done.returncode == 3
    assert "no run and no board" in done.stderr


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
        commands.estop(ACM)
