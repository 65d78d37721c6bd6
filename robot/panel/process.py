"""The panel's process, seen from the loop: clicks come out, pictures of the face go in.

The browser server has threads of its own, and Python runs one at a time; in the loop's process it
would make ticks late. Only one message is ever on its way to it: a slow browser gets fewer.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

from robot.errors import DeviceError, MienError
from robot.loop import Tick

PORT: Final = 8080
EVERY_S: Final = 1 / 15
_START_S: Final = 60.0
_AT_ONCE: Final = 32
"""Messages taken in one call, so that a recording that is played costs no tick."""


@dataclass(frozen=True)
class Window:
    """What to show and where.

    Attributes:
        build: of the simulated robot, None on hardware (then the self-model is shown).
        line: what the board hangs on, as it was said. estop: the socket that stops the run.
        host: address to bind. Another one than this machine's own needs a ``token``.
    """

    face: str
    calibration: Path | None = None
    build: int | None = 0
    host: str = "127.0.0.1"
    port: int = PORT
    token: str = ""
    line: str = "sim"
    estop: Path | None = None


class PanelProcess:
    """A panel that subscribes to a live face. Nothing here blocks but ``start`` and ``close``."""

    def __init__(self, window: Window) -> None:
        if window.host not in ("127.0.0.1", "localhost") and len(window.token) < 8:
            raise DeviceError(
                f"a panel on {window.host} is open to others and needs a token of 8 characters",
                "--panel-token $(openssl rand -hex 12)",
            )
        context = mp.get_context("spawn")
        self._pipe, self._far = context.Pipe()
        self._process = context.Process(
            target=_run, args=(self._far, window), name="mien-panel", daemon=True
        )
        self._skin: Callable[[], Any] = lambda: None
        self._waiting: list[tuple[Any, ...]] = []
        self._free = False
        self._shown = -EVERY_S
        self.gone = False

    def start(self) -> str:
        """Serve it; returns the address to open.

        Raises:
            MienError: it did not start.
        """
        self._process.start()
        self._far.close()
        end = time.monotonic() + _START_S
        while not self._pipe.poll(0.05):
            if not self._process.is_alive() or time.monotonic() > end:
                raise MienError("the panel did not start", "another --panel-port")
        kind, *rest = self._pipe.recv()
        if kind == "failed":
            raise DeviceError(rest[0], "another --panel-port")
        self._free = True
        return str(rest[0])

    def watch(self, skin: Callable[[], Any]) -> None:
        """Where the skin of the rig is from now on (a ``SkinState``)."""
        self._skin = skin

    def commands(self) -> list[tuple[Any, ...]]:
        """What was clicked since the last call. A panel that died says nothing more."""
        try:
            for _ in range(_AT_ONCE):
                if self.gone or not self._pipe.poll():
                    break
                message = self._pipe.recv()
                if message == ("shown",):
                    self._free = True
                else:
                    self._waiting.append(message)
        except (EOFError, OSError):
            self.gone = True  # a face needs no panel
        out, self._waiting = self._waiting, []
        return out

    def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
        """The newest state, at most 15 times a second."""
        if self.gone or not self._free or t - self._shown < EVERY_S:
            return
        self._shown, self._free = t, False
        try:
            self._pipe.send((tick.wanted, tick.sent, self._skin(), state))
        except OSError:
            self.gone = True

    def close(self) -> None:
        """End the process."""
        if self._process.pid is not None:
            self._process.terminate()
            self._process.join(2.0)
            if self._process.is_alive():
                self._process.kill()
        self._pipe.close()


class _Shown(Protocol):
    @property
    def address(self) -> str: ...

    @property
    def show(self) -> Callable[..., None]: ...


def serve(pipe: Connection, make: Callable[[Callable[[Any], None]], _Shown]) -> None:
    """A view's process: pictures come in through ``pipe``, clicks go out, until it closes.

    Args:
        make: opens the view; it is given what sends a click.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The server's banner names another port than the gate's.
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 (to the end of the process)
    lock = Lock()  # clicks come from the server's threads, and a pipe takes one message at a time

    def tell(message: Any) -> None:
        with lock:
            pipe.send(message)

    try:
        panel = make(tell)
    except (MienError, OSError) as e:
        pipe.send(("failed", str(e)))
        return
    pipe.send(("ready", panel.address))
    try:
        while True:
            panel.show(*pipe.recv())
            tell(("shown",))
    except (EOFError, OSError):
        return  # the loop is gone


def _run(pipe: Connection, window: Window) -> None:
    from robot.panel.server import Panel

    serve(pipe, lambda click: Panel(window, click))
