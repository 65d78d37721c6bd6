"""A door in front of the panel: who has no token gets no panel, and no way to move the face.

The panel's own server stays on this machine. The gate listens on the address that was asked for;
``/?token=...`` sets a cookie, and every later connection, WebSockets too, must carry it.
"""

from __future__ import annotations

import asyncio
import hmac
from http.cookies import CookieError, SimpleCookie
from threading import Event, Thread
from typing import Final
from urllib.parse import parse_qs, urlsplit

from robot.panel.process import Window

COOKIE: Final = "mien"
LONGEST: Final = 16384
PATIENCE_S: Final = 10.0
_REFUSED: Final = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class TokenGate:
    """Serves ``window.host:port`` and passes those with the token on to ``inner`` on this machine.

    Raises:
        OSError: the address cannot be bound.
    """

    def __init__(self, window: Window, inner: int) -> None:
        self._window, self._inner = window, inner
        self._loop = asyncio.new_event_loop()
        self._bound: OSError | None = None
        self._port = window.port
        self._ready = Event()
        Thread(target=self._serve, name="gate", daemon=True).start()
        self._ready.wait(PATIENCE_S)
        if self._bound is not None:
            raise self._bound

    @property
    def address(self) -> str:
        """What to open: it holds the token."""
        return f"http://{self._window.host}:{self._port}/?token={self._window.token}"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            server = self._loop.run_until_complete(
                asyncio.start_server(
                    self._meet, self._window.host, self._window.port, limit=LONGEST
                )
            )
            self._port = server.sockets[0].getsockname()[1]
        except OSError as e:
            self._bound = e
            return
        finally:
            self._ready.set()
        self._loop.run_forever()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
            answer = self._answer(head)
            if answer:
                writer.write(answer)
                await writer.drain()
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._inner)
            far_writer.write(head)
            try:
                await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))
            finally:
                far_writer.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            return
        finally:
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        """What to say instead of letting in; empty lets in."""
        lines = head.decode("latin-1").split("\r\n")
        parts = lines[0].split(" ")
        given = parse_qs(urlsplit(parts[1]).query).get("token", [""])[0] if len(parts) == 3 else ""
        if given and self._right(given):
            return (
                "HTTP/1.1 303 See Other\r\nLocation: /\r\nContent-Length: 0\r\n"
                f"Set-Cookie: {COOKIE}={self._window.token}; HttpOnly; SameSite=Strict; Path=/\r\n"
                "Connection: close\r\n\r\n"
            ).encode()
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "cookie" and self._right(_cookie(value)):
                return b""
        return _REFUSED

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._window.token.encode())


def _cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.write_eof()  # the other direction may still have something to say
    except OSError:
        sink.close()
