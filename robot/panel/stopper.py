"""The panel's E-STOP: straight to the run's own socket, on a thread that does nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from mien.robot.errors import MienError
from mien.robot.panel.view import Frame, text

Ask = Callable[[], str]
"""Asks the run to stop; returns the board's state once its outputs are off."""
DONE: Final = frozenset({"ESTOP", "CLOSED"})
"""States in which nothing is driven: the stop is latched, or the run has no board."""


class Stopper:
    """Stops the run, and tells every browser how that went.

    Args:
        ask: raises MienError or OSError where the run does not answer; None leaves only ``tell``.
        tell: asks the loop over the pipe, which is slower, and does not answer.
        post: shows a frame to everybody.
    """

    def __init__(
        self, ask: Ask | None, tell: Callable[[], None], post: Callable[[Frame], None]
    ) -> None:
        self._ask, self._tell, self._post = ask, tell, post
        self._thread = ThreadPoolExecutor(1, "estop")
        self._running: asyncio.Task[None] | None = None
        self.presses = 0

    def press(self) -> None:
        """Ask now. While a request is on its way another press joins it."""
        self.presses += 1
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._stop())

    async def _stop(self) -> None:
        if self._ask is None:
            self._tell()
            self._post(phase("asked"))
            return
        asked = asyncio.get_running_loop().run_in_executor(self._thread, self._ask)
        self._post(phase("asked"))
        try:
            state = await asked
        except (MienError, OSError) as e:
            self._tell()
            self._post(phase("unconfirmed", str(e)))
        else:
            self._post(phase("done") if state in DONE else phase("unconfirmed", f"it is {state}"))


def phase(name: str, said: str = "") -> Frame:
    """How the stop goes: asked, done or unconfirmed."""
    return text("stop", phase=name, said=said)
