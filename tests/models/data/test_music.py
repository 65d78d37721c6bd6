"""Made-up music: of unit power, the same from the same seed, and on a scale."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.data.music import instrument, music
from mien.models.speech.features import RATE


@pytest.mark.parametrize("seconds", [0.05, 1.0, 3.2])
def test_unit_power_and_repeatable(seconds: float) -> None:
    n = round(seconds * RATE)
    made = music(n, np.random.default_rng(4))
    assert made.shape == (n,)
    assert np.mean(made**2) == pytest.approx(1.0, rel=1e-6)
    assert np.array_equal(made, music(n, np.random.default_rng(4)))
    assert not np.array_equal(made, music(n, np.random.default_rng(5)))


@pytest.mark.parametrize("seed", range(5))
def test_an_instrument_plays_the_notes_it_is_given(seed: int) -> None:
    """With notes an octave apart, nearly all power lies at whole multiples of the lowest."""
    notes = list(range(45, 45 + 13 * 12, 12))[:13]
    rng = np.random.default_rng(seed)
    sound = instrument(8 * RATE, 0.5, [m for m in notes if m < 84] * 4, rng)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    lowest = 440 * 2 ** ((45 - 69) / 12)
    off = np.abs((hertz + lowest / 2) % lowest - lowest / 2)
    assert power[off < 12].sum() > 0.9 * power.sum()


def test_drums_and_notes_come_and_go() -> None:
    """Levels over 50 ms move by 6 dB or more in most pieces: it is no hum."""
    moved = []
    for seed in range(12):
        sound = music(4 * RATE, np.random.default_rng(seed))
        level = np.sqrt(np.mean(sound[: len(sound) // 800 * 800].reshape(-1, 800) ** 2, axis=1))
        moved.append(np.ptp(20 * np.log10(level + 1e-3)))
    assert np.mean(np.asarray(moved) > 6.0) > 0.8
