"""The board's clock from pings: drift, wrap, and replies that come late."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot.link.clock import BoardClock

WRAP = 2**32


def fed(
    drift: float, offset: int, seconds: float, rng: Random, up: float = 0.0, down: float = 0.0
) -> BoardClock:
    """Pings every 0.5 s with trips of 1 ms, and up to ``up`` and ``down`` seconds more."""
    clock = BoardClock()
    for k in range(round(seconds * 2)):
        sent = k / 2
        stamped = sent + 0.0005 + rng.uniform(0, up)
        received = stamped + 0.0005 + rng.uniform(0, down)
        clock.add(sent, received, round(offset + stamped * 1e6 * (1 + drift)) % WRAP)
    return clock


@settings(deadline=None)
@given(st.floats(-200e-6, 200e-6), st.integers(0, WRAP - 1), st.randoms(use_true_random=False))
def test_drift_and_offset_across_the_wrap(drift: float, offset: int, rng: Random) -> None:
    clock = fed(drift, offset, 60.0, rng)
    assert clock.drift_ppm == pytest.approx(drift * 1e6, abs=1)
    wanted = (offset + 61.0 * 1e6 * (1 + drift)) % WRAP
    error = (clock.to_board(61.0) - wanted + WRAP / 2) % WRAP - WRAP / 2
    assert abs(error) < 5


@pytest.mark.parametrize("seed", range(5))
def test_replies_that_the_loop_reads_late_move_nothing(seed: int) -> None:
    clock = fed(100e-6, 0, 60.0, Random(seed), down=0.02)
    wanted = 61.0 * 1e6 * (1 + 100e-6)
    assert abs(clock.to_board(61.0) - wanted) < 500  # us; half of what the luckiest reply waited


@pytest.mark.parametrize("seed", range(5))
def test_pings_that_a_bridge_holds_back_move_it_by_less_than_they_wait(seed: int) -> None:
    clock = fed(0.0, 0, 60.0, Random(seed), up=0.004)
    error = clock.to_board(61.0) - 61.0e6
    assert 0 < error < 2500  # late by the mean of the better half, never early


def test_one_ping_is_enough_to_start_and_none_is_not() -> None:
    clock = BoardClock()
    assert not clock.known
    clock.add(10.0, 10.001, 5000)
    assert clock.known
    assert clock.to_board(10.0005) == 5000
    assert clock.to_board(11.0005) == 1_005_000


def test_reset_forgets() -> None:
    clock = fed(1e-4, 0, 60.0, Random(0))
    clock.reset()
    assert not clock.known and clock.drift_ppm == 0.0
    clock.add(100.0, 100.001, 77)
    assert clock.to_board(100.0005) == 77


def test_nonsense_cannot_bend_the_clock_far() -> None:
    clock = BoardClock()
    for k in range(20):
        clock.add(float(k), k + 0.001, k * 500_000)
    assert clock.drift_ppm == pytest.approx(-6000)


def test_a_resonator_that_runs_off_is_followed_from_the_first_second_on() -> None:
    clock, drift = BoardClock(), 3000e-6
    times = [*(k * 0.001 for k in range(8)), *(0.5 * k for k in range(1, 20))]  # a handshake first
    for k, sent in enumerate(times):
        wait = 0.0 if k < 8 else 0.001  # the loop comes a little later to its answers
        clock.add(sent, sent + 0.001 + wait, round((sent + 0.0005) * 1e6 * (1 + drift)))
        for t in (sent + 0.1, sent + 0.5):
            error_ms = 1e-3 * (clock.to_board(t) - t * 1e6 * (1 + drift))
            assert abs(error_ms) < 3.5, t
    assert clock.drift_ppm == pytest.approx(3000, abs=1)
