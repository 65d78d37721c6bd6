"""Songs for training: labels fit the sound, and the same seed gives the same clip."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.data import sung
from mien.models.data.corpora.voices import Spoken
from mien.models.data.held import world
from mien.models.errors import ModelError
from mien.models.song.sound import sound_of
from mien.models.speech.phones import Phone
from tests.lacking import skip


@pytest.fixture(scope="module")
def buzz() -> Spoken:
    """A vowel between two silences, of 0.3 s each."""
    try:
        world()
    except ModelError as e:
        skip(e)
    t = np.arange(4800) / 16000
    vowel = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 20))
    sound = np.concatenate([np.zeros(4800), 3000 * vowel, np.zeros(4800)])
    phones = [Phone("sil", 0.0, 0.3), Phone("AA", 0.3, 0.6), Phone("sil", 0.6, 0.9)]
    return Spoken(sound.astype(np.int16), phones)


def test_a_vowel_becomes_a_note(buzz: Spoken) -> None:
    song = sung.melody(buzz, np.random.default_rng(3))
    vowel = next(p for p in song.phones if p.name == "AA")
    samples = np.asarray(song.samples / 32768, np.float32)
    frames = sound_of(samples, len(samples) * 60 // 16000)
    inside = frames.hertz[round((vowel.start + 0.1) * 60) : round((vowel.end - 0.05) * 60)]
    assert 85 < np.median(inside) < 1000
    assert np.ptp(inside) / np.median(inside) < 0.15


def test_clips_have_labels_and_repeat(buzz: Spoken) -> None:
    for seed in range(6):
        one = sung.clip([buzz], np.random.default_rng(seed), 3.0)
        two = sung.clip([buzz], np.random.default_rng(seed), 3.0)
        assert np.array_equal(one.samples, two.samples)
        assert one.voiced.shape == (180,)
        assert set(np.unique(one.voiced)) <= {0.0, 1.0}
        assert np.isfinite(one.samples).all()


def test_recorded_music_takes_the_place_of_some_bands(buzz: Spoken) -> None:
    """A piece of one high tone is told from every synthetic band by its spectrum."""
    tone = (9000 * np.sin(2 * np.pi * 3000 * np.arange(48000) / 16000)).astype(np.int16)
    heard = []
    for seed in range(12):
        one = sung.clip([buzz], np.random.default_rng(seed), 3.0, [tone])
        power = np.abs(np.fft.rfft(one.samples * np.hanning(len(one.samples)))) ** 2
        near = np.abs(np.fft.rfftfreq(len(one.samples), 1 / 16000) - 3000) < 1100
        heard.append(not one.voiced.any() and power[near].sum() > 0.5 * power.sum())
    assert 1 <= sum(heard) < 12
