"""The simulated board: real bytes, real firmware core, one clock."""

from __future__ import annotations

import numpy as np
import pytest

from mien.firmware.host import HostCore
from mien.robot.control.loop import RATE_HZ
from mien.robot.errors import DeviceError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.link.board import Board
from mien.robot.sim.faults import parse_faults
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from tests.robot.sim.rigs import F64, commands

FACE = load_face("hobby9")
N = len(FACE.names)


def _line(*faults: str) -> tuple[SimBoard, Board]:
    line = SimBoard(Rig(FACE, faults=parse_faults(list(faults), FACE)))
    return line, Board(FACE, line, line.now)


def _play(line: SimBoard, board: Board, pose: F64, seconds: float) -> None:
    start = line.now()
    for k in range(round(seconds * RATE_HZ)):
        board.send(start + k / RATE_HZ, to_pulses(FACE, pose))
        board.read()
        line.sleep_until(start + (k + 1) / RATE_HZ)


def test_nothing_moves_before_arm() -> None:
    line, board = _line()
    before = line.rig.landmarks()
    line.advance(0.2)
    board.connect()
    line.advance(0.5)
    assert not line.powered.any()
    assert not line.rig.loads().any()
    assert np.abs(line.rig.landmarks() - before).max() < 1.0  # unpowered, it only sags


def test_a_pose_goes_through_the_firmware_to_the_skin() -> None:
    line, board = _line()
    board.connect()
    board.arm()
    line.advance(1.0)
    closed = line.rig.landmarks()
    _play(line, board, commands(FACE, jaw_open=0.8), 1.5)
    assert line.powered.all()
    want = to_pulses(FACE, commands(FACE, jaw_open=0.8))
    assert np.abs(line.pulses_us - want).max() <= 0.25
    assert closed[152, 1] - line.rig.landmarks()[152, 1] > 5.0  # the chin, mm


def test_silence_ends_in_the_safe_pose() -> None:
    line, board = _line()
    board.connect()
    board.arm()
    _play(line, board, commands(FACE, jaw_open=1.0), 1.0)
    line.advance(3.0)
    assert np.abs(line.pulses_us - to_pulses(FACE, FACE.safe)).max() <= 0.25


def test_estop_cuts_the_power() -> None:
    line, board = _line()
    board.connect()
    board.arm()
    _play(line, board, commands(FACE, jaw_open=1.0), 1.0)
    assert line.powered.all()
    board.estop()
    line.advance(0.1)
    assert not line.powered.any()
    assert not line.rig.loads().any()


def test_the_same_bytes_give_the_same_motion_bit_for_bit() -> None:
    def run() -> F64:
        line, board = _line()
        board.connect()
        board.arm()
        _play(line, board, commands(FACE, jaw_open=0.5, brow=-1.0), 0.4)
        return line.rig.landmarks()

    assert np.array_equal(run(), run())


def test_bytes_take_their_time_on_the_line() -> None:
    line, _ = _line()
    got: list[tuple[float, bytes]] = []

    class Listener(HostCore):
        def receive(self, data: bytes, now_us: int | None = None) -> None:
            got.append((line.now(), data))
            super().receive(data, now_us)

    line.core = Listener()
    line.write(bytes(500))  # 5000 bits at 500 000 baud
    line.advance(0.008)
    assert not got
    line.advance(0.004)
    assert [len(data) for _, data in got] == [500]


def test_a_waiting_read_lets_time_pass_and_stops_at_its_limit() -> None:
    line, _ = _line()
    before = line.now()
    assert line.read(0.05) == b""
    assert line.now() - before == pytest.approx(0.05)


def test_rig_and_board_share_a_clock() -> None:
    line, _ = _line()
    line.advance(0.123)
    assert line.rig.time == pytest.approx(line.now(), abs=line.rig.dt)


def test_a_line_that_loses_bytes_still_moves_the_face() -> None:
    line, board = _line("bytes_lost:0.002", "bytes_flipped:0.002")
    for _ in range(20):
        try:
            board.connect()
            board.arm()
            break
        except DeviceError:
            line.advance(0.1)
    _play(line, board, commands(FACE, jaw_open=0.8), 2.0)
    assert line.powered.all()
    want = to_pulses(FACE, commands(FACE, jaw_open=0.8))
    assert np.abs(line.pulses_us - want).max() < 5.0


def test_watch_sees_every_step() -> None:
    seen: list[float] = []
    line = SimBoard(Rig(FACE), watch=lambda rig: seen.append(rig.time))
    line.advance(0.02)
    assert seen == pytest.approx([0.002 * k for k in range(1, 11)])
