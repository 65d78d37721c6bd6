"""A song as it comes: any blocks give the same lips, and a held vowel stays open."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models import checkpoint
from mien.models.face.blendshapes import lip_opening
from mien.robot.expression.song.stream import Hold, SongStream
from mien.robot.live.voice_activity import VoiceActivity
from mien.robot.media import audio


@pytest.mark.parametrize("name", ["speech", "speech_lookahead0"])
def test_any_blocks_give_the_same_lips(name: str) -> None:
    path = checkpoint.WEIGHTS / f"{name}.safetensors"
    sound = audio.load(audio.SONG_DEMO)[: 6 * audio.RATE]
    whole = SongStream(path).push(sound)
    cuts = np.sort(np.random.default_rng(2).integers(0, len(sound), 60))
    stream = SongStream(path)
    parts = np.concatenate([stream.push(p) for p in np.split(sound, cuts)])
    assert len(whole) == len(parts) > 300
    assert np.abs(whole - parts).max() < 1e-5
    opening = lip_opening(whole)
    assert opening[round(4.2 * 60) : round(5.4 * 60)].min() > 0.1  # the note of two seconds
    assert np.isfinite(SongStream(path).push(np.full(8000, np.nan, np.float32))).all()


def test_a_hold_bridges_a_network_that_loses_the_vowel_and_shuts_with_the_voice() -> None:
    hold, lips = Hold(), np.zeros(52, np.float32)
    jaw = 24
    openings = []
    for k in range(240):
        lips[jaw] = 0.3 if k < 60 else 0.02
        sounding = k < 180
        level = -20.0 if sounding else -70.0
        row = np.array([0.9 if sounding else 0.1, level, level - 3])
        openings.append(float(lip_opening(hold.step(lips, row, 0.95))))
    assert min(openings[30:180]) > 0.28
    assert openings[186] < 0.02  # within 100 ms


def test_a_steady_note_is_no_machine_for_a_voice_that_sings() -> None:
    t = np.arange(4 * audio.RATE) / audio.RATE
    partials = np.sum([np.sin(2 * np.pi * 700 * k * t) / k for k in range(1, 6)], axis=0)
    note = np.asarray(0.1 * partials, np.float32)
    assert VoiceActivity(sings=True).push(note).gate == 1.0
    assert VoiceActivity().push(note).gate == 0.0
