"""The line of ``--port auto``: a board that comes back under another path is found again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from serial.tools import list_ports

from mien.robot.errors import DeviceError
from mien.robot.link.discovery import PATIENCE_S, identity, identity_of
from mien.robot.link.transport import SerialTransport

DEAF_S: Final = PATIENCE_S + 1.0
"""Time in s in which a port must answer where several ports may be the board's."""


class FoundTransport(SerialTransport):
    """The serial port of one board, wherever the system puts it.

    The board is recognised by its USB identity. Boards without a serial number share one identity;
    their ports are tried one after the other.

    Args:
        device: path at the start.
        baud, alone: see ``SerialTransport``.
        moved: called with the new path.

    Raises:
        DeviceError: it cannot be opened.
    """

    def __init__(self, device: str, baud: int, alone: bool, moved: Callable[[str], None]) -> None:
        self._identity, self._moved = identity(device), moved
        self._others = 0
        self._unheard_since: float | None = None
        self._known = False
        super().__init__(device, baud, alone)
        self._known = True

    def reopen(self) -> None:
        """Look for the board, and open its port.

        Raises:
            DeviceError: it is not there, or cannot be opened.
        """
        if self._known:
            self.close()
            self._look()
        super().reopen()
        self._unheard_since = time.monotonic()

    def read(self, timeout_s: float = 0.0) -> bytes:
        """See ``SerialTransport``. A port that stays silent is given up for another one."""
        data = super().read(timeout_s)
        since = self._unheard_since
        if data:
            self._unheard_since = None
        elif since is not None and self._others and time.monotonic() - since > DEAF_S:
            raise self._gone(DeviceError("nothing answers, and another port may be the board's"))
        return data

    def _look(self) -> None:
        """Take the next path under which the board may be. Lists ports only; opens none."""
        fit = sorted(
            port.device for port in list_ports.comports() if identity_of(port) == self._identity
        )
        if not fit:
            what = self._identity or self._device
            raise DeviceError(f"the board ({what}) is not plugged in", "mien ports")
        self._others = len(fit) - 1
        if self._device in fit and self._unheard_since is None:
            return
        later = [device for device in fit if device > self._device]
        found = (later or fit)[0]
        if found != self._device:
            self._device = found
            self._moved(found)
