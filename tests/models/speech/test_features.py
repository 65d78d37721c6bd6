from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models.face.blendshapes import FPS
from mien.models.speech.features import (
    FEATURES,
    HOPS,
    MELS,
    RATE,
    extract,
    hop_centre,
    mel_filters,
    samples_for,
    stack,
    start,
)


def voice(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(int(RATE * seconds)) / RATE
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * t)
    return (0.2 * loud * np.sin(2 * np.pi * 150 * t) + 0.02 * rng.normal(size=len(t))).astype("f4")


@given(st.lists(st.integers(0, 900), min_size=1, max_size=40), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_any_split_gives_the_same_hops(sizes: list[int], seed: int) -> None:
    samples = voice(0.7, seed)
    whole, _ = extract(samples)
    state, parts, at = None, [], 0
    for size in [*sizes, len(samples)]:
        part, state = extract(samples[at : at + size], state)
        parts.append(part)
        at += size
    got = np.concatenate(parts)
    assert got.shape == whole.shape
    np.testing.assert_allclose(got, whole, atol=2e-6)


def test_a_hop_comes_with_its_last_sample_and_not_before() -> None:
    for frame in range(1, 40):
        expected = samples_for(frame)
        samples = voice(2.0)
        before, _ = extract(samples[: expected - 1])
        with_it, _ = extract(samples[:expected])
        assert len(stack(before)) == frame
        assert len(stack(with_it)) == frame + 1


def test_frames_never_drift_from_the_samples() -> None:
    assert hop_centre(HOPS * 3600) == RATE * 3600
    assert HOPS == 2 * FPS
    hour = [hop_centre(2 * k) - k * RATE / FPS for k in range(0, FPS * 3600, 997)]
    assert -1 < min(hour) <= max(hour) <= 0


def test_gain_leaves_the_bands_alone() -> None:
    loud, _ = extract(voice(), start(-10.0))
    soft, _ = extract(voice() * np.float32(0.1), start(-30.0))
    np.testing.assert_allclose(soft[2:, : MELS + 1], loud[2:, : MELS + 1], atol=0.02)
    np.testing.assert_allclose(loud[:, -1] - soft[:, -1], 1.0, atol=0.01)


def test_a_tone_lights_the_band_that_holds_it() -> None:
    hertz = 1000.0
    t = np.arange(RATE) / RATE
    hops, _ = extract((0.3 * np.sin(2 * np.pi * hertz * t)).astype(np.float32))
    centres = np.fft.rfftfreq(512, 1 / RATE) @ mel_filters()
    band = hops[20:-5, :MELS].mean(axis=0).argmax()
    assert centres[band] == pytest.approx(hertz, rel=0.05)


def test_every_band_hears_something() -> None:
    filters = mel_filters()
    np.testing.assert_allclose(filters.sum(axis=0), 1.0, atol=1e-6)
    assert (filters >= 0).all()


def test_silence_is_finite_and_low() -> None:
    hops, _ = extract(np.zeros(RATE, np.float32))
    assert np.isfinite(hops).all()
    assert hops.shape[1] == FEATURES
    assert (hops[5:, :MELS] < -2.3).all()


def test_the_level_holds_after_speech_and_lets_go_slowly() -> None:
    quiet = np.zeros(2 * RATE, np.float32)
    hops, state = extract(np.concatenate([voice(1.0), quiet]))
    level = hops[:, -1] * 20 - 30
    assert level[HOPS] - level[-1] == pytest.approx(2.0, abs=0.2)
    assert state.level == pytest.approx(level[-1], abs=1e-3)
