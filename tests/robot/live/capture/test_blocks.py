import io
import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.robot.live.capture.audio_clock import AudioClock
from mien.robot.live.capture.block import BLOCK_S, Block, Inbox, mono
from mien.robot.live.capture.recorded import Pcm, Recorded, blocks
from mien.robot.live.capture.resample import Resampler
from mien.robot.media.audio import RATE


def block(t: float, count: int = 160) -> Block:
    return Block(t, np.zeros(count, np.float32))


def test_a_full_inbox_drops_the_oldest_and_counts() -> None:
    inbox = Inbox(depth=3)
    for k in range(5):
        inbox.put(block(float(k)))
    assert [b.t for b in inbox.take()] == [2.0, 3.0, 4.0]
    assert inbox.dropped == 2
    assert inbox.take() == []


def test_taking_wakes_when_a_block_comes() -> None:
    inbox = Inbox()
    timer = threading.Timer(0.02, inbox.put, [block(1.0)])
    timer.start()
    assert [b.t for b in inbox.take(timeout_s=30.0)] == [1.0]
    timer.join()


def test_the_end_wakes_whoever_waits() -> None:
    inbox = Inbox()
    timer = threading.Timer(0.02, inbox.end)
    timer.start()
    assert inbox.take(timeout_s=30.0) == []
    assert inbox.ended
    timer.join()


def test_mono_is_finite_and_bounded() -> None:
    wild = np.array([[np.nan, 0.0], [np.inf, 1.0], [100.0, 100.0], [0.5, 0.1]])
    np.testing.assert_allclose(mono(wild), [0.0, 0.0, 8.0, 0.3], rtol=1e-6)


@given(st.integers(8000, 96000), st.lists(st.integers(1, 3000), min_size=1, max_size=20))
def test_times_of_resampled_blocks_join_without_a_seam(rate: int, sizes: list[int]) -> None:
    resample, t, end = Resampler(rate), 5.0, None
    for size in sizes:
        out = resample(t, np.zeros(size, np.float32))
        t += size / rate
        if end is not None:
            assert out.t == pytest.approx(end, abs=1e-6)
        end = out.end
        assert out.end <= t + 1e-6  # never ahead of what was heard


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_a_click_keeps_its_time_through_the_resampler(rate: int) -> None:
    sound = np.zeros(rate, np.float32)
    sound[rate // 2 : rate // 2 + rate // 1000] = 1.0
    resample, size = Resampler(rate), rate // 100
    out = [resample(3.0 + k / rate, sound[k : k + size]) for k in range(0, rate, size)]
    samples = np.concatenate([b.samples for b in out])
    first = next(b for b in out if len(b.samples))
    clicked = first.t + np.average(np.arange(len(samples)), weights=samples**2) / RATE
    assert clicked == pytest.approx(3.5005, abs=0.0005)


def test_audio_time_follows_a_slow_quartz() -> None:
    clock, quartz = AudioClock(), 1.0 + 200e-6  # the card's second is 0.2 ms too long
    rng = np.random.default_rng(0)
    for k in range(6000):
        clock.admit(block(10.0 + k * 0.01 * quartz + rng.normal(0, 0.002)))
    true = 10.0 + 6000 * 0.01 * quartz
    assert clock.time(clock.count) == pytest.approx(true, abs=0.001)
    assert clock.holes == clock.restarts == 0


def test_a_short_hole_becomes_silence_and_a_long_one_a_new_stream() -> None:
    clock = AudioClock()
    assert clock.admit(block(1.0)) == (pytest.approx(np.zeros(160)), True)
    samples, fresh = clock.admit(block(1.11))
    assert not fresh
    assert len(samples) == 160 + 1600
    assert clock.holes == 1
    samples, fresh = clock.admit(block(9.0))
    assert fresh
    assert len(samples) == 160
    assert clock.time(0) == 9.0


def test_stamps_that_go_back_begin_a_new_stream() -> None:
    clock = AudioClock()
    clock.admit(block(5.0))
    assert clock.admit(block(4.0))[1]
    assert clock.restarts == 1


def test_blocks_of_a_recording_are_whole_and_in_time() -> None:
    sound = np.arange(1000, dtype=np.float32)
    cut = list(blocks(sound, 2.0))
    np.testing.assert_array_equal(np.concatenate([b.samples for b in cut]), sound)
    assert np.diff([b.t for b in cut]) == pytest.approx(BLOCK_S)


def test_a_recording_arrives_whole_and_ends() -> None:
    sound = np.arange(1600, dtype=np.float32)
    inbox = Inbox()
    source = Recorded(sound, inbox)
    source.start()
    heard: list[Block] = []
    while not inbox.ended:
        heard += inbox.take(timeout_s=5.0)
    heard += inbox.take()
    source.close()
    np.testing.assert_array_equal(np.concatenate([b.samples for b in heard]), sound)
    assert np.diff([b.t for b in heard]) == pytest.approx(BLOCK_S, abs=1e-9)


class Dribble(io.BytesIO):
    """Gives odd numbers of bytes."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 7))


def test_pcm_from_a_dribbling_pipe_is_exact_and_paced() -> None:
    sound = np.arange(-500, 500, dtype="<i2")
    inbox, time, slept = Inbox(1000), [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        time[0] += seconds

    Pcm(Dribble(sound.tobytes() + b"\x01"), RATE, inbox, lambda: time[0], sleep).run()
    heard = inbox.take()
    np.testing.assert_allclose(np.concatenate([b.samples for b in heard]), sound / 32768.0)
    assert inbox.ended
    assert time[0] == pytest.approx(len(sound) / RATE)  # a fast writer waits
    assert all(b.t == pytest.approx(a.end) for a, b in pairwise(heard))


def test_pcm_at_another_rate_puts_no_empty_blocks() -> None:
    sound = np.zeros(9600, dtype="<i2")
    inbox = Inbox(1000)
    Pcm(io.BytesIO(sound.tobytes()), 48000, inbox, lambda: 0.0, lambda _: None).run()
    sizes = [len(b.samples) for b in inbox.take()]
    assert min(sizes) > 0
    assert sum(sizes) > 0.15 * RATE
