from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.style.emotion import KIND, EmotionStream, heard, inputs, layout
from mien.models.style.prosody import STATISTICS, prosody

RATE, FPS = 16000, 60


def voice(seconds: float, hertz: float) -> NDArray[np.float32]:
    """A buzz with vibrato in syllables of a quarter second."""
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.04 * np.sin(31.4 * t))) / RATE
    tones = sum(np.sin(k * phase) / k for k in range(1, 20))
    return np.asarray(0.1 * (0.55 - 0.45 * np.cos(25.1 * t)) * tones, np.float32)


def test_any_split_gives_the_same_frames() -> None:
    sound, rng = np.concatenate([voice(2, 130), voice(2, 220)]), np.random.default_rng(0)
    whole = heard(sound, 4 * FPS)
    stream, parts, at = EmotionStream(), [], 0
    while at < len(sound):
        size = int(rng.integers(0, 900))
        parts.append(stream.push(sound[at : at + size]))
        at += size
    for name in ("shares", "arousal", "valence", "confidence"):
        split = np.concatenate([getattr(p, name) for p in parts])
        np.testing.assert_allclose(split, getattr(whole, name)[: len(split)], atol=1e-6)
    assert len(split) >= 4 * FPS - 3


def test_later_sound_changes_no_earlier_frame() -> None:
    a = heard(np.concatenate([voice(2, 130), voice(1, 300)]), 100)
    b = heard(np.concatenate([voice(2, 130), np.zeros(RATE, np.float32)]), 100)
    np.testing.assert_array_equal(a.arousal, b.arousal)


def test_pitch_is_measured_in_octaves() -> None:
    for hertz in (100.0, 170.0, 280.0):
        found = prosody(voice(3, hertz), 3 * FPS)
        assert abs(found.statistics[-1, STATISTICS.index("pitch")] - np.log2(hertz)) < 0.06


def test_a_voice_that_stays_the_same_becomes_its_own_measure() -> None:
    high = np.full((1, len(STATISTICS)), 2.0)
    short, long = (inputs(high, n * high, n * high**2, np.array([n])) for n in (0.5, 30.0))
    assert np.all(np.abs(long[:, : len(STATISTICS)]) < 0.5 * np.abs(short[:, : len(STATISTICS)]))


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    tensors = {n: np.zeros(s, np.float32) for n, s in layout().items()}
    tensors["first"] = tensors["first"][:, :-1]
    checkpoint.save(tmp_path / "a.safetensors", tensors, {"kind": KIND, "version": 1})
    with pytest.raises(ModelError, match="first"):
        EmotionStream(tmp_path / "a.safetensors")
