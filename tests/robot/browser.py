"""A real browser without a screen, driven over its own debugging protocol."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.robot.socket_line import Line

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
STILL_S, STILL_TRIES = 0.1, 30
FOUND_S = 30.0


class Browser:
    """Headless Chromium with software WebGL."""

    def __init__(self, width: int = 1280, height: int = 800) -> None:
        assert CHROMIUM is not None
        self._home = Path(tempfile.mkdtemp(prefix="mien-browser-"))
        env = {**os.environ, "HOME": str(self._home)}
        self._process = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                f"--window-size={width},{height}", "--remote-debugging-port=0",
                f"--user-data-dir={self._home}", "about:blank",
            ],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        port = self._port()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
            pages = [p for p in json.load(answer) if p["type"] == "page"]
        self._page = Line(pages[0]["webSocketDebuggerUrl"])
        self._ids = itertools.count(1)
        self.call("Page.enable")
        self.resize(width, height)

    def call(self, method: str, **params: Any) -> Any:
        """One command of the protocol and its result."""
        number = next(self._ids)
        self._page.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._page.receive(60))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=url)

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return done["result"].get("value")

    def text(self) -> str:
        """All text of the page."""
        return str(self.js("document.body ? document.body.innerText : ''"))

    def wait_for(self, text: str, seconds: float = 60.0) -> bool:
        """Until the page says something; the time is a limit, not a measurement."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if text in self.text():
                return True
            time.sleep(0.2)
        return False

    def click(self, label: str) -> None:
        """Click the button or tab that says ``label``, once it stands still: lists slide in."""
        place = self._place(label)
        for _ in range(STILL_TRIES):
            time.sleep(STILL_S)
            before, place = place, self._place(label)
            if place == before:
                break
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind, x=place[0], y=place[1], button="left", clickCount=1,
            )  # fmt: skip

    def _place(self, label: str) -> list[float]:
        """Middle of the button or tab that says ``label``, in pixels, as soon as there is one."""
        where = (
            "(() => { const e = [...document.querySelectorAll('button,[role=tab],label,span')]"
            f".find(e => e.innerText && e.innerText.trim().startsWith({json.dumps(label)}));"
            " if (!e) return null; const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        end = time.monotonic() + FOUND_S
        while not (place := self.js(where)) and time.monotonic() < end:
            time.sleep(STILL_S)
        assert place, f"nothing called {label!r} in: {self.text()}"
        return [float(v) for v in place]

    def resize(self, width: int, height: int) -> None:
        """As on a screen of this size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def press(self, key: str) -> None:
        """One key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def screenshot(self, path: Path) -> None:
        """What the screen would show, as PNG."""
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def _port(self) -> int:
        file, end = self._home / "DevToolsActivePort", time.monotonic() + 60
        while time.monotonic() < end:
            if file.exists() and (lines := file.read_text().splitlines()):
                return int(lines[0])
            time.sleep(0.1)
        raise TimeoutError("the browser did not start")

    def close(self) -> None:
        """End it."""
        self._page.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
