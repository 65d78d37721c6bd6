"""A run with a panel in a browser and no robot, as the tests of the page play it."""

import contextlib
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.robot.control.estop_socket import EstopSocket
from mien.robot.control.loop import Tick
from mien.robot.face.config import load_face
from mien.robot.panel.process import PanelProcess
from mien.robot.panel.window import Window
from tests.robot import waiting
from tests.robot.browser import Browser
from tests.robot.panel.states import STATE

FACE = load_face("morpheus33")
N = len(FACE.names)
TICK = Tick(1.0, *(np.zeros(N),) * 3, *(np.zeros(N, bool),) * 2, ())
until = partial(waiting.until, seconds=100.0)


class Run:
    """A run with a panel and no robot."""

    def __init__(self) -> None:
        self.estop = EstopSocket()
        self.heard: list[Any] = []
        self._start = time.monotonic()

    def serve(self) -> str:
        window = Window("morpheus33", port=0, line="/dev/ttyACM0", estop=self.estop.path)
        self.panel = PanelProcess(window)
        return self.panel.start()

    def tick(self, **state: Any) -> None:
        """A picture, if one may go."""
        self.heard.extend(self.panel.commands())
        self.panel.show(time.monotonic() - self._start, TICK, {**STATE, **state})

    def hears(self, kind: type) -> Any:
        """The next request of a kind."""

        def look() -> bool:
            self.tick()
            return any(isinstance(m, kind) for m in self.heard)

        assert until(look), f"no {kind} in {self.heard}"
        found = next(m for m in self.heard if isinstance(m, kind))
        self.heard.clear()
        return found


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[Run, str]]:
    run, home = Run(), Path.cwd()
    with run.estop:
        run.estop.attach("/dev/ttyACM0")
        os.chdir(folder)  # recordings lie below the folder of the process
        try:
            address = run.serve()
        finally:
            os.chdir(home)
        try:
            yield run, address
        finally:
            run.panel.close()


def own_home(folders: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Path:
    """A folder for recordings and styles alone."""
    home = folders.mktemp("home")
    patch.setenv("XDG_DATA_HOME", str(home / "data"))
    return home


def says(run: Run, page: Browser, words: str, **state: Any) -> bool:
    def look() -> bool:
        run.tick(**state)
        return words in page.text()

    return until(look)
