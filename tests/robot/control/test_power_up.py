"""Nobody is told to move before the last servo has started, on the rig, in lock-step.

The board starts the servos one group after the other and homes meanwhile. What the limiter
remembers must be where the face is, or a servo that starts late runs to a pose that has moved on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from mien.robot.control.loop import Loop, Tick
from mien.robot.errors import DeviceError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats, load_face
from mien.robot.link.board import Board
from mien.robot.sim.sim_board import SimBoard


class Still:
    """A rig without physics: it costs nothing, and the board in front of it is the real one."""

    def __init__(self, face: FaceConfig) -> None:
        self.face, self.dt, self.faults = face, 0.005, ()
        self.build = type("Build", (), {"seed": 0})
        self.stepped: list[tuple[Floats, Floats]] = []

    def step(self, pulses: Floats, powered: Floats) -> None:
        self.stepped.append((pulses.copy(), powered.copy()))


class Line(SimBoard):
    """The rig's line, whose cable can be pulled."""

    cut = False

    def write(self, data: bytes) -> None:
        if self.cut:
            raise DeviceError("unplugged", "plug it in")
        super().write(data)

    def reopen(self) -> None:
        if self.cut:
            raise DeviceError("unplugged", "plug it in")


@dataclass
class Run:
    """A face on its board, and every tick with whether all servos were driven at its end."""

    face: FaceConfig
    ticks: list[tuple[float, Tick, bool, Floats]] = field(default_factory=list)
    watch: Callable[[float], None] = lambda _: None

    def __post_init__(self) -> None:
        self.line = Line(Still(self.face))  # type: ignore[arg-type]
        self.board = Board(self.face, self.line, self.line.now)
        self.board.connect()
        self.loop = Loop(self.face, self.board, self.line, self.observe)

    def observe(self, tick: Tick) -> None:
        now = self.line.now()
        self.ticks.append((now, tick, bool(self.line.powered.all()), self.line.pulses_us.copy()))
        self.watch(now)

    def assert_nobody_was_late(self) -> None:
        """Away from the safe pose only with all servos driven, gently, and the face was there."""
        safe = self.face.safe
        times = np.array([t for t, *_ in self.ticks])
        sent = np.stack([to_pulses(self.face, tick.sent) for _, tick, *_ in self.ticks])
        most = np.abs(np.diff(self.face.pulses, axis=1)).max(axis=1) * self.face.speed
        for t, tick, driven, pulses in self.ticks:
            away = np.abs(tick.sent - safe).max() > 1e-9
            assert driven or not away, f"at {t:.2f} s"
            if away:  # the board is where it was told to be one lead ago, within two ticks' way
                told = sent[np.searchsorted(times, t - self.board.lead_s) - 1]
                assert (np.abs(pulses - told) <= most * 2.5 / 60 + 2.0).all(), f"at {t:.2f} s"


def pose(face: FaceConfig) -> Floats:
    """Where every interlock holds and every actuator is away from its safe pose."""
    return np.asarray(np.clip(face.safe + 0.3, *face.limits.T))


@pytest.fixture(params=["hobby9", "morpheus33"])
def run(request: pytest.FixtureRequest) -> Run:
    return Run(load_face(request.param))


def test_the_first_ramp_is_a_ramp_and_begins_after_the_last_start(run: Run) -> None:
    run.loop.play(lambda _: pose(run.face), 0.3)
    run.assert_nobody_was_late()
    on_the_way = [tick for _, tick, *_ in run.ticks if tick.t < 0]
    assert not any(tick.slowed.any() for tick in on_the_way)
    np.testing.assert_allclose(on_the_way[-1].sent, pose(run.face), atol=0.01)


def test_a_second_run_begins_where_the_board_homes_and_not_where_the_first_broke_off(
    run: Run,
) -> None:
    def pulled(now: float) -> None:
        run.line.cut = now > 3.0

    run.watch = pulled
    with pytest.raises(DeviceError, match="away"):
        run.loop.play(lambda _: pose(run.face), 30.0)
    run.watch, run.line.cut, run.ticks[:] = lambda _: None, False, []
    run.board.connect()
    run.loop.play(lambda _: pose(run.face), 0.3)
    run.assert_nobody_was_late()


@pytest.mark.parametrize("away_s", [0.3, 1.5])
def test_a_link_that_comes_back_finds_the_face_at_its_safe_pose(run: Run, away_s: float) -> None:
    def pulled(now: float) -> None:
        run.line.cut = 3.0 < now < 3.0 + away_s

    run.watch = pulled
    run.loop.play(lambda _: pose(run.face), 9.0)
    assert run.board.counters.reconnects == 1
    run.assert_nobody_was_late()
    back = [tick.sent for t, tick, *_ in run.ticks if t > 3.0 and tick.t < 9.0]
    np.testing.assert_allclose(back[-10], pose(run.face), atol=1e-6)
    assert min(np.abs(sent - run.face.safe).max() for sent in back) == 0.0
