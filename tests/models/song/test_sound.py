"""Frames of a sound: the pitch is right, and a stream gives what a file gives."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.song.sound import SoundStream, sound_of
from mien.models.song.vibrato import vibrato
from mien.models.song.voice_net import VoiceStream, voice_of

RATE = 16000


def tone(hertz: float, seconds: float = 1.0, swing: float = 0.0) -> np.ndarray:
    """A voice-like tone with eight harmonics and a vibrato of 5.5 Hz."""
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * hertz * t - swing * hertz / 5.5 * np.cos(2 * np.pi * 5.5 * t)
    partials = [np.sin(k * phase) / k for k in range(1, 9) if k * hertz < 7000]
    return (0.1 * np.sum(partials, axis=0)).astype(np.float32)


@pytest.mark.parametrize("hertz", [70.0, 110.0, 220.0, 450.0, 880.0, 1050.0])
@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_the_pitch_of_a_tone_is_found_at_any_level(hertz: float, gain: float) -> None:
    frames = sound_of(np.asarray(gain * tone(hertz), np.float32), 60)
    assert np.abs(12 * np.log2(frames.hertz[5:-5] / hertz)).max() < 0.2
    assert frames.clarity[5:-5].min() > 0.9


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert (sound_of(noise, 60).hertz > 0).mean() < 0.1
    assert not sound_of(np.zeros(RATE, np.float32), 60).hertz.any()


def test_a_stream_of_any_blocks_gives_what_the_whole_sound_gives() -> None:
    sound, rng = tone(220.0, 2.0, 0.03), np.random.default_rng(1)
    cuts = np.sort(rng.integers(0, len(sound), 40))
    stream, voice = SoundStream(), VoiceStream()
    parts = np.split(sound, cuts)
    levels = np.concatenate([stream.push(p).level_db for p in parts])
    heard = np.concatenate([voice.push(p) for p in parts])
    assert np.abs(levels - sound_of(sound, len(levels)).level_db).max() < 1e-6
    assert np.abs(heard - voice_of(sound, len(heard))).max() < 1e-5


def test_a_vibrato_has_its_rate_and_a_straight_tone_has_none() -> None:
    rate, cents = vibrato(sound_of(tone(220.0, 2.0, 0.03), 120).hertz[5:-5])
    assert rate == pytest.approx(5.5, abs=0.5)
    assert 20 < cents < 60
    assert vibrato(sound_of(tone(220.0, 2.0), 120).hertz[5:-5]) == (0.0, 0.0)
