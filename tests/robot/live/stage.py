"""A live face in lock-step: the real firmware core on a clock that only the loop moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mien.firmware.host import HostCore
from mien.robot.control.loop import Tick
from mien.robot.errors import DeviceError, MienError
from mien.robot.face.config import load_face
from mien.robot.link.board import Board
from mien.robot.link.transport import CoreTransport
from mien.robot.live.face import LiveFace
from mien.robot.live.jitter_buffer import FRAME_S, CommandFrame
from mien.robot.wire import State

FACE = load_face("hobby9")
JAW = FACE.index("jaw_open")


class StillClock:
    """Time that passes only when somebody waits for it."""

    def __init__(self, start: float = 100.0) -> None:
        self.t = start

    def now(self) -> float:
        return self.t

    def sleep(self, seconds: float) -> None:
        self.t += seconds

    def sleep_until(self, t: float) -> None:
        self.t = max(self.t, t)


class Line(CoreTransport):
    """A line that can be cut, with a board whose outputs are watched at every step."""

    def __init__(self, core: HostCore, clock: StillClock) -> None:
        self.cut = self.gone = False
        self.core, self.driven = core, []  # type: ignore[var-annotated]
        super().__init__(core, clock.now, clock.sleep)

    def write(self, data: bytes) -> None:
        self._check()
        super().write(data)

    def read(self, timeout_s: float = 0.0) -> bytes:
        self._check()
        return super().read(timeout_s)

    def reopen(self) -> None:
        self.gone = False
        self._check()

    def catch_up(self) -> None:
        super().catch_up()
        pulses, powered = self.core.outputs()
        if powered.any():
            self.driven.append((self._now(), pulses / 4.0))

    def _check(self) -> None:
        self.gone = self.gone or self.cut
        if self.gone:
            raise DeviceError("the cable is out, or was and nobody opened the port again")


@dataclass
class Script:
    """A voice that says what a function of time tells it, with a network's delay."""

    clock: StillClock
    opening: Callable[[float], float] = lambda _: 0.0
    speaks: Callable[[float], bool] = lambda _: True
    alive: Callable[[float], bool] = lambda _: True
    slow: Callable[[int], float] = lambda _: 0.0
    lookahead_s: float = 0.05
    monitored: bool = False
    ended: bool = False
    emotions: list[dict[str, float]] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    delay: float = 0.0
    _next: float | None = None
    _count: int = 0

    def poll(self, now: float) -> list[CommandFrame]:
        if not self.alive(now):
            raise MienError("the voice process died")
        self._next = now if self._next is None else self._next
        out = []
        while (made := self._made()) <= now:
            t = self._next
            pose = np.zeros(len(FACE.names))
            pose[JAW] = self.opening(t)
            gate = float(self.speaks(t))
            out.append(CommandFrame(t, pose, np.zeros(52, np.float32), made, -30.0, gate))
            self._next += FRAME_S
            self._count += 1
        return out

    def _made(self) -> float:
        """When the next frame is there, s."""
        if self._next is None:
            return np.inf
        return self._next + self.lookahead_s + 0.005 + self.slow(self._count)

    def wait(self, seconds: float) -> None:
        """Until the next frame is made, which is all that can happen here."""
        self.clock.sleep(min(seconds, max(self._made() - self.clock.now(), 1e-6)))

    def set_emotion(self, intensities: dict[str, float]) -> None:
        self.emotions.append(intensities)

    def set_gaze(self, yaw: float, pitch: float) -> None: ...

    def set_style(self, name: str) -> None:
        self.styles.append(name)

    def delay_sound(self, seconds: float) -> None:
        self.delay = seconds


@dataclass
class Stage:
    """Everything around one live face."""

    clock: StillClock = field(default_factory=StillClock)
    core: HostCore = field(default_factory=HostCore)

    def __post_init__(self) -> None:
        self.line = Line(self.core, self.clock)
        self.board = Board(FACE, self.line, self.clock.now, lead_s=0.025)
        self.board.connect()
        self.voice = Script(self.clock)
        self.ticks: list[Tick] = []

    def face(self, seconds: float | None = None, **more: object) -> LiveFace:
        """A live face on this stage that is asked to stop after so many seconds."""
        end = np.inf if seconds is None else self.clock.now() + seconds
        more.setdefault("stop", lambda: self.clock.now() > end)
        more.setdefault("watch", self.ticks.append)
        return LiveFace(FACE, self.board, self.clock, self.voice, **more)  # type: ignore[arg-type]

    @property
    def state(self) -> State:
        """Of the board, without asking it."""
        return State(self.core.state)

    def assert_at_rest(self) -> None:
        """Disarmed, nothing driven, and the last pulses driven were those of the safe pose."""
        from mien.robot.face.actuators import to_pulses

        assert self.state == State.DISARMED
        assert not self.core.outputs()[1].any()
        np.testing.assert_allclose(self.line.driven[-1][1], to_pulses(FACE, FACE.safe), atol=0.5)

    def assert_gentle(self) -> None:
        """No pulse ever moved faster than its actuator's speed limit, to a quarter microsecond."""
        times = np.array([t for t, _ in self.line.driven])
        pulses = np.stack([p for _, p in self.line.driven])
        span = np.diff(FACE.pulses, axis=1).max(axis=1)
        room = FACE.speed * span * (np.diff(times)[:, None] + 0.005) + 0.5
        assert (np.abs(np.diff(pulses, axis=0)) <= room).all()
