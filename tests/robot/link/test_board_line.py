"""A line with noise, losses and disorder, and a clock that drifts and wraps."""

import numpy as np
import pytest

from mien.robot.link.board import LEAD_S
from mien.robot.wire import State
from tests.bench.firmware.line import Line
from tests.bench.firmware.noise import flips
from tests.robot.link.driven import NEUTRAL, armed, play, wave


@pytest.mark.parametrize("drift", [-200e-6, 0.0, 200e-6])
@pytest.mark.parametrize("offset", [0, 2**32 - 10_000_000])
def test_a_drifting_clock_starves_nothing_in_a_minute(drift: float, offset: int) -> None:
    line = Line(drift=drift, offset_us=offset, seed=3)
    line.latency = lambda: line.rng.uniform(0.0003, 0.004)
    board = armed(line)
    before = board.read()
    play(board, line, 60.0, wave)
    after = board.read()
    assert before is not None and after is not None
    assert after.late == after.refused == after.starved - before.starved == after.rx_lost == 0
    assert board.clock.drift_ppm == pytest.approx(drift * 1e6, abs=100)
    board.send(line.now(), NEUTRAL)
    wanted = line.board_us + LEAD_S * 1e6
    line.advance(0.01)
    assert abs(line.core.newest_setpoint()[0] - wanted % 2**32) < 2000  # us, trips of up to 8 ms
    assert line.core.violations == 0


@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2])
def test_noise_on_the_line_both_commands_and_setpoints(rate: float) -> None:
    line = Line(seed=11)
    line.damage = lambda data: flips(data, line.rng, rate)
    board = armed(line)
    play(board, line, 20.0, wave)
    assert line.core.violations == 0
    assert line.core.state == State.ARMED
    np.testing.assert_allclose(board.outputs(), wave(line.now() - LEAD_S), atol=60)


@pytest.mark.parametrize("kind", ["doubled", "reordered", "cut"])
def test_frames_doubled_reordered_or_cut(kind: str) -> None:
    line = Line(seed=12)
    kept: list[bytes] = []

    def damage(data: bytes) -> bytes:
        if line.rng.random() > 0.05:
            return data
        if kind == "doubled":
            return data + data
        if kind == "cut":
            return data[: line.rng.randrange(len(data))]
        kept.append(data)  # comes after the next one
        return b""

    def reorder(data: bytes) -> bytes:
        out = damage(data)
        return out + kept.pop() if out and kept else out

    board = armed(line)
    line.damage = reorder if kind == "reordered" else damage
    play(board, line, 20.0, wave)
    assert line.core.violations == 0
    assert line.core.state == State.ARMED
    seen = board.read()
    assert seen is not None
    assert (seen.refused > 0) == (kind == "reordered")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_three_hours_over_two_wraps_of_the_boards_clock() -> None:
    line = Line(drift=120e-6, offset_us=2**31, seed=8)
    line.latency = lambda: line.rng.uniform(0.0003, 0.003)
    board = armed(line)
    for _ in range(180):
        before = board.read()
        play(board, line, 60.0, wave)
        after = board.read()
        assert before is not None and after is not None
        for counter in ("late", "refused", "rx_bad", "rx_lost", "overruns", "tx_dropped"):
            assert getattr(after, counter) == getattr(before, counter), counter
    assert board.counters.reconnects == 0
    assert line.core.violations == 0
