"""Every metric on signals whose answer is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.data.lip_metrics import Contact, amplitude_ratio, contact, envelope, log_envelope
from mien.models.speech.metrics import lag_ms, pearson
from mien.models.speech.phones import Phone

RNG = np.random.default_rng(0)


def wobble(n: int, seed: int = 0) -> np.ndarray:
    """Smooth noise, about 4 Hz at 25 to 60 frames a second."""
    rng = np.random.default_rng(seed)
    return np.convolve(rng.normal(size=n + 8), np.hanning(9), mode="valid")


def test_pearson() -> None:
    x = wobble(200)
    assert pearson(x, 5 * x - 3) == pytest.approx(1.0)
    assert pearson(x, -x) == pytest.approx(-1.0)
    assert pearson(x, np.ones(200)) == 0.0
    assert pearson([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(0.0)  # type: ignore[arg-type]
    noisy = x + wobble(200, 1)
    assert pearson(x, noisy) == pytest.approx(np.corrcoef(x, noisy)[0, 1])


@pytest.mark.parametrize("frames", [-4, -1, 0, 1, 3])
def test_lag_in_whole_frames_and_its_sign(frames: int) -> None:
    x = wobble(400)
    late = np.roll(x, frames)
    assert lag_ms(late, x, 25.0) == pytest.approx(frames * 40, abs=3)


def test_lag_between_frames() -> None:
    fine = wobble(4000)
    smooth = np.convolve(fine, np.hanning(60) / 30, mode="same")
    truth, late = smooth[500:3500:10], smooth[496:3496:10]  # 0.4 frames late
    assert lag_ms(late, truth, 25.0) == pytest.approx(16, abs=4)


def test_amplitude() -> None:
    x = wobble(100)
    assert amplitude_ratio(0.5 * x + 9, x) == pytest.approx(0.5)


def test_envelope_is_the_rms_around_each_time() -> None:
    samples = np.concatenate([np.zeros(16000), np.full(16000, 0.25)]).astype(np.float32)
    got = envelope(samples, 16000, np.array([0.5, 1.0, 1.5]))
    np.testing.assert_allclose(got, [0.0, 0.25 / np.sqrt(2), 0.25], atol=1e-6)
    np.testing.assert_allclose(log_envelope(got), [-60, -3.01, 0], atol=0.01)


FPS = 60.0
TALK = [
    Phone("sil", 0.0, 0.5),
    Phone("AA", 0.5, 0.8),
    Phone("M", 0.8, 0.9),
    Phone("AA", 0.9, 1.3),
    Phone("B", 1.3, 1.4),
    Phone("AA", 1.4, 2.0),
    Phone("sil", 2.0, 2.5),
]


def gap() -> np.ndarray:
    """Closed in silence and at M, open elsewhere, B included."""
    t = np.arange(150) / FPS
    out = np.where((t < 0.5) | (t >= 2.0), 0.0, 1.0)
    out[(t > 0.82) & (t < 0.88)] = 0.0
    return out


def test_a_met_and_a_missed_closure() -> None:
    c = contact(gap(), TALK, FPS)
    assert (c.bilabials, c.closed_bilabials) == (2, 1)
    assert c.closure_recall == 0.5
    assert c.closure_false == 0.0
    assert c.vowel_closed == 0.0
    assert c.silence_open == 0.0


def test_a_closure_must_fall_within_50_ms() -> None:
    t = np.arange(150) / FPS
    near, far = gap(), gap()
    near[np.argmin(abs(t - 1.26))] = 0.0
    far[np.argmin(abs(t - 1.20))] = 0.0
    assert contact(near, TALK, FPS).closed_bilabials == 2
    assert contact(near, TALK, FPS).false == 0
    assert contact(far, TALK, FPS).closed_bilabials == 1
    assert contact(far, TALK, FPS).false == 1


def test_a_mouth_shut_in_vowels_is_false() -> None:
    shut = gap()
    shut[90:110] = 0.0  # of the last vowel: 1.5 to 1.83 s
    c = contact(shut, TALK, FPS)
    # Speech 0.5 to 2.0 s less M and B with 50 ms on both sides.
    assert c.frames == pytest.approx((1.5 - 0.4) * FPS, abs=4)
    assert c.closure_false == pytest.approx(20 / c.frames)
    assert c.vowels_closed > 10


def test_lips_apart_in_silence_count_once_speech_is_far() -> None:
    t = np.arange(150) / FPS
    parted = gap()
    parted[(t >= 2.05)] = 0.5
    c = contact(parted, TALK, FPS)
    # 100 ms at each end of a silence are neither: 0.3 s of each half second count.
    assert c.silent == pytest.approx(0.6 * FPS, abs=3)
    assert c.silent_open == pytest.approx(0.3 * FPS, abs=2)


def test_the_threshold_follows_the_clip() -> None:
    assert contact(7 * gap(), TALK, FPS) == contact(gap(), TALK, FPS)


def test_counts_add_up() -> None:
    one = contact(gap(), TALK, FPS)
    two = one + one
    assert two.bilabials == 4
    assert two.closure_recall == one.closure_recall
    assert Contact().closure_recall == 0.0
