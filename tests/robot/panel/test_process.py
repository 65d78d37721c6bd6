"""The panel's process, as the loop has it: start, wishes, pictures, and every kind of end."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from mien.robot.control.estop_socket import CUT, EstopSocket
from mien.robot.control.loop import Tick
from mien.robot.errors import DeviceError, EmergencyStopError, MienError
from mien.robot.face.config import load_face
from mien.robot.panel.access import KEY, STOP, VIEW
from mien.robot.panel.messages import EndRun, Estop, FaceState, SetEmotion
from mien.robot.panel.page import Frame
from mien.robot.panel.process import PanelProcess
from mien.robot.panel.served import serve
from mien.robot.panel.window import Window
from tests.bench.robot.foreign import keys
from tests.robot import waiting
from tests.robot.panel.served import Plain, until_kind
from tests.robot.panel.states import STATE
from tests.robot.socket_line import Line

pytestmark = pytest.mark.realtime

FACE = load_face("hobby9")
N = len(FACE.names)
TICK = Tick(1.0, *(np.zeros(N),) * 3, *(np.zeros(N, bool),) * 2, ())
HERE: dict[str, Any] = {**STATE, "celsius": [30.0] * N, "duty": [0.1] * N}
until = partial(waiting.until, seconds=100.0)


@pytest.fixture(scope="module")
def estop() -> Iterator[EstopSocket]:
    with EstopSocket() as found:
        yield found


@pytest.fixture(scope="module")
def panel(
    estop: EstopSocket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PanelProcess, str]]:
    home = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("home"))  # recordings lie below the folder of the process
    try:
        token = "sesame & open/ü"
        made = PanelProcess(Window("hobby9", build=None, port=0, token=token, estop=estop.path))
        address = made.start()
    finally:
        os.chdir(home)
    yield made, address
    made.close()


def line_of(address: str, role: str = VIEW) -> Line:
    """A connection as the page at ``address`` makes it."""
    port, _, secret = keys(address)
    host = f"127.0.0.1:{port}"
    return Line(f"ws://{host}/ws", (role, KEY + secret), Origin=f"http://{host}")


def test_wishes_come_out_and_pictures_go_in(panel: tuple[PanelProcess, str]) -> None:
    made, address = panel
    with line_of(address) as line:
        hello = until_kind(line, "hello")
        assert [s["name"] for s in hello["sliders"]] == list(FACE.names)
        line.send('{"intent": "feel", "emotion": "happiness", "intensity": 0.5}')
        line.send('{"intent": "rest"}')
        heard: list[Any] = []
        assert until(lambda: heard.extend(made.commands()) or len(heard) == 2)
        assert sorted(heard, key=repr) == [EndRun(), SetEmotion({"happiness": 0.5})]
        start = time.monotonic()
        for k in range(20):
            made.commands()
            made.show(k + time.monotonic() - start, TICK, HERE)
            time.sleep(0.02)
        assert until_kind(line, "board")["state"] == "ARMED"
        assert ["port", "simulated", False] in until_kind(line, "meters")["serial"]


def test_the_stop_goes_to_the_run_past_the_pipe(
    panel: tuple[PanelProcess, str], estop: EstopSocket
) -> None:
    made, address = panel
    estop.attach("sim")
    with line_of(address) as line, line_of(address, STOP) as stop:
        stop.send("estop")
        assert estop.requested.wait(30)
        estop.stopped("ESTOP")
        assert until_kind(line, "stop")["phase"] == "requested"
        assert until_kind(line, "stop")["phase"] == "done"
    assert Estop() not in made.commands()


ENDS = [
    (None, "", ""),
    (DeviceError("the board does not answer"), "the board does not answer", ""),
    (EmergencyStopError("the outputs are off", "mien clear"), "the outputs are off", "done"),
    (EmergencyStopError("the board is silent", CUT), "the board is silent", "unconfirmed"),
    (KeyboardInterrupt(), "KeyboardInterrupt", ""),
]


@pytest.mark.parametrize(("error", "said", "stop"), ENDS)
def test_every_end_has_its_words(
    error: BaseException | None, said: str, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, str]] = []
    made = PanelProcess(Window("hobby9"))
    monkeypatch.setattr(made, "close", lambda *words: heard.append(words))
    made.leave(type(error) if error else None, error, None)
    assert heard == [(said, stop)]


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_with_the_next_command() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        made = PanelProcess(Window("hobby9", build=None, port=taken.getsockname()[1]))
        with pytest.raises(DeviceError, match="is taken") as caught:
            made.start()
        assert "--panel-port" in caught.value.hint
        made.close()


def test_a_panel_for_others_needs_a_secret_that_somebody_chose(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for host, token in (("0.0.0.0", ""), ("192.168.0.7", "short"), ("127.0.0.1", "short")):
        with pytest.raises(DeviceError, match="needs a token of 8 characters"):
            PanelProcess(Window("hobby9", host=host, token=token))
    assert capsys.readouterr().err == ""
    PanelProcess(Window("hobby9", host="0.0.0.0", token="sesame-open"))
    assert "plain HTTP" in capsys.readouterr().err
    for host in ("127.0.0.1", "::1", "localhost", "127.0.0.7"):
        PanelProcess(Window("hobby9", host=host))
    assert capsys.readouterr().err == ""


def test_a_secret_that_somebody_chose_opens_the_page_and_not_the_socket(
    panel: tuple[PanelProcess, str],
) -> None:
    _, address = panel
    assert parse_qs(urlsplit(address).query)["key"] == ["sesame & open/ü"]
    assert len(keys(address)[2]) > 40


@pytest.mark.slow
def test_a_face_that_is_none_does_not_start_a_panel() -> None:
    made = PanelProcess(Window("nobody", build=None, port=0))
    with pytest.raises(MienError, match="nobody"):
        made.start()
    made.close()


def test_the_page_hears_what_ended_the_run(panel: tuple[PanelProcess, str]) -> None:
    made, address = panel
    with line_of(address) as line:
        with pytest.raises(EmergencyStopError), ExitStack() as stack:
            stack.push(made.leave)
            raise EmergencyStopError("the board is silent", CUT)
        over = until_kind(line, "over")
        assert (over["message"], over["stop"]) == ("the board is silent", "unconfirmed")
    made.close()  # a second time it does nothing


@pytest.mark.slow
def test_a_panel_that_was_killed_costs_the_loop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = PanelProcess(Window("hobby9", build=None, port=0))
    with line_of(made.start()) as line:
        os.kill(made.pid, signal.SIGKILL)
        assert until(lambda: made.commands() == [] and made.gone)
        for k in range(3):
            made.show(float(k), TICK, HERE)
        while line.receive() is not None:
            pass
    made.close()


class Failing(Plain):
    """A view that cannot draw."""

    def frames(self, state: FaceState) -> Sequence[Frame]:
        raise ZeroDivisionError(state)


def run_failing(pipe: Connection, window: Window) -> None:
    """What a panel's process runs, for ``FailingPanel``."""
    serve(pipe, window, lambda send: Failing(send))


class FailingPanel(PanelProcess):
    """A panel that breaks at the first picture."""

    def target(self) -> Callable[[Connection, Window], None]:
        return run_failing


@pytest.mark.slow
def test_a_view_that_fails_ends_the_panel_and_never_says_that_the_run_has_ended() -> None:
    made = FailingPanel(Window("hobby9", build=None, port=0))
    heard: list[str] = []
    with line_of(made.start()) as line:
        until_kind(line, "hello")
        made.show(1.0, TICK, HERE)
        while (said := line.receive()) is not None:
            heard.append(json.loads(said)["kind"])
    assert set(heard) <= {"beat"}
    assert until(lambda: made.commands() == [] and made.gone)
    made.close()
