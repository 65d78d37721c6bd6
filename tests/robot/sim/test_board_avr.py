"""The rig behind the emulated ATmega2560: the same seam, the same face."""

from __future__ import annotations

import numpy as np
import pytest

from mien.firmware.emulator.board import EmulatedAvr, flat_outputs
from mien.firmware.tools.cache import BuildError
from mien.robot.control.loop import RATE_HZ
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.link.board import Board
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from tests.lacking import skip
from tests.robot.sim.rigs import commands

FACE = load_face("hobby9")


@pytest.mark.avr
def test_an_emulated_board_moves_the_same_face_to_the_same_place() -> None:
    channels = [(a.board, a.channel) for a in FACE.actuators.values()]
    try:
        avr = EmulatedAvr(flat_outputs(channels), FACE.boards)
    except BuildError as e:
        skip(e)
    reached = []
    for line in (SimBoard(Rig(FACE), avr, has_uart=True), SimBoard(Rig(FACE))):
        board = Board(FACE, line, line.now)
        board.connect()
        board.arm()
        pulses = to_pulses(FACE, commands(FACE, jaw_open=0.7, brow=0.5))
        start = line.now()
        for k in range(round(1.5 * RATE_HZ)):
            board.send(start + k / RATE_HZ, pulses)
            board.read()
            line.sleep_until(start + (k + 1) / RATE_HZ)
        assert line.powered.all()
        assert np.abs(line.pulses_us - pulses).max() < 5.0  # a count of the PCA9685 is 4.88 us
        reached.append(line.rig.landmarks())
    assert np.abs(reached[0] - reached[1]).max() < 1.0  # mm
