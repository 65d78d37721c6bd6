import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.robot.live.jitter_buffer import FRAME_S, PATIENCE_S, STALE_S, CommandFrame, JitterBuffer


def frame(k: int, late: float = 0.05, begin: float = 0.0) -> CommandFrame:
    """Frame k, whose only command is k."""
    t = begin + k * FRAME_S
    return CommandFrame(t, np.array([float(k)]), np.full(52, k, np.float32), t + late)


def test_each_frame_is_shown_its_delay_after_its_sound() -> None:
    jitter_buffer = JitterBuffer(0.1)
    for k in range(4):
        jitter_buffer.push(frame(k))
    for k in range(4):
        shown = jitter_buffer.at(0.1 + k * FRAME_S)
        assert shown is not None
        assert shown.commands[0] == pytest.approx(k, abs=1e-6)


def test_between_two_frames_it_lies_between_them() -> None:
    jitter_buffer = JitterBuffer(0.1)
    jitter_buffer.push(frame(0))
    jitter_buffer.push(frame(1))
    shown = jitter_buffer.at(0.1 + 0.25 * FRAME_S)
    assert shown is not None
    assert shown.commands[0] == pytest.approx(0.25)
    assert shown.weights[0] == pytest.approx(0.25)


def test_a_frame_after_its_moment_is_dropped_not_played_late() -> None:
    jitter_buffer = JitterBuffer(0.1)
    jitter_buffer.push(frame(0))
    jitter_buffer.at(0.1 + 5 * FRAME_S)
    jitter_buffer.push(frame(2, late=0.13))
    assert (jitter_buffer.late, jitter_buffer.unseen) == (1, 0)
    jitter_buffer.push(frame(3, late=0.05))
    assert (jitter_buffer.late, jitter_buffer.unseen) == (1, 1)
    jitter_buffer.push(frame(5))
    shown = jitter_buffer.at(0.1 + 5 * FRAME_S)
    assert shown is not None
    assert shown.commands[0] == 5.0


def test_silence_of_the_network_is_noticed() -> None:
    jitter_buffer = JitterBuffer(0.1)
    jitter_buffer.push(frame(0))
    assert jitter_buffer.at(0.1 + STALE_S * 0.9) is not None
    assert jitter_buffer.at(0.1 + STALE_S * 1.1) is None
    assert jitter_buffer.starved == 1


def test_a_new_stream_replaces_what_waited() -> None:
    jitter_buffer = JitterBuffer(0.1)
    for k in range(5):
        jitter_buffer.push(frame(k))
    jitter_buffer.push(CommandFrame(2 * FRAME_S, np.array([99.0]), np.zeros(52, np.float32), 0.05))
    shown = jitter_buffer.at(0.1 + 2 * FRAME_S)
    assert shown is not None
    assert shown.commands[0] == pytest.approx(99.0)


def test_the_delay_is_fitted_once_to_what_is_needed_and_then_stays() -> None:
    jitter_buffer, rng = JitterBuffer(0.2, min_delay_s=0.05), np.random.default_rng(0)
    for k in range(1000):
        jitter_buffer.at(k * FRAME_S)
        jitter_buffer.push(frame(k, late=0.08 + rng.uniform(0, 0.005), begin=-0.08))
    assert (
        0.0825 < jitter_buffer.delay_s < 0.0845
    )  # half of them are there; for the others it waits
    assert jitter_buffer.refits == 0


def test_what_came_late_at_the_beginning_is_forgotten() -> None:
    jitter_buffer = JitterBuffer(0.2)
    for k in range(1000):
        jitter_buffer.push(frame(k, late=0.15 if k < 60 else 0.08))
    assert jitter_buffer.delay_s == pytest.approx(0.081, abs=1e-6)
    assert jitter_buffer.refits == 0


def test_a_few_slow_frames_are_waited_for_and_many_are_not() -> None:
    for late, delay in ((0.003, 0.081), (0.010, 0.091 - PATIENCE_S)):
        jitter_buffer = JitterBuffer(0.2)
        for k in range(1000):
            jitter_buffer.push(frame(k, late=0.08 + late * (k % 20 == 0)))
        assert jitter_buffer.delay_s == pytest.approx(delay, abs=2e-4)


def test_only_a_frame_that_is_on_its_way_is_awaited() -> None:
    jitter_buffer = JitterBuffer(0.1)
    assert not jitter_buffer.awaits(5.0)  # nobody has spoken yet
    jitter_buffer.push(frame(0))
    assert not jitter_buffer.awaits(0.1)
    assert jitter_buffer.awaits(0.1 + FRAME_S)
    jitter_buffer.push(frame(1))
    assert not jitter_buffer.awaits(0.1 + FRAME_S)
    assert not jitter_buffer.awaits(0.1 + FRAME_S + STALE_S)  # the network is gone


def test_a_slower_network_makes_the_delay_grow_by_and_by() -> None:
    jitter_buffer = JitterBuffer(0.2)
    for k in range(3000):
        jitter_buffer.push(frame(k, late=0.05 if k < 500 else 0.12))
    assert jitter_buffer.delay_s == pytest.approx(0.121, abs=1e-6)
    assert jitter_buffer.refits > 0


def test_a_delay_that_is_no_longer_needed_is_given_up() -> None:
    jitter_buffer = JitterBuffer(0.2, min_delay_s=0.04)
    for k in range(2000):
        jitter_buffer.push(frame(k, late=0.12 if k < 500 else 0.05))
    assert jitter_buffer.delay_s == pytest.approx(0.051, abs=1e-6)


def test_memory_is_bounded() -> None:
    jitter_buffer = JitterBuffer(0.1)
    for k in range(10_000):
        jitter_buffer.push(frame(k))
    assert jitter_buffer.queued <= 64


@given(st.floats(0, 100), st.integers(0, 30))
def test_the_phase_leads_to_a_frame(now: float, count: int) -> None:
    jitter_buffer = JitterBuffer(0.1)
    for k in range(count + 1):
        jitter_buffer.push(frame(k))
    behind = jitter_buffer.phase(now)
    assert abs(behind) <= FRAME_S / 2 + 1e-9
    frames = (now - behind - jitter_buffer.delay_s) / FRAME_S
    assert frames == pytest.approx(round(frames), abs=1e-6)
