"""The panel's process, seen from the loop: requests come out, states of the face go in.

A server has threads of its own, and Python runs one at a time; in the loop's process it would make
ticks late. Only one state is ever on its way to it: a slow browser gets fewer.
"""

from __future__ import annotations

import multiprocessing as mp
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final

from mien.robot.control.estop_socket import CUT
from mien.robot.control.loop import Tick
from mien.robot.errors import DeviceError, EmergencyStopError, ErrorMessage, MienError
from mien.robot.panel.messages import FaceState, PanelReady, RunEnded, Send, StateShown
from mien.robot.panel.window import Window, check

if TYPE_CHECKING:
    from mien.robot.panel.page import View

EVERY_S: Final = 1 / 15
_START_S: Final = 60.0
_CLOSING_S: Final = 2.0
_AT_ONCE: Final = 32
"""Messages taken in one call, so that a recording that is played costs no tick."""


class PanelProcess:
    """A panel that subscribes to a live face. Nothing here blocks but ``start`` and ``close``."""

    def __init__(self, window: Window) -> None:
        check(window)
        context = mp.get_context("spawn")
        self._pipe, self._far = context.Pipe()
        self._process = context.Process(
            target=self.target(), args=(self._far, window), name="mien-panel", daemon=True
        )
        self._skin: Callable[[], Any] = lambda: None
        self._waiting: list[object] = []
        self._free = False
        self._shown = -EVERY_S
        self.gone = False

    @property
    def pid(self) -> int:
        """Of the process, 0 before it was started."""
        return self._process.pid or 0

    def target(self) -> Callable[[Connection, Window], None]:
        """What the process runs; another view has another one."""
        return _run

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
                raise MienError("the panel did not start", "mien doctor")
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError) as e:
            raise MienError("the panel did not start", "mien doctor") from e
        if isinstance(answer, ErrorMessage):
            raise DeviceError(answer.message, answer.hint)
        assert isinstance(answer, PanelReady)
        self._free = True
        return answer.address

    def watch(self, skin: Callable[[], Any]) -> None:
        """Where the skin of the rig is from now on (a ``SkinState``)."""
        self._skin = skin

    def commands(self) -> Sequence[object]:
        """Messages of the panel since the last call; none of one that died."""
        try:
            for _ in range(_AT_ONCE):
                if self.gone or not self._pipe.poll():
                    break
                message = self._pipe.recv()
                if isinstance(message, StateShown):
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
            self._pipe.send(FaceState(tick.target, tick.sent, self._skin(), state))
        except OSError:
            self.gone = True

    def leave(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        """For ``ExitStack.push``: as ``close``, with what ended the run."""
        stop = ""
        if isinstance(error, EmergencyStopError):
            stop = "unconfirmed" if error.hint == CUT else "done"
        message = error.message if isinstance(error, MienError) else type(error).__name__
        self.close(message if error is not None else "", stop)

    def close(self, reason: str = "", stop: str = "") -> None:
        """End the process. The browsers show that the run has ended, and ``reason``.

        A second call does nothing.

        Args:
            stop: how an E-STOP went that ended the run, "done" or "unconfirmed"; empty for none.
        """
        if self._process.pid is not None and not self._pipe.closed:
            try:
                self._pipe.send(RunEnded(reason, stop))
            except OSError:
                self.gone = True
            else:
                self._process.join(_CLOSING_S)
            self._process.terminate()
            self._process.join(_CLOSING_S)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._pipe.close()


def _run(pipe: Connection, window: Window) -> None:
    from mien.robot.panel.served import serve

    serve(pipe, window, lambda send: _face_view(window, send))


def _face_view(window: Window, send: Send) -> View:
    from mien.robot.panel.face_view import (
        FaceView,  # after the port is bound: it loads a self-model
    )

    return FaceView(window, send)
