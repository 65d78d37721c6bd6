"""The panel's E-STOP: straight to the run's own socket, on a thread that does nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from mien.robot.errors import MienError
from mien.robot.panel.page import Frame, text

StopRequest = Callable[[], str]
"""Requests the stop of the run; returns the board's state once its outputs are off."""
DONE: Final = frozenset({"ESTOP", "CLOSED"})
"""States in which nothing is driven: the stop is latched, or the run has no board."""


class Stopper:
    """Stops the run, and shows every browser how that went.

    Args:
        request_stop: raises MienError or OSError where the run does not answer; None leaves only
            ``send_estop``.
        send_estop: requests the stop from the loop over the pipe; it is slower, without an answer.
        post: shows a frame to everybody.
    """

    def __init__(
        self,
        request_stop: StopRequest | None,
        send_estop: Callable[[], None],
        post: Callable[[Frame], None],
    ) -> None:
        self._request_stop, self._send_estop, self._post = request_stop, send_estop, post
        self._thread = ThreadPoolExecutor(1, "estop")
        self._running: asyncio.Task[None] | None = None
        self.presses = 0

    def press(self) -> None:
        """Request the stop now. While a request is on its way another press joins it."""
        self.presses += 1
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._stop())

    async def _stop(self) -> None:
        if self._request_stop is None:
            self._send_estop()
            self._post(phase("requested"))
            return
        requested = asyncio.get_running_loop().run_in_executor(self._thread, self._request_stop)
        self._post(phase("requested"))
        try:
            state = await requested
        except (MienError, OSError) as e:
            self._send_estop()
            self._post(phase("unconfirmed", str(e)))
        else:
            self._post(phase("done") if state in DONE else phase("unconfirmed", f"it is {state}"))


def phase(name: str, message: str = "") -> Frame:
    """How the stop goes: requested, done or unconfirmed."""
    return text("stop", phase=name, message=message)
