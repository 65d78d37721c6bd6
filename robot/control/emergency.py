"""Emergency stop of a run: a line and a clock that end with the stop request.

A run waits either on its line or on its clock. Both check for a stop request at least every 2 ms.
The
first check that finds one sends ESTOP, waits for the board's confirmation and answers the process
that requested it. From then on every use of line or clock raises, so that no ramp, retry or goodbye
undoes the stop.
"""

from __future__ import annotations

from threading import RLock
from typing import Final

from mien.robot.control.estop_socket import CUT, EstopSocket
from mien.robot.control.loop import Clock
from mien.robot.errors import DeviceError, EmergencyStopError
from mien.robot.link import handshake
from mien.robot.link.dialogue import Dialogue
from mien.robot.link.transport import Transport
from mien.robot.wire import State

POLL_S: Final = 0.002
"""A wait on the line is cut into waits no longer than this."""
PATIENCE_S: Final = 0.5


SIMULATED: Final = "start again: a simulated board ends with its run, nothing has to be cleared"
"""What to do after a stop on the rig."""


class Emergency:
    """Stops one board when the socket has a stop request, from whichever thread sees it first.

    Attributes:
        line, clock: to be used in place of the given ones.
    """

    def __init__(self, line: Transport, clock: Clock, estop_socket: EstopSocket) -> None:
        self._raw, self._now, self._estop_socket = line, clock.now, estop_socket
        self.lock = RLock()
        """Held while the line is used, so that the stop never lands inside a frame."""
        self._error: EmergencyStopError | None = None
        self.line = GuardedLine(line, clock, self)
        self.clock = GuardedClock(clock, self)

    def check(self) -> None:
        """Return, or stop the board.

        Raises:
            EmergencyStopError: a stop was requested; the message says whether the board confirmed
                it.
        """
        if self._estop_socket.requested.is_set():
            error = self._stopped()
            raise EmergencyStopError(error.message, error.hint)

    @property
    def error(self) -> EmergencyStopError | None:
        """The error of the stop, None before it."""
        return self._error

    def end(self) -> None:
        """The last check, before the line is closed."""
        if self._estop_socket.requested.is_set():
            self._stopped()

    def _stopped(self) -> EmergencyStopError:
        with self.lock:
            if self._error is None:
                self._error = self._stop()
            return self._error

    def _stop(self) -> EmergencyStopError:
        try:
            state = self._say()
        except DeviceError as e:
            self._estop_socket.failed(e.message)
            return EmergencyStopError(f"E-STOP was asked for; {e.message}", CUT)
        self._estop_socket.stopped(state.name)
        simulated = self._estop_socket.port == "sim"
        hint = SIMULATED if simulated else "look at the face, then mien clear"
        return EmergencyStopError("E-STOP was asked for; the outputs are off", hint)

    def _say(self) -> State:
        began = self._now()
        try:  # in a dialogue of its own: that of the run may be in the middle of an answer
            return handshake.estop(Dialogue(self._raw, self._now), PATIENCE_S)
        except DeviceError:
            if self._now() - began >= PATIENCE_S:
                raise
            self._raw.reopen()  # the line was gone; the cable may be in again
            return handshake.estop(Dialogue(self._raw, self._now), PATIENCE_S)


class GuardedLine:
    """A Transport that ends with the stop."""

    def __init__(self, line: Transport, clock: Clock, emergency: Emergency) -> None:
        self._line, self._now, self._emergency = line, clock.now, emergency

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        with self._emergency.lock:
            self._emergency.check()
            self._line.write(data)

    def read(self, timeout_s: float = 0.0) -> bytes:
        """See ``Transport``."""
        end = self._now() + timeout_s
        while True:
            with self._emergency.lock:
                self._emergency.check()
                left = end - self._now()
                # Not by what is left: a process that was kept off the CPU still listens once.
                data = self._line.read(min(POLL_S, timeout_s))
            if data or left <= POLL_S:
                return data

    def reopen(self) -> None:
        """See ``Transport``."""
        with self._emergency.lock:
            self._emergency.check()
            self._line.reopen()

    def close(self) -> None:
        """See ``Transport``."""
        self._line.close()


class GuardedClock:
    """A Clock that ends with the stop, at the request if the wrapped clock wakes by it."""

    def __init__(self, clock: Clock, emergency: Emergency) -> None:
        self._clock, self._emergency = clock, emergency

    def now(self) -> float:
        """See ``Clock``."""
        return self._clock.now()

    def sleep_until(self, t: float) -> None:
        """See ``Clock``."""
        self._emergency.check()
        self._clock.sleep_until(t)
        self._emergency.check()
