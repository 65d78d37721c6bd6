"""What is measured of core and link together: a Board, a line with latency, a host that is late."""

from __future__ import annotations

from random import Random

import numpy as np

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.link.board import Board
from tests.bench.firmware.line import Line
from tests.bench.firmware.measure import best_delay_rms

FACE = load_face("morpheus33")
SWUNG = FACE.index("gaze_x")
AMPLITUDE_US, HERTZ = 360.0, 0.8


def setpoint_rms_us(
    jitter_s: float = 0.010, seconds: float = 20.0, rate_hz: int = 50, seed: int = 5
) -> float:
    """RMS error in us of a sine that is sent with jitter, after the best constant delay.

    The host means to send at ``rate_hz`` and is up to ``jitter_s`` late each time; the line adds
    0.3 to 1.5 ms each way; the board's clock is 100 ppm fast. Pulses are sampled every 2 ms.
    """
    rng = Random(seed)
    line = Line(seed, drift=100e-6, offset_us=2**32 - 8_000_000)
    line.latency = lambda: rng.uniform(0.0003, 0.0015)
    board = Board(FACE, line, line.now)
    board.connect()
    board.arm()
    neutral = to_pulses(FACE, np.zeros(len(FACE.names)))
    times: list[float] = []
    pulses: list[float] = []

    def sample() -> None:
        ms = round(line.now_s * 1000)
        if ms % 2 == 0 and line.now_s > start + 2.0:  # clock, homing and soft start are over
            times.append(line.now_s)
            pulses.append(float(line.core.outputs()[0][SWUNG]) / 4 - neutral[SWUNG])

    start = line.now_s
    line.on_tick = sample
    for k in range(round(seconds * rate_hz)):
        nominal = start + k / rate_hz
        line.advance(max(0.0, nominal + rng.uniform(0.0, jitter_s) - line.now_s))
        wanted = neutral.copy()
        wanted[SWUNG] += AMPLITUDE_US * np.sin(2 * np.pi * HERTZ * nominal)
        board.send(nominal, wanted)
        board.read()
    return best_delay_rms(np.array(times), np.array(pulses), AMPLITUDE_US, HERTZ)[0]


def frames_lost(seconds: float = 60.0, rate_hz: int = 100) -> int:
    """Setpoints of 33 channels that were sent and not accepted, or missed in the numbering."""
    line = Line(6, drift=-50e-6)
    line.latency = lambda: line.rng.uniform(0.0003, 0.0015)
    board = Board(FACE, line, line.now)
    board.connect()
    board.arm()
    pose = to_pulses(FACE, FACE.safe)
    start, count = line.now_s, round(seconds * rate_hz)
    for k in range(count):
        line.advance(max(0.0, start + k / rate_hz - line.now_s))
        board.send(line.now_s, pose)
        board.read()
    line.advance(0.2)
    seen = board.read()
    assert seen is not None
    return (count - seen.setpoints) % 2**16 + seen.rx_lost + seen.refused
