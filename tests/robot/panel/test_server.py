"""The panel in a real browser: what it shows, and that its clicks arrive."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robot.config import load_face
from robot.errors import DeviceError
from robot.loop import Tick
from robot.panel.process import PanelProcess, Window
from tests.robot import waiting
from tests.robot.browser import CHROMIUM, Browser
from tests.robot.panel.states import STATE

FACE = load_face("morpheus33")
N = len(FACE.names)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")


def tick(commands: np.ndarray) -> Tick:
    none = np.zeros(N, bool)
    return Tick(1.0, commands, commands, commands, none, none, ())


until = partial(waiting.until, seconds=30.0)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PanelProcess, str]]:
    home = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("home"))  # recordings lie below the folder of the process
    try:
        panel = PanelProcess(Window("morpheus33", port=0, line="/dev/ttyACM0"))
        address = panel.start()
    finally:
        os.chdir(home)
    yield panel, address
    panel.close()


@pytest.fixture(scope="module")
def page(served: tuple[PanelProcess, str]) -> Iterator[Browser]:
    with Browser() as browser:
        browser.open(served[1])
        assert browser.wait_for("E-STOP")
        yield browser


def clicked(panel: PanelProcess, kind: str) -> list[Any]:
    """The arguments of the next click of a kind."""
    found: list[Any] = []

    def look() -> bool:
        found.extend(c for c in panel.commands() if c[0] == kind)
        return bool(found)

    assert until(look), f"no {kind} arrived"
    return list(found[-1][1:])


@needs_browser
def test_it_shows_the_face_and_its_meters(
    served: tuple[PanelProcess, str], page: Browser, tmp_path: Path
) -> None:
    panel, _ = served
    start = time.monotonic()

    def shown() -> bool:
        panel.commands()
        panel.show(time.monotonic() - start, tick(np.zeros(N)), STATE)
        return "99.87 %" in page.text()

    assert until(shown)
    text = page.text()
    assert "as late, by the monitor" in text
    assert "E-STOP" in text
    page.screenshot(tmp_path / "panel.png")
    from matplotlib.image import imread

    picture = imread(tmp_path / "panel.png")[..., :3]
    middle = picture[300:560, 480:660].reshape(-1, 3)
    assert (middle[:, 0] > middle[:, 2]).mean() > 0.7  # skin, not the empty background


@needs_browser
def test_the_stop_button_and_the_stop_key_arrive(
    served: tuple[PanelProcess, str], page: Browser
) -> None:
    page.click("E-STOP")
    clicked(served[0], "estop")
    page.press("Escape")
    clicked(served[0], "estop")


@needs_browser
def test_the_stop_key_works_wherever_the_cursor_is(
    served: tuple[PanelProcess, str], page: Browser
) -> None:
    panel, _ = served
    for tab, field in (("Record", "input"), ("Tune", "[role=slider]"), ("Face", "")):
        page.click(tab)
        found = f"[...document.querySelectorAll({field!r})].find(e => e.offsetParent)"
        if field:
            assert until(lambda found=found: bool(page.js(f"!!{found}"))), tab
            page.js(f"{found}.focus()")
            assert page.js("document.activeElement !== document.body"), tab
        else:
            page.click("emotion")  # the menu that opens takes Escape for itself
        panel.commands()
        page.press("Escape")
        clicked(panel, "estop")


@needs_browser
def test_what_is_recorded_and_played_is_said_and_so_is_what_goes_wrong(
    served: tuple[PanelProcess, str], page: Browser, tmp_path: Path
) -> None:
    panel, _ = served
    start = time.monotonic()

    def says(text: str, **state: Any) -> bool:
        def shown() -> bool:
            waiting.extend(panel.commands())
            panel.show(time.monotonic() - start, tick(np.zeros(N)), {**STATE, **state})
            return text in page.text()

        return until(shown)

    waiting: list[Any] = []
    page.click("Record")
    assert says("nothing is recorded or played")
    page.click("▶ replay")
    assert says("error: nothing was recorded yet")
    page.click("● record")
    assert until(lambda: says("nothing is recorded") and ("record", "take-1") in waiting)
    tape = {"name": "take-1.mcap", "seconds": 12.0, "dropped": 0, "said": ""}
    assert says("● recording take-1.mcap, 12 s", tape=tape)
    page.screenshot(tmp_path / "record.png")
    page.click("■ stop and save")
    assert until(lambda: says("recording") and ("record", None) in waiting)
    full = {**tape, "name": "", "said": "take-1.mcap stopped: No space left on device"}
    assert says("No space left on device", tape=full)
    page.click("Board")
    assert says("/dev/ttyACM0")
    assert says("1:01:05")
    page.click("Servos")
    assert says("neck_roll")


@needs_browser
def test_tuning_by_hand_sends_the_pose(served: tuple[PanelProcess, str], page: Browser) -> None:
    page.click("Tune")
    assert page.wait_for("tune by hand")
    assert "E-STOP" in page.text()  # on every tab
    page.js(
        "(() => { const c = [...document.querySelectorAll('input[type=checkbox]')]"
        ".filter(e => e.offsetParent !== null || e.closest('label,div')); c.at(-1).click(); })()"
    )
    (pose,) = clicked(served[0], "tune")
    assert pose == [0.0] * N


def test_a_panel_for_others_needs_a_token() -> None:
    for token in ("", "short"):
        with pytest.raises(DeviceError, match="needs a token"):
            PanelProcess(Window("morpheus33", host="0.0.0.0", token=token))


class Inner:
    """A server that answers anything with 200."""

    def __init__(self) -> None:
        import threading

        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line:
                self.heard.append(line.recv(65536))
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ninner")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def gate() -> Iterator[tuple[int, Inner]]:
    from robot.panel.token_gate import TokenGate

    inner = Inner()
    door = TokenGate(Window("f", host="127.0.0.1", port=0, token="sesame-open"), inner.port)
    yield int(door.address.split(":")[2].split("/")[0]), inner
    inner.close()


def ask(port: int, head: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(head.encode("latin-1"))
        line.shutdown(socket.SHUT_WR)
        out = b""
        while data := line.recv(65536):
            out += data
    return out


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\n\r\n",
        "GET /?token=wrong-one HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nCookie: mien=wrong-one\r\n\r\n",
        "GET / HTTP/1.1\r\nCookie: other=sesame-open\r\nUpgrade: websocket\r\n\r\n",
        "\r\n\r\n",
        "GET /?token=\xff HTTP/1.1\r\nCookie: \xff;;=\r\n\r\n",
    ],
)
def test_without_the_token_nothing_gets_in(gate: tuple[int, Inner], head: str) -> None:
    port, inner = gate
    assert ask(port, head).startswith(b"HTTP/1.1 401")
    assert inner.heard == []


def test_an_endless_head_is_cut_off(gate: tuple[int, Inner]) -> None:
    port, inner = gate
    with suppress(ConnectionError):
        assert ask(port, "GET / HTTP/1.1\r\nX: " + "y" * 100_000) == b""
    assert inner.heard == []


def test_the_token_gives_a_cookie_and_the_cookie_lets_in(gate: tuple[int, Inner]) -> None:
    port, inner = gate
    given = ask(port, "GET /?token=sesame-open HTTP/1.1\r\n\r\n")
    assert given.startswith(b"HTTP/1.1 303")
    assert b"HttpOnly; SameSite=Strict" in given
    assert ask(port, "GET /x HTTP/1.1\r\nCookie: a=b; mien=sesame-open\r\n\r\n").endswith(b"inner")
    assert inner.heard[0].startswith(b"GET /x")
