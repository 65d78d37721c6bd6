import numpy as np
import pytest

from mien.robot.live.capture.block import Block
from mien.robot.live.monitor import ROOM_S, DelayLine
from mien.robot.media.audio import RATE


def ramp(start: int, count: int, t0: float = 10.0) -> Block:
    """A block whose sample i is its number; sample 0 was taken at ``t0``."""
    return Block(t0 + start / RATE, np.arange(start, start + count, dtype=np.float32))


def test_what_was_taken_then_is_read() -> None:
    line = DelayLine()
    for k in range(100):
        line.push(ramp(160 * k, 160))
    np.testing.assert_array_equal(line.read(10.5, 160), np.arange(8000, 8160))


def test_jitter_of_stamps_is_not_heard() -> None:
    line, rng = DelayLine(), np.random.default_rng(0)
    for k in range(100):
        line.push(ramp(160 * k, 160))
    out = [line.read(10.1 + 0.01 * k + rng.normal(0, 0.0005), 160) for k in range(50)]
    assert np.diff(np.concatenate(out)) == pytest.approx(1.0)


def test_reading_ahead_gives_silence_and_is_counted() -> None:
    line = DelayLine()
    assert not line.read(10.0, 160).any()
    assert line.underruns == 0  # nobody has spoken yet
    line.push(ramp(0, 160))
    assert not line.read(10.02, 160).any()
    assert line.underruns == 1


def test_a_hole_becomes_silence_of_its_length() -> None:
    line = DelayLine()
    line.push(ramp(1000, 160))
    line.push(ramp(1000 + 160 + 1600, 160))
    assert not line.read(10.0 + 1160 / RATE, 1600).any()
    np.testing.assert_array_equal(line.read(10.0 + 2760 / RATE, 160), np.arange(2760, 2920))


def test_the_past_beyond_its_room_is_silent() -> None:
    line = DelayLine()
    for k in range(int(ROOM_S * 100) + 50):
        line.push(ramp(160 * k + 1, 160))
    assert not line.read(10.0, 160).any()
