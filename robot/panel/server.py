"""The panel's server: one socket, one page, one kind of WebSocket, and 403 for everything else."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from html import escape
from typing import Any, Final

from aiohttp import WSMsgType, web

from mien.robot.errors import MienError
from mien.robot.panel.access import STOP, Access, RequestInfo, role
from mien.robot.panel.clients import Client
from mien.robot.panel.intents import LONGEST
from mien.robot.panel.page import Frame, View, part, text
from mien.robot.panel.stopper import Stopper

PATIENCE_S: Final = 5.0
"""How long in s a connection may take to send its request."""
MAX_PENDING: Final = 128
"""Connections without a request yet; another one replaces the oldest."""
VIEWS: Final = 16
STOPS: Final = 64
HEARTBEAT_S: Final = 5.0
BEAT_S: Final = 1.0
CLOSING_S: Final = 0.5
_LINE: Final = 4096
_GONE: Final = 1001
_SLOT: Final = re.compile("@@([A-Z]+)@@")

# The answer to a request goes to whoever sent it. A log of requests would be written by
# foreign pages, and aiohttp's holds the secret where a page offers no subprotocol that it knows.
_QUIET: Final = logging.getLogger("aiohttp")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class Server:
    """Serves one view. All but ``post``, ``over`` and ``end`` belongs to the event loop's thread.

    Args:
        access: who may come in. view: the page.
        stopper: makes the E-STOP; is given how to show its outcome to everybody.
    """

    def __init__(
        self, access: Access, view: View, stopper: Callable[[Callable[[Frame], None]], Stopper]
    ) -> None:
        self._access, self._view = access, view
        self._loop = asyncio.get_running_loop()
        self._stopper = stopper(self._show)
        self._newest: dict[str, Frame] = {}
        self._clients: set[Client] = set()
        self._stops: set[web.WebSocketResponse] = set()
        self._pending: dict[Any, None] = {}
        self._pictured = float("-inf")
        self._ended = asyncio.Event()
        self.refused: dict[str, int] = {}

    @property
    def watched(self) -> bool:
        """Whether a browser is open."""
        return bool(self._clients)

    def post(self, frames: Sequence[Frame]) -> None:
        """Show these to everybody; from any thread."""
        self._call(self._picture, frames)

    def over(self, reason: str, stop: str = "") -> None:
        """Show that the run has ended and how, and end the server; from any thread.

        Args:
            stop: "done" or "unconfirmed" where an E-STOP ended it.
        """
        self._call(self._show, text("over", message=reason, stop=stop))
        self.end()

    def end(self) -> None:
        """End the server without a message; from any thread."""
        self._call(self._ended.set)

    def _call(self, do: Callable[..., None], *what: Any) -> None:
        with suppress(RuntimeError):  # the server has ended already, and its loop with it
            self._loop.call_soon_threadsafe(do, *what)

    async def run(self, listening: socket.socket) -> None:
        """Serve on a bound socket until ``over``."""
        http = web.Server(
            self._answer, access_log=None, logger=_QUIET, lingering_time=0.0,
            keepalive_timeout=PATIENCE_S, max_line_size=_LINE, max_field_size=_LINE,
        )  # fmt: skip

        def new_connection() -> asyncio.Protocol:
            protocol = http()
            if len(self._pending) >= MAX_PENDING:
                self._abort(next(iter(self._pending)))
            self._pending[protocol] = None
            self._loop.call_later(PATIENCE_S, self._abort, protocol)
            return protocol

        serving = await self._loop.create_server(
            new_connection, sock=listening, backlog=MAX_PENDING
        )
        beats = asyncio.create_task(self._beat())
        await self._ended.wait()
        beats.cancel()
        serving.close()
        await self._close_all()
        await http.shutdown(CLOSING_S)

    def _abort(self, protocol: Any) -> None:
        if protocol in self._pending:
            del self._pending[protocol]
            if protocol.transport is not None:
                protocol.transport.abort()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        info = _info(request)
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        why = (self._access.socket if upgrade else self._access.page)(info)
        if why:
            self.refused[why] = self.refused.get(why, 0) + 1
            return _refusal()
        self._pending.pop(request.protocol, None)
        if not upgrade:
            return self._page(info)
        return await self._open_socket(request, info)

    def _page(self, info: RequestInfo) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        own = self._view.page
        fill = {
            "TITLE": escape(own.title),
            "AGAIN": escape(own.again),
            "SIMULATED": "yes" if own.simulated else "",
            "NONCE": nonce,
            "KEY": escape(self._access.socket_key),
            "STYLES": "\n".join((part("page.css"), *own.styles)),
            "SCRIPTS": "\n".join((part("page.js"), *own.scripts)),
        }
        page = _SLOT.sub(lambda slot: fill[slot[1]], part("page.html"))
        answer = web.Response(text=page, content_type="text/html", charset="utf-8")
        answer.headers.update(_headers(nonce, info.hosts[0]))
        answer.force_close()
        return answer

    async def _open_socket(self, request: web.BaseRequest, info: RequestInfo) -> web.StreamResponse:
        stops = role(info) == STOP
        full = len(self._stops) >= STOPS if stops else len(self._clients) >= VIEWS
        if full:
            answer = web.Response(status=503, text="too many browsers look at this face\n")
            answer.force_close()
            return answer
        line = web.WebSocketResponse(
            protocols=(role(info),), heartbeat=HEARTBEAT_S, compress=False,
            max_msg_size=LONGEST, timeout=CLOSING_S,
        )  # fmt: skip
        await line.prepare(request)
        if stops:
            await self._stand_by(line)
        else:
            await self._serve(line)
        return line

    async def _stand_by(self, line: web.WebSocketResponse) -> None:
        """A connection of which every message is the same one: stop."""
        self._stops.add(line)
        try:
            async for message in line:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._stopper.press()
                await asyncio.sleep(0)
        finally:
            self._stops.discard(line)

    async def _serve(self, line: web.WebSocketResponse) -> None:
        client = Client(line, self._receive, self._stopper.press)
        self._clients.add(client)
        try:
            await client.live([*self._view.hello(), *self._newest.values()])
        finally:
            self._clients.discard(client)

    def _receive(self, message: str) -> str:
        try:
            self._view.handle(self._view.intents.read(message))
        except MienError as e:
            return e.message
        return ""

    def _show(self, frame: Frame) -> None:
        self._newest[frame.kind] = frame
        for client in self._clients:
            client.mailbox.put(frame)

    def _picture(self, frames: Sequence[Frame]) -> None:
        self._pictured = self._loop.time()
        for frame in frames:
            self._show(frame)

    async def _beat(self) -> None:
        """A page that receives nothing for a while knows that what it shows is old."""
        while True:
            silent = self._loop.time() - self._pictured
            silent_s = round(silent, 1) if self._pictured >= 0 else None
            self._show(text("beat", silent_s=silent_s, refused=sum(self.refused.values())))
            await asyncio.sleep(BEAT_S)

    async def _close_all(self) -> None:
        end = self._loop.time() + CLOSING_S
        while self._loop.time() < end and not all(client.idle for client in self._clients):
            await asyncio.sleep(0.01)
        lines = [client.close(_GONE) for client in self._clients]
        stops = [line.close(code=_GONE) for line in self._stops]
        closing = asyncio.gather(*lines, *stops, return_exceptions=True)
        with suppress(TimeoutError):  # a connection that does not close is cut off
            await asyncio.wait_for(closing, CLOSING_S)


def _info(request: web.BaseRequest) -> RequestInfo:
    offers = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
    transport = request.transport
    local = transport.get_extra_info("sockname") if transport is not None else None
    return RequestInfo(
        method=request.method,
        target=request.raw_path,
        version=(request.version.major, request.version.minor),
        local=str(local[0]) if local else "",
        hosts=tuple(request.headers.getall("Host", ())),
        origins=tuple(request.headers.getall("Origin", ())),
        offers=tuple(offer.strip() for offer in offers.split(",")),
        body=request.can_read_body,
    )


def _refusal() -> web.Response:
    answer = web.Response(
        status=403,
        text="403: open the address that mien printed, all of it; every run has another one\n",
    )
    answer.force_close()
    return answer


def _headers(nonce: str, host: str) -> dict[str, str]:
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        f"connect-src ws://{host}; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
