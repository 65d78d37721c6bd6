"""A WebSocket for tests that are no coroutines."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from aiohttp import ClientSession, ClientWSTimeout, WSMsgType

_GOODBYE = ClientWSTimeout(ws_close=0.3)


class Line:
    """One connection. Raises aiohttp's errors where it is refused."""

    def __init__(self, url: str, offers: tuple[str, ...] = (), **headers: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._session = self._loop.run_until_complete(_session())
        try:
            self._line = self._loop.run_until_complete(
                self._session.ws_connect(
                    url, protocols=offers, headers=headers, max_msg_size=0, timeout=_GOODBYE
                )
            )
        except Exception:
            self._loop.run_until_complete(self._session.close())
            self._loop.close()
            raise

    def send(self, text: str) -> None:
        """One message."""
        self._loop.run_until_complete(self._line.send_str(text))

    def send_many(self, texts: list[str]) -> None:
        """As many as the other side takes, without a pause."""

        async def pour() -> None:
            for text in texts:
                await self._line.send_str(text)

        self._loop.run_until_complete(pour())

    def receive(self, seconds: float = 30.0) -> Any:
        """The next message, text or bytes; None once it is closed. Raises TimeoutError."""
        message = self._loop.run_until_complete(self._line.receive(seconds))
        return message.data if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) else None

    def close(self) -> None:
        """End it."""
        self._loop.run_until_complete(self._line.close())
        self._loop.run_until_complete(self._session.close())
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _session() -> ClientSession:
    return ClientSession()
