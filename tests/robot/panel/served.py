"""The panel's server with a view of two intents, in a thread of the test."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from typing import Any, Self

from mien.robot.errors import InputError
from mien.robot.face.config import load_face
from mien.robot.panel.access import KEY, STOP, VIEW, Access
from mien.robot.panel.address import bound
from mien.robot.panel.intents import GazeIntent, Intent, RecordIntent, Schema, TuneIntent
from mien.robot.panel.messages import Estop, FaceState, Send, SetGaze, SetPose, SetRecording, ToLoop
from mien.robot.panel.outbox import Outbox
from mien.robot.panel.page import Frame, Page, text
from mien.robot.panel.server import Server
from mien.robot.panel.stopper import Stopper, StopRequest
from tests.robot.socket_line import Line

FACE = load_face("hobby9")


class Plain:
    """A view that hands on what it is asked."""

    def __init__(self, send: Send, simulated: bool = False) -> None:
        self._send = send
        self.handled = 0
        self.page = Page("Mien: <b>plain</b>", scripts=("// own script",), simulated=simulated)
        self.intents = Schema(FACE, GazeIntent, TuneIntent, RecordIntent)

    def hello(self) -> Sequence[Frame]:
        return [text("hello", names=list(FACE.names))]

    def frames(self, state: FaceState) -> Sequence[Frame]:
        return [text("board", state=str(state.target), stopped=False)]

    def handle(self, intent: Intent) -> None:
        self.handled += 1
        match intent:
            case GazeIntent():
                self._send(SetGaze(intent.yaw, intent.pitch))
            case TuneIntent():
                self._send(SetPose(intent.pose))
            case RecordIntent(recording="full"):
                raise InputError("the disk is full")
            case RecordIntent():
                self._send(SetRecording(intent.recording))


class Served:
    """A server that runs while it is entered.

    Attributes:
        to_loop: what reached the loop. view: with how many intents it handled.
    """

    def __init__(
        self, ask: StopRequest | None = None, access: Access | None = None, simulated: bool = False
    ) -> None:
        self._ask, self._simulated = ask, simulated
        self._listening = bound("127.0.0.1", access.port if access else 0)
        self.port = self._listening.getsockname()[1]
        self.access = access or Access("127.0.0.1", self.port)
        self.to_loop: list[ToLoop] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def _run(self) -> None:
        self._outbox = Outbox(self.to_loop.append)
        self.view = Plain(self._outbox.put, self._simulated)
        self.server = Server(
            self.access,
            self.view,
            lambda post: Stopper(self._ask, lambda: self._outbox.put(Estop()), post),
        )
        self._ready.set()
        await self.server.run(self._listening)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def line(self, role: str = VIEW, key: str | None = None, origin: str | None = None) -> Line:
        """A connection as the page makes it."""
        secret = self.access.socket_key if key is None else key
        return Line(
            f"ws://127.0.0.1:{self.port}/ws",
            (role, KEY + secret),
            Origin=self.origin if origin is None else origin,
        )

    def stop_line(self) -> Line:
        """The page's other connection."""
        return self.line(STOP)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.over("the test is over")
        self._thread.join(30)
        self._outbox.close()
        assert not self._thread.is_alive()


def until_kind(line: Line, kind: str, seconds: float = 30.0) -> dict[str, Any]:
    """The next message of a kind."""
    while True:
        said = line.receive(seconds)
        assert said is not None, f"closed before a {kind} came"
        if isinstance(said, str) and (message := json.loads(said))["kind"] == kind:
            return dict(message)
