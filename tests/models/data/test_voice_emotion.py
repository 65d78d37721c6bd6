"""Conversations for the emotion of a voice: seeded, of one speaker, and compared with himself."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models.data import voice_emotion
from mien.models.data.corpora.emotional import Said
from mien.models.data.voice_emotion import MOMENTS, Measured, Speakers, conversations, remembered
from mien.models.errors import ModelError
from mien.models.style.emotion import INPUTS
from mien.models.style.prosody import STATISTICS, TIME

RATE, WIDTH = 16000, len(STATISTICS)


def buzz(seconds: float, gain: float = 0.1) -> NDArray[np.float32]:
    """A voice in syllables."""
    t = np.arange(int(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 20))
    return np.asarray(gain * (0.55 - 0.45 * np.cos(25.1 * t)) * tones, np.float32)


def said(actor: str, emotion: int, gain: float) -> Said:
    return Said(actor, 0, emotion, 3, (32767 * buzz(3, gain)).astype(np.int16), ())


@pytest.fixture
def speakers() -> Speakers:
    """Two actors whose anger has a high pitch, and a person."""
    rng = np.random.default_rng(0)
    actor, emotion = np.repeat([0, 1], 32), np.tile(np.repeat(np.arange(4), 8), 2)
    rows = rng.normal(0, 0.1, (64, MOMENTS + 1, WIDTH))
    rows[:, :, 0] += 7 + 0.5 * (emotion == 2)[:, None]
    zero = np.zeros(64, np.int64)
    return Speakers(Measured(actor, zero, emotion, zero, rows), [rng.normal(0, 0.1, (9, WIDTH))])


def test_a_sentence_has_moments_and_silence_has_none() -> None:
    rows = voice_emotion.rows_of(buzz(3))
    assert rows is not None
    assert rows.shape == (MOMENTS + 1, WIDTH)
    assert voice_emotion.rows_of(np.zeros(3 * RATE, np.float32)) is None


def test_the_level_of_a_voice_set_tells_nothing() -> None:
    found = voice_emotion.measured([said("mei", 1, 0.02), said("takumi", 2, 0.2)])
    assert found.actor.tolist() == [0, 1]
    assert found.emotion.tolist() == [1, 2]
    level = slice(0, len(TIME))  # rounding to 16 bits colours the spectrum of a clean buzz
    np.testing.assert_allclose(found.rows[0][:, level], found.rows[1][:, level], atol=0.05)
    assert len(found.of(found.actor == 1).rows) == 1


def test_what_was_measured_is_read_again(tmp_path: Path) -> None:
    found = voice_emotion.measured([said("mei", 0, 0.1)])
    for part in ("train", "test"):
        voice_emotion.store(tmp_path / f"voice-emotion-{part}.npz", found)
    train, test = voice_emotion.prepared(tmp_path / "no data", tmp_path)
    np.testing.assert_array_equal(train.rows, found.rows)
    np.testing.assert_array_equal(test.emotion, found.emotion)


def test_conversations_are_seeded_and_of_all_emotions(speakers: Speakers) -> None:
    one, emotions = conversations(speakers, 200, 0)
    two, _ = conversations(speakers, 200, 0)
    np.testing.assert_array_equal(one, two)
    assert one.shape == (200, INPUTS)
    assert set(emotions.tolist()) == {0, 1, 2, 3}
    assert np.abs(one - conversations(speakers, 200, 1)[0]).max() > 0.1


def test_an_emotion_is_what_differs_from_the_speakers_own_neutral(speakers: Speakers) -> None:
    assert not speakers.effects[:, 0].any()
    np.testing.assert_allclose(speakers.effects[:, 2, 0], 0.5, atol=0.1)
    x, emotions = conversations(speakers, 2000, 0)
    assert x[emotions == 2, 0].mean() > x[emotions != 2, 0].mean() + 0.2


def test_a_long_history_makes_a_voice_its_own_measure() -> None:
    now = np.full((1, WIDTH), 2.0)
    short = remembered([np.zeros((0, WIDTH))], now)
    long = remembered([np.full((20, WIDTH), 2.0)], now)
    assert np.abs(long[0, :WIDTH]).max() < 0.5 * np.abs(short[0, :WIDTH]).min()


def test_people_who_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"words\.csv"):
        voice_emotion.people(tmp_path)
