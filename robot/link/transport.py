"""Ways for bytes to reach a board. All of them carry the same bytes."""

from __future__ import annotations

import errno
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

import serial

from mien.firmware.host import HostCore
from mien.robot.errors import DeviceError, InputError
from mien.robot.link.permission import refusal

WRITE_TIMEOUT_S = 0.05
TICK_S = 0.005
CATCH_UP_S = 5.0  # a paced core that slept longer than this (a suspended laptop) skips ahead


class LineGoneError(DeviceError):
    """The line itself is gone, and must be opened again."""


class Transport(Protocol):
    """A line to one board. Noise raises nothing; a line that is gone raises DeviceError."""

    def write(self, data: bytes) -> None:
        """Hand over ``data``. Never blocks for long; may drop all of it, as a line may."""

    def read(self, timeout_s: float = 0.0) -> bytes:
        """What has arrived; waits up to ``timeout_s`` while there is nothing. Empty: timed out."""

    def reopen(self) -> None:
        """Open the line again after a DeviceError.

        Raises:
            DeviceError: it is still gone.
        """

    def close(self) -> None:
        """Give the line back. Closing twice is fine."""


class SerialTransport:
    """A serial port, or anything with a path that acts like one (a pty).

    Args:
        device: path, such as ``/dev/ttyACM0``.
        baud: 500000 on the reference board.
        alone: refuse a port that another program holds alone, and hold it so. An emergency stop
            does not ask.

    Raises:
        DeviceError: it cannot be opened.
    """

    def __init__(self, device: str, baud: int = 500_000, alone: bool = False) -> None:
        self._device, self._baud, self._alone = device, baud, alone
        self._torn = False
        self.write_timeouts = 0
        self._port: serial.Serial | None = None
        self.reopen()

    def reopen(self) -> None:
        """Open the port, closing it first if it is open.

        Raises:
            DeviceError: another program holds it, or it is not there.
        """
        self.close()
        try:
            self._port = serial.Serial(
                self._device, self._baud, timeout=0, write_timeout=WRITE_TIMEOUT_S,
                exclusive=self._alone or None,
            )  # fmt: skip
        except (OSError, ValueError) as e:
            if getattr(e, "errno", None) in (errno.EACCES, errno.EPERM):
                raise DeviceError(*refusal(self._device)) from e
            if getattr(e, "errno", None) in (errno.EAGAIN, errno.EBUSY):
                busy = f"{self._device} is in use by another program"
                raise DeviceError(busy, "end the other one, then mien ports") from e
            raise DeviceError(f"cannot open {self._device}: {e}", "mien ports") from e

    def write(self, data: bytes) -> None:
        """``data`` goes out whole, or is dropped when the port does not take it in time."""
        port = self._open()
        try:
            # A frame that was cut off has no end: close it, or it would swallow this one.
            port.write(b"\0" + data if self._torn else data)
            self._torn = False
        except serial.SerialTimeoutException:
            # Also raised when this process was off the CPU: the port itself may be fine.
            self.write_timeouts += 1
            self._torn = True
        except OSError as e:
            raise self._gone(e) from e

    def read(self, timeout_s: float = 0.0) -> bytes:
        """What has arrived, at least one byte unless ``timeout_s`` is over."""
        port = self._open()
        try:
            if timeout_s > 0:  # pyserial's own timeout would set up the port anew each time
                select.select([port.fileno()], [], [], timeout_s)
            return bytes(port.read(max(1, port.in_waiting)))
        except (OSError, TypeError, ValueError) as e:  # the last two: closed by another thread
            raise self._gone(e) from e

    def close(self) -> None:
        """Give the port back; nothing if it is closed."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _open(self) -> serial.Serial:
        if self._port is None:
            raise LineGoneError(f"{self._device} is closed", "mien ports")
        return self._port

    def _gone(self, error: Exception) -> LineGoneError:
        self.close()
        return LineGoneError(f"{self._device} is gone: {error}", "check the cable, then mien ports")


class CoreTransport:
    """The firmware core in this process, on the clock that it is given.

    The core is ticked up to ``now()`` in steps of its own period whenever the line is used, so it
    runs paced with ``time.monotonic`` and ``time.sleep``, and in lock-step with a simulated clock.

    Args:
        core: the board.
        now: seconds; the board's clock is this one.
        sleep: lets ``now`` advance by so many seconds.
    """

    def __init__(
        self, core: HostCore, now: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._core, self._now, self._sleep = core, now, sleep
        self._ticked = now()
        core.tick(self._us(self._ticked))

    def write(self, data: bytes) -> None:
        """The core has ``data`` at once: this line has no baud rate."""
        self.catch_up()
        self._core.receive(data, self._us(self._now()))

    def read(self, timeout_s: float = 0.0) -> bytes:
        """Bytes from the core; lets ``timeout_s`` pass once while there are none."""
        self.catch_up()
        data = self._core.transmit()
        if not data and timeout_s > 0:
            self._sleep(timeout_s)
            self.catch_up()
            data = self._core.transmit()
        return data

    def reopen(self) -> None:
        """The line is always there: only the core's time goes on."""
        self.catch_up()

    def close(self) -> None:
        """The core stays as it is; silence will take it to FAILSAFE."""

    def catch_up(self) -> None:
        """Tick the core until its time is ``now()``."""
        now = self._now()
        if now - self._ticked > CATCH_UP_S:
            self._ticked = now - CATCH_UP_S
        while self._ticked + TICK_S <= now + 1e-9:
            self._ticked += TICK_S
            self._core.tick(self._us(self._ticked))

    @staticmethod
    def _us(seconds: float) -> int:
        return round(seconds * 1e6)


class FileTransport:
    """Dry run: every byte for the board goes to a file, and to another line that answers.

    Args:
        path: written anew.
        line: usually a CoreTransport, so that the handshake is a real one.
    """

    def __init__(self, path: Path, line: Transport) -> None:
        self._file = path.open("wb")
        self._line = line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """Append ``data`` to the file and hand it to the line."""
        self._file.write(data)
        self._line.write(data)

    def read(self, timeout_s: float = 0.0) -> bytes:
        """What the line answers; none of it goes to the file."""
        return self._line.read(timeout_s)

    def reopen(self) -> None:
        """Open the line again; the file goes on where it was."""
        self._line.reopen()

    def close(self) -> None:
        """Close the file and the line."""
        self._file.close()
        self._line.close()


def dry_run(path: Path) -> FileTransport:
    """A line to a board in this process, in real time; all bytes to it are written to ``path``.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        return FileTransport(path, CoreTransport(HostCore(), time.monotonic, time.sleep))
    except OSError as e:
        raise InputError(f"cannot write {path}: {e.strerror or e}") from e
