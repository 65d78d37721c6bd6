"""What runs in the panel's process: a server in the main thread, the pipe to the loop in two."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from threading import Thread
from time import monotonic
from typing import Final

from mien.robot.errors import ErrorMessage, MienError
from mien.robot.panel.access import Access
from mien.robot.panel.address import bound, shown_as
from mien.robot.panel.messages import Estop, PanelReady, RunEnded, Send, StateShown
from mien.robot.panel.outbox import Outbox
from mien.robot.panel.page import View
from mien.robot.panel.server import Server
from mien.robot.panel.stopper import Stopper, StopRequest
from mien.robot.panel.window import Window

UNSEEN_S: Final = 1.0
"""Seconds between states that are drawn while no browser is open, for the next one."""


def serve(pipe: Connection, window: Window, make: Callable[[Send], View]) -> None:
    """A view's process: states come in through ``pipe``, requests go out, until the run is over.

    Args:
        make: opens the view, which gets the function that sends a message to the loop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the loop ends this process, after its ramp
    try:
        asyncio.run(_serve(pipe, window, make))
    except MienError as e:
        pipe.send(ErrorMessage.of(e))


async def _serve(pipe: Connection, window: Window, make: Callable[[Send], View]) -> None:
    # The port first: a taken one is reported at once, not after a self-model was loaded.
    listening = bound(window.host, window.port)
    outbox = Outbox(pipe.send)
    view = make(outbox.put)
    access = access_of(window, listening.getsockname()[1])
    server = Server(
        access, view, lambda post: Stopper(stop_request(window), lambda: outbox.put(Estop()), post)
    )
    pipe.send(PanelReady(access.address(shown_as(window.host))))
    Thread(target=_read, args=(pipe, view, server, outbox), name="states", daemon=True).start()
    await server.run(listening)
    outbox.close()


def access_of(window: Window, port: int) -> Access:
    """The rules of a window's server: the user's token opens its page, or a secret of its own."""
    if window.token:
        return Access(window.host, port, page_key=window.token)
    return Access(window.host, port)


def stop_request(window: Window) -> StopRequest | None:
    """Requests the stop of the run at its socket; None where it has none."""
    if window.estop is None:
        return None
    from mien.robot.control.estop_socket import request

    return partial(request, window.estop)


def _read(pipe: Connection, view: View, server: Server, outbox: Outbox) -> None:
    """States from the loop, until the run has ended.

    A loop that is gone without ``RunEnded`` and a view that fails end the panel alone. The browsers
    then receive nothing and show that: the state of the face is unknown here.
    """
    drawn = float("-inf")
    try:
        while True:
            message = pipe.recv()
            if isinstance(message, RunEnded):
                server.over(message.reason, message.stop)
                return
            now = monotonic()
            if server.watched or now - drawn >= UNSEEN_S:
                drawn = now
                server.post(view.frames(message))
            outbox.put(StateShown())
    except (EOFError, OSError):
        server.end()
    except BaseException:
        server.end()
        raise
