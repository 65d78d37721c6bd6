"""One board, as the loop sees it: pulses go in with their time, telemetry comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from mien.robot import wire
from mien.robot.errors import DeviceError
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.link import handshake, protocol
from mien.robot.link.clock import BoardClock
from mien.robot.link.dialogue import Dialogue, LinkCounters
from mien.robot.link.transport import LineGoneError, Transport
from mien.robot.link.upload import upload_of
from mien.robot.wire import Msg, State, Telemetry

__all__ = ["Board", "Telemetry"]

LEAD_S = 0.06  # covers a late frame, a USB bridge and one period of 60 Hz; 8 frames queue at most
PING_EVERY_S = 0.5
PONG_S = 0.003  # how long read() may wait, so that the round trip is the line's and not the loop's
SILENT_S = 0.5  # ten telemetry frames missed
ARM_S = 2.0  # servo boards are probed while the face is not armed
REARM_S = 0.1  # an ATmega2560 needs 40 ms to set up three of them after an upload
RETRY_S = 0.5
RETRY_HELLO_S = 0.2
GIVE_UP_S = 10.0


class Board:
    """The serial link to one face. Nothing moves before ``arm``.

    After a lost cable, a reset of the board, its failsafe or the release that ends it, ``send``
    brings the link back by itself: hello, upload, arm; the board then ramps. (A host that only
    stalled skips the upload, for it takes the servos' drive away.) An e-stop is never cleared by
    itself.

    Args:
        face: the face that the board drives.
        transport: an open line.
        now: host clock in seconds, the one that ``send`` times are on.
        lead_s: how long before its time a setpoint is sent. The face runs late by it.
    """

    def __init__(
        self,
        face: FaceConfig,
        transport: Transport,
        now: Callable[[], float],
        lead_s: float = LEAD_S,
    ) -> None:
        if not 0.0 <= lead_s <= wire.LEAD_MAX_US / 1e6:
            raise ValueError(f"lead_s is {lead_s}, allowed are 0 to {wire.LEAD_MAX_US / 1e6} s")
        self.face, self.lead_s, self._line, self._now = face, lead_s, transport, now
        self._talk = Dialogue(transport, now)
        self._upload = upload_of(face)
        self._armed = False
        self._stopped = False  # e-stop: commanded, or reported by the board
        self._last = self._upload.clip(np.array([c.safe for c in self._upload.channels]) / 4.0)
        self._lost_at: float | None = None
        self._gone = False  # the line must be opened again
        self._cause: DeviceError | None = None  # why the last try to mend the link failed
        self._tried_at = -np.inf
        self._pinged_at = -np.inf
        self._sent_at = -np.inf
        self._pong_due = False
        self._set_up_at = -np.inf
        self.homed_at = -np.inf

    @property
    def clock(self) -> BoardClock:
        """The board's clock."""
        return self._talk.clock

    @property
    def counters(self) -> LinkCounters:
        """What this side has sent, received, lost and repeated."""
        return self._talk.counters

    @property
    def connected(self) -> bool:
        """The last exchange with the board went well."""
        return self._lost_at is None and self.clock.known

    def connect(self, timeout_s: float = 3.0) -> wire.HelloReply:
        """Find the board, compare protocols, set the clock, upload the face.

        A board that resets when its port is opened needs up to 2 s. One in ESTOP stays there.
        Returns what the board reported before the upload.

        Raises:
            DeviceError: no answer, another protocol, or a face that does not fit the board.
        """
        return self._set_up(timeout_s)

    def arm(self) -> None:
        """Drive the outputs: a ramp to the safe pose, then the setpoints of ``send``.

        Raises:
            DeviceError: not connected, stopped, or a PCA9685 is missing.
        """
        self._need_link()
        self._arm(ARM_S)
        self._armed = True

    def pace(self, t: float) -> float:
        """Share of its speed limits at which the board follows setpoints at host time ``t``.

        0 while it is away, and after ARM until it has homed to its safe pose; then 1/4; then 1.
        """
        if self._lost_at is not None or t < self.homed_at:
            return 0.0
        return 0.25 if t < self.homed_at + wire.SOFT_START_MS / 1e3 else 1.0

    def send(self, t: float, pulses_us: Floats) -> Floats:
        """Ask for ``pulses_us`` (n,) at host time ``t`` + ``lead_s``. Returns (n,) us really sent.

        While the link is down, tries every 0.5 s to bring it back (0.3 s a try) and returns what
        was sent last.

        Raises:
            DeviceError: never connected, e-stopped, or the link is down for 10 s.
            ValueError: wrong number of pulses.
        """
        if pulses_us.shape != self._last.shape:
            raise ValueError(f"{pulses_us.shape} pulses for {len(self._last)} channels")
        if self._stopped:
            raise handshake.estopped()
        last_us = self._last.astype(np.float64) / protocol.UNITS_PER_US
        if self._lost_at is not None and not self._revive():
            return last_us
        finite = np.where(np.isfinite(pulses_us), pulses_us, last_us)
        units = self._upload.clip(finite)
        payload = protocol.setpoint(self.clock.to_board(t + self.lead_s), units)
        try:
            self._need_link()
            self._ping()  # before the setpoint: behind it, it would reach the board 1.6 ms late
            self._talk.send(Msg.SETPOINT, payload)
            self._sent_at = self._now()
        except DeviceError:
            self._lose(gone=True)
            return last_us
        self._last = units
        return units.astype(np.float64) / protocol.UNITS_PER_US

    def read(self) -> Telemetry | None:
        """Take in what has arrived, keep the clock and the heartbeat. Newest telemetry, or None.

        Waits up to 3 ms, twice a second. A lost link is noticed here and mended in ``send``.
        """
        if self._lost_at is not None:
            return self._talk.telemetry
        try:
            self._ping()
            # Waiting for the answer makes its trip that of the line, and not that of the loop.
            if self._pong_due:
                self._talk.wait_for_pong(PONG_S)
                self._pong_due = False
            self._talk.listen()
        except DeviceError:
            self._lose(gone=True)
            return self._talk.telemetry
        self._judge()
        return self._talk.telemetry

    def outputs(self) -> Floats:
        """Pulses (n,) in us that the board drives now, NaN where it drives none."""
        reply = self._talk.request(Msg.READ_OUTPUTS, b"", Msg.OUTPUTS)
        units, powered = protocol.outputs(reply)
        return np.where(powered, units.astype(np.float64) / protocol.UNITS_PER_US, np.nan)

    def disarm(self) -> None:
        """Outputs off.

        Raises:
            DeviceError: the board does not answer; it goes to FAILSAFE by itself.
        """
        self._armed = False
        self._talk.command(Msg.DISARM)

    def estop(self) -> None:
        """Outputs off at once, latched on the board until ``clear``.

        Raises:
            DeviceError: the board did not confirm. Cut the servo supply.
        """
        self._armed, self._stopped = False, True
        handshake.estop(self._talk)

    def clear(self) -> None:
        """Leave ESTOP and forget latched faults. Outputs stay off.

        Raises:
            DeviceError: the board does not answer or its button is still pressed.
        """
        state = handshake.clear(self._talk)
        self._stopped = False
        self._talk.telemetry = None  # the newest may still be ESTOP
        if state == State.UNCONFIGURED:
            handshake.send_upload(self._talk, self._upload)

    def close(self) -> None:
        """Outputs off if the board still listens, and the line given back."""
        try:
            if self._armed and self._lost_at is None:
                self.disarm()
        except DeviceError:  # the board's watchdog does it
            pass
        finally:
            self._armed = False
            self._line.close()

    def report(self) -> dict[str, float]:
        """Counters of both sides, for ``metrics.json``."""
        seen = self._talk.telemetry
        board = {f"board_{k}": float(v) for k, v in asdict(seen).items()} if seen else {}
        host = {k: float(v) for k, v in asdict(self.counters).items()}
        clock = {
            "clock_drift_ppm": self.clock.drift_ppm,
            "trip_s": self.clock.trip_s,
            "uptime_s": self.clock.board_s(self._now()) if self.clock.known else 0.0,
        }
        return host | board | clock

    def _set_up(self, timeout_s: float, fresh: bool = True) -> wire.HelloReply:
        found = handshake.hello(self._talk, self.face, timeout_s)
        handshake.set_clock(self._talk)
        self._stopped = found.state == State.ESTOP
        # A board that only missed us holds the face up meanwhile: an upload would let it drop.
        ours = found.state == State.FAILSAFE and found.config_crc == self._upload.crc
        whole = found.boards == (1 << len(self.face.boards)) - 1  # else ARM needs them verified
        if not self._stopped and (fresh or not (ours and whole)):
            handshake.send_upload(self._talk, self._upload)
        self._lost_at = None
        self._set_up_at = self._now()
        return found

    def _arm(self, wait_s: float) -> None:
        handshake.arm(self._talk, self._upload, self.face, wait_s, self._now)
        self.homed_at = self._now() + self._upload.homing_s(self._last)

    def _ping(self) -> None:
        """Clock, and a heartbeat while nothing else is sent, when it is time for one."""
        now = self._now()
        quiet = self._armed and now - self._sent_at > self.face.timeout_ms / 1000 / 4
        if quiet or now - self._pinged_at >= PING_EVERY_S:
            self._pinged_at = self._sent_at = now
            self._pong_due = True
            self._talk.ping()

    def _need_link(self) -> None:
        if not self.clock.known:
            raise DeviceError("the board is not connected", "mien ports")

    def _judge(self) -> None:
        """Compare what the board reports with what we believe."""
        now, telemetry = self._now(), self._talk.telemetry
        if now - max(self._set_up_at, self._talk.last_frame_at or -np.inf) > SILENT_S:
            self._lose(gone=False)
        elif telemetry is not None and telemetry.state == State.ESTOP:
            self._armed, self._stopped = False, True
        elif telemetry is not None and self._armed and telemetry.state != State.ARMED:
            self._lose(gone=False)  # its watchdog fired, or it has started anew

    def _lose(self, gone: bool) -> None:
        """The link needs mending. ``gone``: the line itself raised, and must be opened again."""
        self._gone = self._gone or gone
        if self._lost_at is None:
            self._lost_at, self._cause = self._now(), None
            self._tried_at = -np.inf

    def _revive(self) -> bool:
        """One try to mend the link, if it is time for one. True: it is mended."""
        now = self._now()
        if self._lost_at is not None and now - self._lost_at > GIVE_UP_S:
            raise handshake.away(GIVE_UP_S, self._cause)
        if now - self._tried_at < RETRY_S:
            return False
        self._tried_at = now
        lost_at, was_armed, fresh = self._lost_at, self._armed, self._gone
        try:
            if self._gone:
                self._line.reopen()  # resets some boards: never while the line is there
                self._gone = False
            self._set_up(RETRY_HELLO_S, fresh)
            if was_armed and not self._stopped:
                self._arm(REARM_S)
        except DeviceError as e:
            if e.hint == handshake.REFLASH:
                raise
            self._lost_at, self._cause = lost_at, e
            self._gone = self._gone or isinstance(e, LineGoneError)
            return False
        if self._stopped:
            raise handshake.estopped()
        self.counters.reconnects += 1
        return True
