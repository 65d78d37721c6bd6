"""Faults of every kind, at random and on top of each other; then quiet, and the face is back."""

from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from mien.robot.errors import DeviceError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.link.board import LEAD_S, Board
from mien.robot.link.protocol import encode
from mien.robot.wire import Msg, State
from tests.bench.firmware.line import Line
from tests.bench.firmware.noise import damaged, flips

FACE = load_face("hobby9")
OTHER = encode(Msg.SETPOINT, 0, bytes(30))


def unplug(line: Line, _: Random) -> Callable[[], None]:
    line.unplugged = True
    return lambda: setattr(line, "unplugged", False)


def deafen(line: Line, _: Random) -> Callable[[], None]:
    line.deaf = True
    return lambda: setattr(line, "deaf", False)


def reset(line: Line, _: Random) -> Callable[[], None]:
    line.reset_board()
    return lambda: None


def stall(line: Line, rng: Random) -> Callable[[], None]:
    line.advance(rng.uniform(0.05, 1.5))
    return lambda: None


def lose_board(line: Line, _: Random) -> Callable[[], None]:
    core = line.core
    core.set_servo_board(0, False)
    return lambda: core.set_servo_board(0, True)


def noise(line: Line, rng: Random) -> Callable[[], None]:
    rate = rng.choice([1e-4, 1e-3, 1e-2])
    line.damage = lambda data: flips(data, rng, rate)
    return lambda: setattr(line, "damage", lambda data: data)


def ruin(line: Line, rng: Random) -> Callable[[], None]:
    line.damage = lambda data: damaged(data, OTHER, rng) if rng.random() < 0.3 else data
    return lambda: setattr(line, "damage", lambda data: data)


def lag(line: Line, rng: Random) -> Callable[[], None]:
    line.latency = lambda: rng.uniform(0.0, 0.05)
    return lambda: setattr(line, "latency", lambda: 0.0)


FAULTS = (unplug, deafen, reset, stall, lose_board, noise, ruin, lag)


def chaos(seed: int, faults: int) -> None:
    rng = Random(seed)
    line = Line(seed, drift=rng.uniform(-200e-6, 200e-6), offset_us=rng.randrange(2**32))
    board = Board(FACE, line, line.now)
    board.connect()
    board.arm()

    def step() -> None:
        t = line.now()
        commands = np.full(len(FACE.names), 0.3 * np.sin(2 * np.pi * 0.5 * t))
        board.send(t, to_pulses(FACE, np.clip(commands, *FACE.limits.T)))
        board.read()
        line.advance(0.02)

    def play(seconds: float) -> None:
        end = line.now() + seconds
        while line.now() < end:
            step()
            assert line.core.violations == 0, line.core.first_violation

    play(1.0)
    for _ in range(faults):
        lifts = [rng.choice(FAULTS)(line, rng) for _ in range(rng.randrange(1, 4))]
        play(rng.uniform(0.1, 3.0))
        for lift in lifts:
            lift()
        line.core.set_servo_board(0, True)  # a core that was reset meanwhile has its boards anyway
        play(rng.uniform(0.5, 5.0))
    play(5.0)
    assert line.core.state == State.ARMED
    seen = board.outputs()
    commands = np.full(len(FACE.names), 0.3 * np.sin(2 * np.pi * 0.5 * (line.now() - LEAD_S)))
    wanted = to_pulses(FACE, np.clip(commands, *FACE.limits.T))
    np.testing.assert_allclose(seen, wanted, atol=25)


@pytest.mark.parametrize("seed", range(8))
def test_after_chaos_the_face_is_back_and_no_guarantee_was_broken(seed: int) -> None:
    chaos(seed, faults=8)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_night_of_chaos(seed: int) -> None:
    chaos(seed, faults=100)


def test_an_estop_in_the_middle_of_it_holds() -> None:
    for seed in range(20):
        rng = Random(seed)
        line = Line(seed)
        board = Board(FACE, line, line.now)
        board.connect()
        board.arm()
        noise(line, rng)
        line.core.press_button()
        with pytest.raises(DeviceError, match="ESTOP"):
            for _ in range(200):
                board.send(line.now(), to_pulses(FACE, FACE.safe))
                board.read()
                line.advance(0.02)
        assert not line.core.drive
