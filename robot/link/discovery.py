"""Discovery of Mien boards: every serial port gets a HELLO."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from mien.robot import wire
from mien.robot.errors import DeviceError
from mien.robot.link import protocol
from mien.robot.link.dialogue import Dialogue
from mien.robot.link.transport import SerialTransport

HELLO_S = 0.1
PATIENCE_S = 2.0  # an Arduino resets when its port is opened


@dataclass(frozen=True)
class Port:
    """One serial port.

    Attributes:
        device: path.
        description: the system's description.
        state: the answer, or why there is none, as text.
        mien: whether a board with our protocol answered.
    """

    device: str
    description: str
    state: str
    mien: bool


def find_ports(
    patience_s: float = PATIENCE_S,
    now: Callable[[], float] = time.monotonic,
    but: Collection[str] = (),
) -> list[Port]:
    """All serial ports except ``but``, each probed for a board.

    Opening a port may reset the device behind it.
    """
    return [
        probe(port.device, port.description or "", patience_s, now)
        for port in sorted(list_ports.comports(), key=lambda p: p.device)
        if port.device not in but
    ]


def probe(
    device: str,
    description: str = "",
    patience_s: float = PATIENCE_S,
    now: Callable[[], float] = time.monotonic,
) -> Port:
    """Probe one port. HELLO changes no board, in any state."""
    try:
        line = SerialTransport(device)
    except DeviceError as e:
        return Port(device, description, e.message, False)
    try:
        attempts = max(1, round(patience_s / HELLO_S))
        reply = Dialogue(line, now).request(
            wire.Msg.HELLO, b"", wire.Msg.HELLO_REPLY, HELLO_S, attempts
        )
        theirs = int.from_bytes(reply[:4], "little")
        if theirs != wire.PROTOCOL_HASH:
            state = f"Mien board with protocol {theirs:08x}, needs mien firmware flash"
            return Port(device, description, state, False)
        hello = protocol.unpack(wire.HelloReply, reply)
        state = f"Mien board, {wire.State(hello.state).name}"
        return Port(device, description, state, True)
    except (DeviceError, ValueError):
        return Port(device, description, "no Mien board", False)
    finally:
        line.close()


def open_board_port(baud: int = 500_000, alone: bool = False) -> SerialTransport:
    """The line to the one board that answers.

    Raises:
        DeviceError: no board, or more than one.
    """
    return SerialTransport(board_device(), baud, alone)


def board_device() -> str:
    """Path of the one port with a board that answers.

    Raises:
        DeviceError: no board, or more than one.
    """
    boards = [port.device for port in find_ports() if port.mien]
    if len(boards) != 1:
        found = ", ".join(boards) or "none"
        raise DeviceError(f"one Mien board expected, found {found}", "mien ports, then --port PATH")
    return boards[0]


def identity(device: str) -> str:
    """Identity of the board behind a port: USB vendor, product and serial number.

    Cheap USB bridges have no serial number. Ports without USB have no identity.
    """
    path = Path(device).resolve()
    for port in list_ports.comports():
        if Path(port.device).resolve() == path:
            return identity_of(port)
    return ""


def identity_of(port: ListPortInfo) -> str:
    """``identity`` of a listed port."""
    if port.vid is None:
        return ""
    return f"usb {port.vid:04x}:{port.pid:04x} {port.serial_number or ''}".strip()
