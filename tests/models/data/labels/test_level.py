"""Lips that follow the loudness of a voice, on sounds whose loudness is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models.data.labels.level import RANGE_DB, level, with_level
from mien.models.data.schema import Clip, check
from mien.models.face.blendshapes import INDEX, lip_opening
from mien.models.speech.features import RATE

SECONDS = 3


def tone(hertz: float, gain: NDArray[np.float64]) -> NDArray[np.int16]:
    """(n,) a tone under ``gain`` (n,)."""
    t = np.arange(len(gain)) / RATE
    return np.asarray(gain * 8000 * np.sin(2 * np.pi * hertz * t), np.int16)


def steps() -> NDArray[np.float64]:
    """A second at full level, one 10 dB below, one of silence."""
    return np.repeat([1.0, 10**-0.5, 0.0], RATE)


def clip(samples: NDArray[np.int16], opening: float = 0.3) -> Clip:
    shapes = np.zeros((60 * SECONDS, 52), np.float16)
    shapes[:, INDEX["jawOpen"]] = opening + 0.1
    shapes[:, INDEX["mouthClose"]] = 0.1
    labels = np.zeros(60 * SECONDS, np.int8)
    return Clip("a", "test", "one", "rules", samples, shapes, np.ones(52, np.bool_), labels)


def test_level_is_decibels_of_the_band_below_the_loudest() -> None:
    got = level(tone(1000, steps()), 60 * SECONDS)
    assert got[30] == pytest.approx(1.0, abs=0.02)
    assert got[90] == pytest.approx(1 - 10 / RANGE_DB, abs=0.02)
    assert got[150] == 0


def test_pitch_and_hiss_outside_the_band_do_not_count() -> None:
    both = tone(1000, steps()) // 2 + tone(120, 1 - steps()) // 2
    np.testing.assert_allclose(
        level(both, 180)[[30, 150]], level(tone(1000, steps()), 180)[[30, 150]], atol=0.05
    )


def test_louder_is_wider_and_the_mean_stays() -> None:
    before, after = clip(tone(1000, steps())), with_level(clip(tone(1000, steps())), 0.5)
    check(after)
    opening = lip_opening(after.shapes.astype(np.float32))
    assert opening[30] > opening[90] > opening[150] > 0
    assert opening.mean() == pytest.approx(lip_opening(before.shapes).mean(), rel=0.02)
    assert (after.shapes[:, INDEX["mouthClose"]] >= 0).all()


def test_closed_lips_stay_closed_however_loud() -> None:
    made = clip(tone(1000, steps()))
    shapes = made.shapes.copy()
    shapes[20:40, INDEX["mouthClose"]] = shapes[20:40, INDEX["jawOpen"]]
    opening = lip_opening(with_level(replace(made, shapes=shapes)).shapes.astype(np.float32))
    assert opening[20:40].max() < 1e-3
    assert opening[50] > 0.2


def test_a_silent_clip_and_a_closed_one_are_left_alone() -> None:
    silent, shut = clip(np.zeros(3 * RATE, np.int16)), clip(tone(1000, steps()), 0.0)
    assert with_level(silent) is silent
    assert with_level(shut) is shut
