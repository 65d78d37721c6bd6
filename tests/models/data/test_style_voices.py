"""Voices for the motion memory: who is derived, what tests, and what is read again."""

from pathlib import Path

import numpy as np
import pytest

from mien.models.data import style_voices
from mien.models.data.corpora.emotional import Derived
from mien.models.data.planted_styles import PLANTED, TRAITS
from mien.models.data.style_voices import EACH, SPEAKERS, TEST_EACH, Voices
from mien.models.errors import ModelError
from mien.models.speech.phones import SILENCE, Phone
from mien.models.style.sound_style import SOUND
from mien.models.style.visemes import VISEMES


def voices() -> Voices:
    """Three voices of two sentences with four frames each."""
    rng = np.random.default_rng(0)
    channels, phones, neutral, shares = (
        rng.random((24, n)).astype(np.float16) for n in (11, 40, 11, len(VISEMES))
    )
    return Voices(
        channels, phones, neutral, shares, np.zeros(24, np.int8), np.arange(4, 28, 4),
        np.repeat([0, 1, 2], 2), np.tile([False, True], 3), np.zeros(6, np.bool_),
        rng.normal(size=(6, SOUND)),
        np.array(["mei", "mei", "people"]),
        np.array(["mei-0", f"mei-{SPEAKERS - 1}", "person7-out"]),
        np.array(["happy", "sad", "neutral"]),
    )  # fmt: skip


def test_one_speaker_of_each_actor_and_some_people_are_held_out_whole() -> None:
    assert voices().held.tolist() == [False, True, True]
    assert (voices().frames(0), voices().frames(5)) == (slice(0, 4), slice(20, 24))


def test_each_voice_has_a_planted_style() -> None:
    made = voices()
    styles = made.styles(made.means(TRAITS))
    assert styles.shape == (3, len(PLANTED))
    np.testing.assert_allclose(made.means(TRAITS)[1], made.sound[2:4][:, TRAITS].mean(axis=0))


def test_what_was_spoken_is_read_again(tmp_path: Path) -> None:
    style_voices.store(tmp_path / "style-voices-2.npz", voices())
    found = style_voices.prepared(tmp_path / "no data", tmp_path)
    np.testing.assert_array_equal(found.channels, voices().channels)
    assert found.speaker.tolist() == voices().speaker.tolist()


def test_derived_speakers_are_the_same_in_every_emotion_and_run() -> None:
    assert style_voices.derived("nitech", 0) == Derived()
    assert style_voices.derived("mei", 3) == style_voices.derived("mei", 3)
    assert style_voices.derived("mei", 3) != style_voices.derived("mei", 4)
    assert EACH > TEST_EACH > 1


def test_a_class_forms_the_mouth_while_its_phone_is_spoken() -> None:
    phones = [Phone(SILENCE, 0, 0.2), Phone("AA", 0.2, 0.5), Phone("S", 0.5, 0.8)]
    shares = style_voices.class_shares(phones, 48)
    assert shares.shape == (48, len(VISEMES))
    assert shares[21].argmax() == VISEMES.index("open")
    assert shares[39].argmax() == VISEMES.index("sibilant")
    assert shares[2].max() < 0.2
    assert shares.sum(axis=1).max() <= 1.0


def test_a_folder_without_voices_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="hts_voices"):
        next(style_voices.acted(tmp_path))
