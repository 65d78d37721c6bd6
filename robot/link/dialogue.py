"""Dialogue with a board over one line: numbering, retries, and sorting of received frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mien.robot import wire
from mien.robot.errors import DeviceError
from mien.robot.link import protocol
from mien.robot.link.clock import BoardClock
from mien.robot.link.transport import Transport

ANSWER_S = 0.1  # a command and its answer take 1 ms on the wire; a USB bridge may add 16
ATTEMPTS = 8
PENDING_PINGS = 16


@dataclass
class LinkCounters:
    """Counters of this side of the line since the start of the program."""

    frames_sent: int = 0
    frames_received: int = 0
    frames_bad: int = 0
    telemetry_lost: int = 0
    retries: int = 0
    reconnects: int = 0


class Dialogue:
    """Dialogue with one board. No method waits longer than its timeout.

    Attributes:
        clock: the board's clock, updated by every PONG.
        telemetry: the newest telemetry, None before the first.
        last_frame_at: host time in s of the last valid frame, None before the first.
        switch_named: whether the user was informed that the board has no emergency switch.
    """

    def __init__(self, transport: Transport, now: Callable[[], float]) -> None:
        self._line, self._now = transport, now
        self.clock = BoardClock()
        self.counters = LinkCounters()
        self.telemetry: wire.Telemetry | None = None
        self.last_frame_at: float | None = None
        self.switch_named = False
        self._seq = 0
        self._deframer = protocol.Deframer()
        self._answers: dict[tuple[int, int], bytes] = {}  # (type, seq) -> payload
        self._pings: dict[int, float] = {}  # token -> host seconds
        self._token = 0
        self._telemetry_seq: int | None = None

    def reset(self) -> None:
        """Forget the state of a board that was lost."""
        self.clock.reset()
        self.telemetry, self.last_frame_at, self._telemetry_seq = None, None, None
        self._deframer = protocol.Deframer()
        self._answers.clear()
        self._pings.clear()

    def send(self, type_: wire.Msg, payload: bytes = b"") -> int:
        """Send one frame without waiting. Returns its sequence number."""
        seq = self._seq
        self._seq = (seq + 1) & 0xFF
        # The zero in front ends whatever noise or a torn frame left in the board's buffer.
        self._line.write(b"\0" + protocol.encode(type_, seq, payload))
        self.counters.frames_sent += 1
        return seq

    def request(
        self,
        type_: wire.Msg,
        payload: bytes,
        answer: wire.Msg,
        timeout_s: float = ANSWER_S,
        attempts: int = ATTEMPTS,
    ) -> bytes:
        """Send a frame until its answer arrives. Returns the payload of the answer.

        Raises:
            DeviceError: no answer to any attempt, or the line is gone.
        """
        pending: list[tuple[int, int]] = []
        self._answers.clear()  # numbers come round again every 256 frames
        for attempt in range(attempts):
            self.counters.retries += attempt > 0
            # A late answer to an earlier attempt is as good: commands are idempotent.
            pending.append((answer, self.send(type_, payload)))
            end = self._now() + timeout_s
            while True:
                arrived = self.listen(max(0.0, end - self._now()))
                for key in pending:
                    if key in self._answers and self._fits(type_, answer, self._answers[key]):
                        found = self._answers[key]
                        self._answers.clear()
                        return found
                if not arrived or self._now() >= end:
                    break
        raise DeviceError(
            f"the board does not answer {type_.name} ({attempts} attempts)",
            "check power and cable, then mien ports",
        )

    def command(self, type_: wire.Msg, payload: bytes = b"") -> wire.Ack:
        """Send a command until its ACK arrives (``request``)."""
        return protocol.unpack(wire.Ack, self.request(type_, payload, wire.Msg.ACK))

    def ping(self) -> None:
        """Send a PING. Its PONG updates ``clock`` when it is read."""
        self._token = (self._token + 1) & 0xFFFFFFFF
        self._pings[self._token] = self._now()
        while len(self._pings) > PENDING_PINGS:
            del self._pings[next(iter(self._pings))]
        self.send(wire.Msg.PING, protocol.pack(wire.Ping(self._token)))

    def wait_for_pong(self, timeout_s: float) -> None:
        """Wait until the last PING is answered, at most ``timeout_s``."""
        end = self._now() + timeout_s
        while self._token in self._pings:
            if not self.listen(max(0.0, end - self._now())) or self._now() >= end:
                return

    def listen(self, timeout_s: float = 0.0) -> bool:
        """Read what has arrived, waiting up to ``timeout_s``. Returns whether there was any."""
        data = self._line.read(timeout_s)
        received = self._now()
        for frame in self._deframer.feed(data):
            self.counters.frames_received += 1
            self.last_frame_at = received
            try:
                self._take(frame, received)
            except ValueError:
                self._deframer.bad += 1
        self.counters.frames_bad = self._deframer.bad
        return bool(data)

    def _take(self, frame: protocol.WireFrame, received: float) -> None:
        if frame.type == wire.Msg.TELEMETRY:
            self.telemetry = protocol.unpack(wire.Telemetry, frame.payload)
            if self._telemetry_seq is not None:
                self.counters.telemetry_lost += (frame.seq - self._telemetry_seq - 1) & 0xFF
            self._telemetry_seq = frame.seq
        elif frame.type == wire.Msg.PONG:
            pong = protocol.unpack(wire.Pong, frame.payload)
            sent = self._pings.pop(pong.token, None)
            if sent is not None:
                self.clock.add(sent, received, pong.t_us)
        else:
            if len(self._answers) > 256:
                self._answers.clear()  # answers of earlier requests
            self._answers[(frame.type, frame.seq)] = frame.payload

    @staticmethod
    def _fits(type_: wire.Msg, answer: wire.Msg, payload: bytes) -> bool:
        return answer != wire.Msg.ACK or protocol.unpack(wire.Ack, payload).type == type_
