"""A board and its clock from what the user wrote after ``--port``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.robot.control.emergency import Emergency
from mien.robot.control.estop_socket import EstopSocket
from mien.robot.control.loop import Clock
from mien.robot.control.machine_clock import MachineClock
from mien.robot.errors import DeviceError, EmergencyStopError
from mien.robot.face.config import FaceConfig
from mien.robot.link.board import Board
from mien.robot.link.discovery import board_device
from mien.robot.link.found import FoundTransport
from mien.robot.link.transport import Transport

if TYPE_CHECKING:
    from mien.robot.sim.realtime import LiveRig

DRY_RUN: Final = "file:"
LIVE_LEAD_S: Final = 0.025
"""Live faces answer at once: a period of 60 Hz, a late tick and the line, no more."""


@dataclass(frozen=True)
class Opened:
    """A connected board. ``rig`` is None on hardware; ``device`` is what ``auto`` found."""

    board: Board
    clock: Clock
    rig: LiveRig | None
    device: str = ""


@contextmanager
def opened(
    face: FaceConfig,
    port: str,
    build: int = 0,
    faults: Sequence[str] = (),
    lead_s: float = LIVE_LEAD_S,
    wire: Callable[[int, bytes], None] = lambda _us, _data: None,
    estop: EstopSocket | None = None,
) -> Iterator[Opened]:
    """Connect to a board, and close at the end. A stop request is obeyed from first to last.

    ``port`` is ``sim``, ``auto`` (the one board that answers, found again wherever it comes back),
    the path of a serial port, or
    ``file:PATH``: a dry run, whose bytes are written to that file and move nothing.

    Args:
        build, faults: of the simulated robot. wire: called with its bytes.
        estop: where the stop is asked for; one of its own if nobody has to know before.

    Raises:
        DeviceError: no board, or it does not fit.
        EmergencyStopError: the stop was asked for while the board was open.
    """
    with ExitStack() as stack:
        estop_socket = estop or stack.enter_context(EstopSocket())
        device = board_device() if port == "auto" else port
        line, clock, rig = _ends(face, device, build, faults, wire, estop_socket, port == "auto")
        estop_socket.attach(device)
        try:
            with connected(face, line, clock, estop_socket, lead_s) as (board, guarded):
                yield Opened(board, guarded, rig, device)
        except EmergencyStopError:
            raise
        except DeviceError as e:
            if rig is None or not rig.too_slow:
                raise
            raise rig.slow_error() from e


@contextmanager
def connected(
    face: FaceConfig,
    line: Transport,
    clock: Clock,
    estop_socket: EstopSocket,
    lead_s: float = LIVE_LEAD_S,
) -> Iterator[tuple[Board, Clock]]:
    """A board on ``line`` and the clock to wait on, both under the stop; closes them at the end.

    Raises:
        DeviceError, EmergencyStopError: see ``opened``.
    """
    emergency = Emergency(line, clock, estop_socket)
    board = Board(face, emergency.line, clock.now, lead_s)
    try:
        board.connect()
        yield board, emergency.clock
    finally:
        emergency.end()
        board.close()
        estop_socket.detach()
    if emergency.error:  # after the last tick, so that nothing has raised it yet
        raise emergency.error


def _ends(
    face: FaceConfig,
    port: str,
    build: int,
    faults: Sequence[str],
    wire: Callable[[int, bytes], None],
    estop_socket: EstopSocket,
    found: bool,
) -> tuple[Transport, Clock, LiveRig | None]:
    """Line and clock of ``port``, and the rig if it is one. ``found``: the port was looked for."""
    if found:
        line = FoundTransport(port, face.baud, alone=True, moved=estop_socket.attach)
        return line, MachineClock(estop_socket.wake), None
    if port != "sim":
        return _line(port, face.baud), MachineClock(estop_socket.wake), None
    # Hardware needs no simulator, and should not wait for one to load.
    from mien.robot.sim.faults import parse_faults
    from mien.robot.sim.realtime import LiveRig, simulated

    sim = simulated(face, build, tuple(parse_faults(list(faults), face)))
    rig = LiveRig(sim, wire, sleep=estop_socket.wake.wait, hurry=estop_socket.requested.is_set)
    return rig, rig, rig


def _line(port: str, baud: int) -> Transport:
    from mien.robot.link.transport import SerialTransport, dry_run

    if port.startswith(DRY_RUN):
        return dry_run(Path(port.removeprefix(DRY_RUN)))
    return SerialTransport(port, baud, alone=True)
