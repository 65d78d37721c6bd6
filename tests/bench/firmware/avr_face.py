"""A face on the emulated board, talked to in lock-step: for tests and benches, never for a face."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.firmware.emulator.board import EmulatedAvr
from mien.firmware.emulator.machine import Event, Kind
from mien.robot import wire
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.link import handshake, protocol
from mien.robot.link.dialogue import Dialogue
from mien.robot.link.upload import upload_of
from mien.robot.wire import Fault, Msg, Result, State
from tests.bench.firmware.emulated import LockStep

Floats = NDArray[np.float64]
COUNT_US = 122 / 25  # one count of the PCA9685 at 50 Hz
SLICE_S = 0.001
RATE = 100
LEAD_S = 0.06


class AvrFace:
    """A face whose board is the firmware image. Time moves only in the methods that say so.

    Args:
        face: a face that ships, by name, or any other.
        avr: a board to use; a new one if not given.
        staggered: start the servos one group after the other, as the face's supplies ask; else all
            of them at once, which no emulated supply minds.

    Raises:
        DeviceError: avr-gcc or libsimavr is missing.
    """

    def __init__(
        self,
        face: str | FaceConfig = "morpheus33",
        avr: EmulatedAvr | None = None,
        *,
        staggered: bool = False,
    ) -> None:
        self.face = load_face(face) if isinstance(face, str) else face
        self.rig = LockStep(self.face, avr)
        self.machine = self.rig.avr.machine
        self.talk = Dialogue(self.rig.transport, self.rig.now)
        self.upload = upload_of(self.face)
        if not staggered:
            at_once = tuple(replace(channel, delay=0) for channel in self.upload.channels)
            self.upload = replace(self.upload, channels=at_once)
        self.outputs = [a.board * 16 + a.channel for a in self.face.actuators.values()]
        self.safe = np.array([c.safe for c in self.upload.channels]) / 4
        self.low = np.array([c.min for c in self.upload.channels]) / 4
        self.high = np.array([c.max for c in self.upload.channels]) / 4
        self.slew = np.array([c.slew for c in self.upload.channels]) / 4

    def begin_with(self, **changes: int) -> None:
        """Change fields of CONFIG_BEGIN for the uploads to come."""
        self.upload = replace(self.upload, begin=replace(self.upload.begin, **changes))

    # --- talking; each exchange lets a few milliseconds pass
    def hello(self) -> wire.HelloReply:
        reply = self.talk.request(Msg.HELLO, b"", Msg.HELLO_REPLY)
        return protocol.unpack(wire.HelloReply, reply)

    def state(self) -> State:
        return State(self.hello().state)

    def faults(self) -> Fault:
        return Fault(self.hello().faults)

    def configure(self) -> None:
        handshake.set_clock(self.talk)
        handshake.send_upload(self.talk, self.upload)

    def try_arm(self) -> Result:
        return Result(self.talk.command(Msg.ARM, protocol.pack(wire.Arm(self.upload.crc))).result)

    def arm(self) -> None:
        handshake.arm(self.talk, self.upload, self.face, 2.0, self.rig.now)

    def ready(self) -> None:
        """Configured, armed, and at the safe pose."""
        self.configure()
        self.arm()
        last = max(c.delay for c in self.upload.channels) * wire.DELAY_UNIT_MS / 1000
        self.hold(last + 0.8)

    def telemetry(self) -> wire.Telemetry:
        """The newest one after letting 60 ms pass."""
        self.run(0.06)
        self.talk.listen()
        assert self.talk.telemetry is not None
        return self.talk.telemetry

    # --- time
    def run(self, seconds: float) -> None:
        self.rig.run(seconds)

    def follow(self) -> None:
        """Let our time be the board's, after `machine` was run by itself."""
        self.run(self.machine.now_us / 1e6 - self.rig.now())

    def setpoint(self, pulses_us: Floats, lead_s: float = LEAD_S) -> None:
        at = self.talk.clock.to_board(self.rig.now() + lead_s)
        self.talk.send(Msg.SETPOINT, protocol.setpoint(at, self.upload.clip(pulses_us)))

    def stream(self, seconds: float, pose: Callable[[float], Floats]) -> Iterator[float]:
        """Send ``pose(t)`` at 100 Hz, and yield the time every millisecond."""
        start = self.rig.now()
        for frame in range(round(seconds * RATE)):
            self.setpoint(pose(self.rig.now()))
            self.talk.listen()
            next_at = start + (frame + 1) / RATE
            while self.rig.now() < next_at - 1e-9:
                self.run(min(SLICE_S, next_at - self.rig.now()))
                yield self.rig.now()

    def hold(self, seconds: float, pulses_us: Floats | None = None) -> None:
        """Send one pose (the safe one if not given) for so long."""
        goal = self.safe if pulses_us is None else pulses_us
        for _ in self.stream(seconds, lambda _: goal):
            pass

    def away(self) -> Floats:
        """A pose (n,) in us far from the safe one, inside the limits."""
        far = np.where(self.high - self.safe > self.safe - self.low, self.high, self.low)
        return np.asarray(self.safe + 0.8 * (far - self.safe))

    def wave(self, t: float) -> Floats:
        """A lively pose (n,) in us at time ``t``."""
        swing = np.sin(2 * np.pi * 0.8 * t + np.arange(len(self.safe)))
        pulses = (self.low + self.high) / 2 + 0.45 * (self.high - self.low) * swing
        return np.asarray(pulses)

    # --- what the servos see
    def pulses(self) -> Floats:
        """(n,) us, 0 where a servo gets nothing."""
        return self.machine.pulses().ravel()[self.outputs]

    def events(self, *kinds: Kind) -> list[Event]:
        return [e for e in self.machine.events() if e.kind in kinds]
