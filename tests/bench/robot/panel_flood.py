"""How long a stop takes from one browser to the run, while another browser floods the panel.

For ``mien bench safety``; by the machine's clock, so on a quiet machine.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing as mp
import socket
import tempfile
import time
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from threading import Event, Thread
from typing import Final

from aiohttp import ClientSession, ClientWebSocketResponse

from mien.robot.face.config import load_face
from mien.robot.panel.access import KEY, STOP, VIEW
from mien.robot.panel.process import PanelProcess
from mien.robot.panel.stopper import DONE
from mien.robot.panel.window import Window
from tests.bench.robot.foreign import keys

MESSAGES: Final = 30_000
_FACE: Final = "hobby9"
_SETTLE_S: Final = 0.5
_APART_S: Final = 0.07
_PATIENCE_S: Final = 30.0


class _Run:
    """Stands where a run's socket is: notes when it is asked to stop, and says that it has."""

    def __init__(self, path: Path) -> None:
        self.asked, self.at = Event(), 0.0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                asker, _ = self._socket.accept()
            except OSError:
                return
            with asker:
                asker.recv(64)
                self.at = time.monotonic()
                self.asked.set()
                asker.sendall(json.dumps({"state": min(DONE), "port": ""}).encode() + b"\n")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def arrivals_ms(trials: int = 20, messages: int = MESSAGES) -> list[float]:
    """From a browser's E-STOP to the run that is asked, for each of ``trials``, in ms.

    All the while a second browser sends slider messages as fast as they are taken, ``messages`` at
    least.

    Raises:
        MienError: the panel does not start. TimeoutError: a stop did not arrive in 30 s.
    """
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "run.sock"
        run = _Run(path)
        panel = PanelProcess(Window(_FACE, build=None, port=0, estop=path))
        try:
            port, _, secret = keys(panel.start())
            context = mp.get_context("spawn")
            sent = context.Value("q", 0)
            flood = context.Process(
                target=_flood, args=(port, secret, len(load_face(_FACE).names), sent), daemon=True
            )
            flood.start()
            try:
                _until(lambda: sent.value > 0)
                out = asyncio.run(_stops(port, secret, run, trials))
                _until(lambda: sent.value >= messages)
            finally:
                flood.kill()
                flood.join()
            return out
        finally:
            panel.close()
            run.close()


async def _stops(port: int, secret: str, run: _Run, trials: int) -> list[float]:
    out = []
    async with ClientSession() as session:
        line = await _line(session, port, secret, STOP)
        await asyncio.sleep(_SETTLE_S)
        for _ in range(trials):
            run.asked.clear()
            began = time.monotonic()
            await line.send_str("estop")
            if not await asyncio.to_thread(run.asked.wait, _PATIENCE_S):
                raise TimeoutError("the stop did not reach the run")
            out.append(1e3 * (run.at - began))
            await asyncio.sleep(_APART_S)
    return out


def _flood(port: int, secret: str, actuators: int, sent: Synchronized[int]) -> None:
    async def pour() -> None:
        async with ClientSession() as session:
            line = await _line(session, port, secret, VIEW)
            while True:
                share = sent.value % 1000 / 1000
                await line.send_str(json.dumps({"intent": "tune", "pose": [share] * actuators}))
                sent.value += 1

    asyncio.run(pour())


async def _line(
    session: ClientSession, port: int, secret: str, role: str
) -> ClientWebSocketResponse:
    own = f"127.0.0.1:{port}"
    return await session.ws_connect(
        f"ws://{own}/ws", protocols=(role, KEY + secret), origin=f"http://{own}"
    )


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > end:
            raise TimeoutError("the flood did not come")
        time.sleep(0.01)
