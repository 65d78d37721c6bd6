"""One browser at the panel: how fast it may send requests, and what waits to be sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import ClientConnectionResetError, WSMsgType, web

from mien.robot.panel.page import Frame, text

RATE: Final = 60.0
"""Messages a second that a browser may send for long; a slider that is drawn sends 30."""
BURST: Final = 120.0
STOP_WORD: Final = "estop"
ERROR_S: Final = 1.0
"""Between two errors that are sent to a browser: a flood is not answered with a flood."""


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
        receive: takes a message that may pass; its answer is shown in this browser, unless empty.
        stop: is called for every ``STOP_WORD``, before anything else and at any rate.
    """

    def __init__(
        self, line: web.WebSocketResponse, receive: Callable[[str], str], stop: Callable[[], None]
    ) -> None:
        self._line, self._receive, self._stop = line, receive, stop
        self._bucket = Bucket()
        self._newest: str | None = None
        self._error: str | None = None
        self._loop = asyncio.get_running_loop()
        self._sent_error_at = float("-inf")
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
                # buffer never yields: without this no other connection would be served.
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
            self._newest = message  # what came before is left out: the newest request counts
        elif wait := self._bucket.take(self._loop.time()):
            self._newest = message
            self._loop.call_later(wait, self._late)
        else:
            self._pass_on(message)

    def _late(self) -> None:
        if self._newest is None or self._line.closed:
            return
        if wait := self._bucket.take(self._loop.time()):
            self._loop.call_later(wait, self._late)
            return
        message, self._newest = self._newest, None
        self._pass_on(message)

    def _pass_on(self, message: str) -> None:
        error = self._receive(message)
        if not error:
            return
        if self._error is None:
            wait = self._sent_error_at + ERROR_S - self._loop.time()
            self._loop.call_later(max(0.0, wait), self._send_error)
        self._error = error

    def _send_error(self) -> None:
        """Send the newest error."""
        if self._error is not None:
            self._sent_error_at, error, self._error = self._loop.time(), self._error, None
            self.mailbox.put(text("error", text=error))

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
