"""One browser at the panel: how fast it may ask, and what waits to be sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import ClientConnectionResetError, WSMsgType, web

from mien.robot.panel.view import Frame, text

RATE: Final = 60.0
"""Messages a second that a browser may send for long; a slider that is drawn sends 30."""
BURST: Final = 120.0
STOP_WORD: Final = "estop"
COMPLAIN_S: Final = 1.0
"""Between two errors that a browser is told: a flood is not answered with a flood."""


class Bucket:
    """Lets ``burst`` messages through at once, and ``rate`` a second for long."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, float("-inf")

    def take(self, now: float) -> float:
        """0 where a message may pass at ``now`` s, else how long until one may."""
        self._left = min(self._burst, self._left + self._rate * (now - self._at))
        self._at = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._rate
        self._left -= 1.0
        return 0.0


class Mailbox:
    """Frames for one browser: the newest of every kind, so that it never grows."""

    def __init__(self) -> None:
        self._frames: dict[str, Frame] = {}
        self._filled = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Replaces what waits of this kind."""
        self._frames[frame.kind] = frame
        self._filled.set()

    async def take(self) -> Frame:
        """The frame that waits longest; waits for one."""
        await self._filled.wait()
        frame = self._frames.pop(next(iter(self._frames)))
        if not self._frames:
            self._filled.clear()
        return frame

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._frames


class Client:
    """A browser with the panel's page.

    Args:
        hear: is given a message that may pass; its answer is told to this browser, empty is none.
        stop: is called for every ``STOP_WORD``, before anything else and at any rate.
    """

    def __init__(
        self, line: web.WebSocketResponse, hear: Callable[[str], str], stop: Callable[[], None]
    ) -> None:
        self._line, self._hear, self._stop = line, hear, stop
        self._bucket = Bucket()
        self._newest: str | None = None
        self._wrong: str | None = None
        self._loop = asyncio.get_running_loop()
        self._complained = float("-inf")
        self._sending = False
        self.mailbox = Mailbox()

    async def live(self, first: list[Frame]) -> None:
        """Until it goes away. Frames of ``first`` are sent before any other."""
        writer = asyncio.create_task(self._write(first))
        try:
            async for message in self._line:
                if message.type is WSMsgType.TEXT:
                    self._stop() if message.data == STOP_WORD else self._offer(message.data)
                # A flood fills the buffer faster than it is emptied here, and a loop over a full
                # buffer never yields: without this nobody else would be heard.
                await asyncio.sleep(0)
        finally:
            writer.cancel()

    @property
    def idle(self) -> bool:
        """Whether everything that was put has been handed to the network."""
        return self.mailbox.empty and not self._sending

    async def close(self, code: int) -> None:
        """End the connection."""
        await self._line.close(code=code)

    def _offer(self, message: str) -> None:
        if self._newest is not None:
            self._newest = message  # what came before is left out: the newest wish wins
        elif wait := self._bucket.take(self._loop.time()):
            self._newest = message
            self._loop.call_later(wait, self._late)
        else:
            self._ask(message)

    def _late(self) -> None:
        if self._newest is None or self._line.closed:
            return
        if wait := self._bucket.take(self._loop.time()):
            self._loop.call_later(wait, self._late)
            return
        message, self._newest = self._newest, None
        self._ask(message)

    def _ask(self, message: str) -> None:
        wrong = self._hear(message)
        if not wrong:
            return
        if self._wrong is None:
            wait = self._complained + COMPLAIN_S - self._loop.time()
            self._loop.call_later(max(0.0, wait), self._complain)
        self._wrong = wrong

    def _complain(self) -> None:
        """Tell the newest of what went wrong."""
        if self._wrong is not None:
            self._complained, wrong, self._wrong = self._loop.time(), self._wrong, None
            self.mailbox.put(text("error", text=wrong))

    async def _write(self, first: list[Frame]) -> None:
        try:
            for frame in first:
                await self._send(frame)
            while True:
                await self._send(await self.mailbox.take())
        except (ClientConnectionResetError, ConnectionError, RuntimeError):
            return  # it went away; the reader sees that too

    async def _send(self, frame: Frame) -> None:
        self._sending = True
        if isinstance(frame.data, str):
            await self._line.send_str(frame.data)
        else:
            await self._line.send_bytes(frame.data)
        self._sending = False
