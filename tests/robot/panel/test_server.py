"""The panel in a real browser: what it shows, and that its clicks arrive."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robot.config import load_face
from robot.errors import DeviceError
from robot.loop import Tick
from robot.panel.process import PanelProcess, Window
from robot.panel.server import meters
from tests.robot.browser import CHROMIUM, Browser

FACE = load_face("morpheus33")
N = len(FACE.names)
STATE: dict[str, Any] = {
    "level_db": -21.0, "gate": 1.0, "network_ms": 3.2, "delay_ms": 104.0, "late_frames": 7,
    "deadline_met": 0.9987, "connected": True, "link": {"frames_bad": 2.0, "board_rx_lost": 1.0},
    "celsius": [30.0 + k for k in range(N)], "duty": [0.25] * N,
}  # fmt: skip
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")


def tick(commands: np.ndarray) -> Tick:
    none = np.zeros(N, bool)
    return Tick(1.0, commands, commands, commands, none, none, ())


def until(done: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait for something to happen; seconds are a limit, not a measurement."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[PanelProcess, str]]:
    panel = PanelProcess(Window("morpheus33", port=0))
    address = panel.start()
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
    assert "104 ms" in text
    assert "neck_roll" in text  # the warmest
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


def test_meters_mark_what_is_wrong() -> None:
    assert "**LOST**" in meters({**STATE, "connected": False}, FACE.names)
    assert "**voice**" not in meters({**STATE, "gate": 0.0}, FACE.names)


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
