"""The line to an emulated ATmega2560: the firmware image itself, run instruction by instruction.

The emulator is a test tool of its own (``firmware/emulator``, GPL-3-or-later). It is loaded here
only when somebody asks for it, and nothing else of the robot needs it.
"""

from __future__ import annotations

import select
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from mien.robot.errors import DeviceError
from mien.robot.face.config import FaceConfig
from mien.robot.link.transport import SerialTransport

if TYPE_CHECKING:
    from mien.firmware.emulator.board import EmulatedAvr

SLICE_S = 1e-4  # how finely a waiting read looks
START_S = 10.0
CATCH_UP_S = 5.0  # as in transport.py


def emulated_avr(face: FaceConfig) -> EmulatedAvr:
    """An emulated board that is wired as ``face`` says, freshly powered.

    Raises:
        DeviceError: avr-gcc or libsimavr is missing, or there is no checkout; the hint helps.
    """
    from mien.firmware.tools.cache import BuildError

    try:
        from mien.firmware.emulator.board import EmulatedAvr, flat_outputs
    except ModuleNotFoundError as e:
        raise DeviceError(
            "the emulated board is a test tool that comes with a checkout, not with the package",
            "run from a checkout: bash .ci/setup --dev",
        ) from e

    outputs = flat_outputs([(a.board, a.channel) for a in face.actuators.values()])
    try:
        return EmulatedAvr(outputs, face.boards)
    except BuildError as e:
        raise DeviceError(e.message, e.hint) from e


class EmulatedTransport:
    """The emulated board in lock-step, on the clock that it is given.

    Args:
        avr: the board.
        now: seconds. The board runs up to ``now()`` whenever the line is used.
        sleep: lets ``now`` advance by so many seconds.
    """

    def __init__(
        self, avr: EmulatedAvr, now: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._avr, self._now, self._sleep = avr, now, sleep
        self._skipped = 0.0
        self._last = now()
        self.catch_up()

    def write(self, data: bytes) -> None:
        """Put ``data`` on the line now; each byte takes 20 us."""
        self.catch_up()
        self._avr.receive(data)

    def read(self, timeout_s: float = 0.0) -> bytes:
        """What the board has sent completely; waits up to ``timeout_s`` for the first byte."""
        self.catch_up()
        data = self._avr.transmit()
        until = self._now() + timeout_s
        while not data and (left := until - self._now()) > 0:
            self._sleep(min(left, SLICE_S))
            self.catch_up()
            data = self._avr.transmit()
        return data

    def reopen(self) -> None:
        """Bytes that were on the line are lost, as they are with a cable."""
        self._avr.machine.unplug()
        self.catch_up()

    def close(self) -> None:
        """The board runs on as it is; silence takes it to FAILSAFE."""

    def catch_up(self) -> None:
        """Run the board until its time is ``now()``."""
        now = self._now()
        if now - self._last > CATCH_UP_S:
            self._skipped += now - self._last - CATCH_UP_S
        self._last = now
        self._avr.tick(round((now - self._skipped) * 1e6))


class LockStep:
    """An emulated board, its line, and the clock that both ends live by. Nothing else moves time.

    Args:
        face: how the board is wired.
        avr: a board to use; a new one if not given.

    Raises:
        DeviceError: avr-gcc or libsimavr is missing.
    """

    def __init__(self, face: FaceConfig, avr: EmulatedAvr | None = None) -> None:
        self.face = face
        self.avr = avr if avr is not None else emulated_avr(face)
        self._time = 0.0
        self.transport = EmulatedTransport(self.avr, self.now, self.sleep)

    def now(self) -> float:
        """Seconds since the board was made."""
        return self._time

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass. The board follows when the line is used, or by `run`."""
        self._time += seconds

    def run(self, seconds: float) -> None:
        """Let so many seconds pass, for the board as well."""
        self.sleep(seconds)
        self.transport.catch_up()


class TerminalTransport(SerialTransport):
    """The emulated board as a process behind a pseudo-terminal, paced to the clock.

    Args:
        image: path of the raw image; the firmware of this checkout if empty.

    Raises:
        DeviceError: avr-gcc or libsimavr is missing, or the process did not start.
    """

    def __init__(self, image: str = "") -> None:
        from mien.firmware.avr.image import build_image
        from mien.firmware.emulator.library import build
        from mien.firmware.tools.cache import BuildError

        try:
            program, path = build() / "mien-emulator", image or str(build_image().bin)
        except BuildError as e:
            raise DeviceError(e.message, e.hint) from e
        self._process = subprocess.Popen(
            [str(program), path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.device = self._greeting()
        super().__init__(self.device)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def command(self, line: str) -> None:
        """Inject a fault: a line as ``firmware/emulator/README.md`` lists them."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def stop(self) -> None:
        """Close the line and end the board."""
        self.close()
        self._end()

    def _end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(timeout=START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _greeting(self) -> str:
        """The path of the terminal, which is the first line that the process prints."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)
        device = self._process.stdout.readline().strip() if ready else ""
        if not device:
            self._process.kill()
            self._end()
            raise DeviceError("the emulated board did not start", "mien firmware build")
        return device
