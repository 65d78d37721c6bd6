"""The core on a clock of our own, spoken to in frames: for tests and benches, never for a face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.firmware.host import HostCore
from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.link.upload import Upload
from mien.robot.wire import Msg, State

STEP_US = wire.STEP_US


def channels(count: int = 4, **changes: int) -> tuple[wire.ConfigChannel, ...]:
    """``count`` rigid channels of 1000 to 2000 us, safe at 1500, 20 us a step; fields by name."""
    base = {"board": 0, "flags": 0, "idle": 0, "delay": 0, "slack": 0, "floor": 0}
    base |= {"min": 4000, "max": 8000, "safe": 6000, "slew": 80}
    return tuple(
        wire.ConfigChannel(
            index=k,
            channel=k % wire.BOARD_CHANNELS,
            **(base | {"board": k // wire.BOARD_CHANNELS} | changes),
        )
        for k in range(count)
    )


def begin(count: int = 4, **changes: int) -> wire.ConfigBegin:
    """CONFIG_BEGIN for ``count`` channels on as many boards as they need, timeout 200 ms."""
    boards = (count + wire.BOARD_CHANNELS - 1) // wire.BOARD_CHANNELS
    base = {"channels": count, "boards": boards, "pwm_hz": 50, "timeout_ms": 200}
    base |= {f"address_{b}": 0x40 + b if b < boards else 0 for b in range(wire.BOARDS_MAX)}
    base |= {"telemetry_ms": 50, "hold_s": 10, "stop_switch": wire.Switch.NC, "interlocks": 0}
    return wire.ConfigBegin(**(base | changes))


def plain_upload(count: int = 4, **changes: int) -> Upload:
    """An upload of ``channels(count, **changes)``."""
    return Upload(begin(count), channels(count, **changes))


class Lockstep:
    """One core, its time in us, and the frames that it sent.

    Attributes:
        core: replace it with a new ``HostCore`` for a reset of the board.
        now: time in us; only ``tick`` and ``run`` move it.
        frames: all that the core has sent.
    """

    def __init__(self, upload: Upload | None = None, start_us: int = 0) -> None:
        self.upload = upload if upload is not None else plain_upload()
        self.core = HostCore()
        self.now = start_us
        self.frames: list[protocol.WireFrame] = []
        self._seq = 0
        self._deframer = protocol.Deframer()
        self.core.tick(self.now)

    @property
    def state(self) -> State:
        """State of the core."""
        return State(self.core.state)

    @property
    def pulses(self) -> NDArray[np.int64]:
        """(n,) pulses driven, in 0.25 us; 0 where none is."""
        units, powered = self.core.outputs()
        return np.where(powered, units.astype(np.int64), 0)

    def raw(self, data: bytes) -> list[protocol.WireFrame]:
        """Bytes to the core, now. Returns what it answers."""
        self.core.receive(data, self.now)
        answers = list(self._deframer.feed(self.core.transmit()))
        self.frames += answers
        return answers

    def frame(self, type_: int, payload: bytes = b"") -> bytes:
        """A frame with the next number."""
        self._seq = (self._seq + 1) & 0xFF
        return protocol.encode(type_, self._seq, payload)

    def send(self, type_: int, payload: bytes = b"") -> list[protocol.WireFrame]:
        """One good frame. Returns what the core answers."""
        return self.raw(self.frame(type_, payload))

    def command(self, type_: int, payload: bytes = b"") -> wire.Ack:
        """One command. Returns its ACK."""
        (answer,) = self.send(type_, payload)
        assert answer.type == Msg.ACK, answer
        return protocol.unpack(wire.Ack, answer.payload)

    def configure(self) -> wire.Ack:
        """The whole upload. Returns the last ACK, or the first that is not OK."""
        ack = wire.Ack(0, 0, 0, 0)
        for type_, payload in self.upload.messages():
            ack = self.command(type_, payload)
            if ack.result:
                return ack
        return ack

    def arm(self) -> wire.Ack:
        """ARM with the CRC of the upload."""
        return self.command(Msg.ARM, protocol.pack(wire.Arm(self.upload.crc)))

    def ping(self) -> None:
        """A heartbeat."""
        self.send(Msg.PING, protocol.pack(wire.Ping(1)))

    def setpoint(self, units: NDArray[np.uint16] | int, after_us: int, first: int = 0) -> None:
        """Ask for pulses (n,), or the same for all channels, ``after_us`` from now."""
        values = np.atleast_1d(np.asarray(units, dtype=np.uint16))
        if np.ndim(units) == 0:
            values = np.repeat(values, len(self.upload.channels))
        self.send(Msg.SETPOINT, protocol.setpoint(self.now + after_us, values, first))

    def tick(self, us: int = STEP_US) -> None:
        """Let ``us`` pass, then tick once."""
        self.now += us
        self.core.tick(self.now)
        self.frames += self._deframer.feed(self.core.transmit())

    def run(self, ms: float, heartbeat: bool = True) -> NDArray[np.int64]:
        """Ticks of one step for ``ms``. Returns the pulses (steps, n) after each."""
        seen = []
        for _ in range(round(ms * 1000 / STEP_US)):
            if heartbeat:
                self.ping()
            self.tick()
            seen.append(self.pulses)
        return np.array(seen)

    def ready(self) -> Lockstep:
        """Configured, armed, at the safe pose, soft start over. Returns itself."""
        assert self.configure().state == State.DISARMED
        assert self.arm().state == State.ARMED
        while self.core.native.homing:
            self.run(10)
        self.run(wire.SOFT_START_MS + 10)
        return self

    def telemetry(self) -> wire.Telemetry:
        """The newest, after running until there is one."""
        self.frames.clear()
        for _ in range(250):
            self.tick()
            for frame in self.frames:
                if frame.type == Msg.TELEMETRY:
                    return protocol.unpack(wire.Telemetry, frame.payload)
        raise AssertionError("no telemetry in 1.25 s")
