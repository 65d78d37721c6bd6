"""A robot as it stands on a bench: a serial port to open, and a camera that films it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.calibration.capture.frame_filter import NO_FACE, CapturedFrame
from mien.robot.errors import DeviceError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.link.protocol import encode
from mien.robot.media.webcam import Picture
from mien.robot.sim.camera import ProjectedCamera
from mien.robot.sim.realtime import LiveRig
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from mien.robot.wire import Msg, State
from tests.robot.boards import state_of

Spoil = Callable[[CapturedFrame], CapturedFrame]
T = TypeVar("T")


class BenchRobot:
    """The rig behind its firmware behind a pty, alive on the machine's clock.

    Attributes:
        path: of the serial port.
        mute: True pulls the cable's wires: bytes are lost both ways.
        driven: pulses (n,) us of the last moment at which all servos were driven.
    """

    def __init__(self, face: FaceConfig, build: int = 0) -> None:
        self.face, self.mute = face, False
        self.driven: Floats | None = None
        self.sim = SimBoard(Rig(face, build))
        self._live = LiveRig(self.sim)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    @property
    def state(self) -> State:
        """Of the board."""
        return state_of(self.sim)

    def seen_by(self, camera: Callable[[Rig], T]) -> T:
        """What a camera makes of the rig as it is now."""
        with self._lock:
            return camera(self.sim.rig)

    def press_estop(self) -> None:
        """Stop the robot as its button does: the host has not asked for it."""
        with self._lock:
            self._live.write(encode(Msg.ESTOP, 0, b""))

    def assert_at_rest(self) -> None:
        """Nothing is driven, and what was driven last was the safe pose."""
        deadline = time.monotonic() + 5
        while self.sim.powered.any() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not self.sim.powered.any()
        assert self.driven is not None
        np.testing.assert_allclose(self.driven, to_pulses(self.face, self.face.safe), atol=0.5)

    def _serve(self) -> None:
        while not self._stop.wait(0.002):
            with self._lock:
                data = b""
                with suppress(BlockingIOError):
                    data = os.read(self._master, 4096)
                self._live.write(b"" if self.mute else data)
                answer = self._live.read()
                if self.sim.powered.all():
                    self.driven = self.sim.pulses_us.copy()
            if answer and not self.mute:
                with suppress(BlockingIOError):  # nobody reads: a bridge would drop it, too
                    os.write(self._master, answer)


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
        time.sleep(max(0.01, since - time.monotonic()))
        if self.unplugged:
            raise DeviceError("the camera /dev/video0 was unplugged or closed", "plug it in again")
        taken = time.monotonic()
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
        wait = t - time.monotonic()
        if self.ended or wait > timeout_s:
            return None
        time.sleep(max(0.0, wait) + 0.001)
        return Picture(self.robot.seen_by(self._draw), time.monotonic())

    def close(self) -> None:
        """Nothing to let go."""
