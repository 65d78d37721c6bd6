"""A robot as it stands on a bench: a serial port to open, and a camera that films it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.calibration.capture import hardware_rig
from mien.calibration.capture.frame_filter import NO_FACE, CapturedFrame
from mien.robot.control import connect
from mien.robot.errors import DeviceError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.link import transport
from mien.robot.link.protocol import encode
from mien.robot.link.transport import SerialTransport
from mien.robot.media.webcam import Picture
from mien.robot.sim.camera import ProjectedCamera
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from mien.robot.wire import Msg, State
from tests.robot.boards import state_of
from tests.robot.stepped_clock import SteppedClock

Spoil = Callable[[CapturedFrame], CapturedFrame]
T = TypeVar("T")


MOMENT_S: Final = 0.001
"""How often a waiting host looks whether the board has answered."""


class BenchRobot:
    """The rig behind its firmware behind a pty, on a clock that waits for everybody.

    Attributes:
        clock: of robot, camera and host.
        path: of the serial port.
        mute: True pulls the cable's wires: bytes are lost both ways.
        driven: pulses (n,) us of the last moment at which all servos were driven.
    """

    def __init__(self, face: FaceConfig, build: int = 0) -> None:
        self.face, self.mute = face, False
        self.driven: Floats | None = None
        self.sim = SimBoard(Rig(face, build), watch=self._see)
        self.clock = SteppedClock(self._advance)
        self._master, self._slave = os.openpty()
        self.path = os.ttyname(self._slave)
        self._listened_to, self._arriving = False, 0  # bytes from the board that nobody read yet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._master)
        os.close(self._slave)

    def on_its_clock(self, patch: pytest.MonkeyPatch) -> Self:
        """Let a host whose port it is use its clock for lines, waits and threads."""
        # A process that is kept off the CPU takes a byte that went out for one that timed out.
        patch.setattr(transport, "WRITE_TIMEOUT_S", 60.0)
        patch.setattr(transport, "SerialTransport", partial(_Line, self))
        patch.setattr(connect, "MachineClock", lambda _wake: self.clock)
        patch.setattr(hardware_rig, "Condition", self.clock.condition)
        patch.setattr(hardware_rig, "Thread", self.clock.thread)
        return self

    @property
    def state(self) -> State:
        """Of the board."""
        return state_of(self.sim)

    def seen_by(self, camera: Callable[[Rig], T]) -> T:
        """What a camera makes of the rig as it is now."""
        return camera(self.sim.rig)

    def press_estop(self) -> None:
        """Stop the robot as its button does: the host has not asked for it."""
        self.sim.write(encode(Msg.ESTOP, 0, b""))

    def assert_at_rest(self) -> None:
        """Nothing is driven, and what was driven last was the safe pose."""
        end = self.clock.now() + 5.0
        while self.sim.powered.any() and self.clock.now() < end:
            self.clock.sleep(0.01)
        assert not self.sim.powered.any()
        assert self.driven is not None
        np.testing.assert_allclose(self.driven, to_pulses(self.face, self.face.safe), atol=0.5)

    def open(self, listened_to: bool) -> None:
        """The port was opened or closed, which drops what was on its way."""
        self._listened_to, self._arriving = listened_to, 0

    def take(self, count: int) -> None:
        """The host has written so many bytes."""
        data = b""
        while len(data) < count:  # the kernel brings them when it can
            data += os.read(self._master, count - len(data))
        if not self.mute:
            self.sim.write(data)

    def given(self, read: Callable[[float], bytes]) -> bytes:
        """All that the board has sent, when it has passed the kernel."""
        data = read(0.0)
        while len(data) < self._arriving:
            data += read(1.0)
        self._arriving = 0
        return data

    def _advance(self, t: float) -> float:
        self.sim.sleep_until(t)
        answer = self.sim.read()
        if answer and self._listened_to and not self.mute:
            self._arriving += os.write(self._master, answer)
        return self.sim.now()

    def _see(self, _rig: Rig) -> None:
        if self.sim.powered.all():
            self.driven = self.sim.pulses_us.copy()


class _Line(SerialTransport):
    """A host's end of the port of a ``BenchRobot``."""

    def __init__(self, robot: BenchRobot, device: str, baud: int, alone: bool = False) -> None:
        self._robot = robot
        super().__init__(device, baud, alone)

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        super().write(data)
        self._robot.take(len(data))

    def read(self, timeout_s: float = 0.0) -> bytes:
        """See ``Transport``."""
        clock = self._robot.clock
        end = clock.now() + timeout_s
        while not (data := self._robot.given(super().read)) and clock.now() < end:
            clock.sleep_until(min(end, clock.now() + MOMENT_S))
        return data

    def reopen(self) -> None:
        """See ``Transport``."""
        super().reopen()
        self._robot.open(True)

    def close(self) -> None:
        """See ``Transport``."""
        super().close()
        self._robot.open(False)


class Films:
    """A ``ObservingCamera`` that sees what the projected camera sees, and what a test does to it.

    Attributes:
        spoil: changes each frame. unplugged: True: the camera is gone.
        observations: (since, taken) s.
            registered: how many of them there had been when the face at rest was to be followed.
    """

    def __init__(self, robot: BenchRobot, seed: int = 0) -> None:
        self._robot, self._camera = robot, ProjectedCamera(seed=seed)
        self.bias = np.zeros((478, 3))
        self.spoil: Spoil = lambda frame: frame
        self.unplugged = self.closed = False
        self.observations: list[tuple[float, float]] = []
        self.registered = 0

    def capture(self, since: float, sure: bool = True) -> CapturedFrame:  # noqa: ARG002
        """A picture that is taken now, or as soon as ``since`` has come."""
        clock = self._robot.clock
        clock.sleep_until(max(clock.now() + 0.01, since))
        if self.unplugged:
            raise DeviceError("the camera /dev/video0 was unplugged or closed", "plug it in again")
        taken = clock.now()
        self.observations.append((since, taken))
        seen = self._robot.seen_by(self._camera.detect)
        if seen.landmarks is None:
            return NO_FACE
        head = self._robot.seen_by(lambda rig: rig.head_pose())
        frame = CapturedFrame(seen.landmarks - self.bias, head, 1, taken, 40.0, 120.0)
        return self.spoil(replace(frame))

    def settle(self, count: int) -> None:
        """Nothing to take off."""

    def register(self, count: int) -> None:  # noqa: ARG002
        """Remember after how many observations it was asked for."""
        self.registered = len(self.observations)

    def report(self) -> dict[str, float]:
        """Nothing to say."""
        return {}

    def close(self) -> None:
        """Let it go."""
        self.closed = True


class FilmCamera:
    """Where a ``TrackingCamera`` gets pictures from: each is drawn when it is asked for."""

    path, error, ended = Path("/dev/video0"), "", False

    def __init__(self, robot: BenchRobot, draw: Callable[[Rig], NDArray[np.uint8]]) -> None:
        self.robot, self._draw = robot, draw

    def after(self, t: float, timeout_s: float) -> Picture | None:
        """A picture that arrives later than ``t``."""
        clock = self.robot.clock
        if self.ended or t - clock.now() > timeout_s:
            return None
        clock.sleep_until(max(t, clock.now()) + MOMENT_S)
        return Picture(self.robot.seen_by(self._draw), clock.now())

    def close(self) -> None:
        """Nothing to let go."""
