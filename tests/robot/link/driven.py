"""A board over a simulated line, driven as the loop drives it."""

from collections.abc import Callable

import numpy as np

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import Floats, load_face
from mien.robot.link.board import Board
from tests.bench.firmware.line import Line

FACE = load_face("hobby9")
NEUTRAL = to_pulses(FACE, np.zeros(len(FACE.names)))


def connected(line: Line) -> Board:
    board = Board(FACE, line, line.now)
    board.connect()
    return board


def armed(line: Line) -> Board:
    board = connected(line)
    board.arm()
    play(board, line, 1.0)
    return board


def play(
    board: Board, line: Line, seconds: float, pulses: Callable[[float], Floats] | None = None
) -> list[Floats]:
    """The loop at 50 Hz. Returns what was really sent."""
    start, sent = line.now(), []
    for k in range(round(seconds * 50)):
        t = start + k / 50
        line.advance(max(0.0, t - line.now()))
        sent.append(board.send(t, NEUTRAL if pulses is None else pulses(t)))
        board.read()
    line.advance(0.02)
    return sent


def wave(t: float) -> Floats:
    commands = np.full(len(FACE.names), 0.4 * np.sin(2 * np.pi * 0.5 * t))
    return to_pulses(FACE, np.clip(commands, *FACE.limits.T))
