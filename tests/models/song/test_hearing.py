"""Where a voice is heard in a song, from frames whose evidence is given."""

from __future__ import annotations

import numpy as np

from mien.models.song.hearing import carried, singing
from mien.models.song.sound import SoundFrames

FRAMES = 180


def tone(hertz: float = 320.0, until: int = 150) -> SoundFrames:
    """A steady tone that ends."""
    on = np.arange(FRAMES) < until
    level = np.where(on, -22.0, -90.0)
    return SoundFrames(np.where(on, hertz, 0.0), np.where(on, 0.99, 0.0), level, level, level)


def voice(until: int) -> np.ndarray:
    return np.where(np.arange(FRAMES) < until, 3.0, -3.0)


def test_a_held_vowel_lasts_as_long_as_its_tone() -> None:
    """What sounds as an instrument after a second was a voice, and still is."""
    sings, alone = singing(tone(), voice(until=100))
    assert alone
    assert sings[5:149].all()
    assert not sings[155:].any()


def test_another_tone_is_not_taken_along() -> None:
    frames = tone()
    frames.hertz[120:150] = 480.0  # an instrument takes over
    held = carried(np.arange(FRAMES) < 100, frames)
    assert held[:120].all()
    assert not held[120:].any()


def test_neither_is_what_follows_a_dip_nor_what_has_no_pitch() -> None:
    frames = tone()
    frames.level_db[110:] -= 10.0
    assert np.flatnonzero(carried(np.arange(FRAMES) < 100, frames)).max() == 109
    noise = tone()
    noise.clarity[:] = 0.5
    assert np.flatnonzero(carried(np.arange(FRAMES) < 100, noise)).max() == 99


def test_without_any_voice_a_tone_stays_an_instrument() -> None:
    assert not singing(tone(), voice(until=0))[0].any()
