"""Laughter of the training: bursts of the voice's own vowel, lips that come near each other."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.data.corpora.synthetic import rule_clip, with_rules
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels import coarticulation
from mien.models.data.laughs import laughs
from mien.models.data.schema import Clip
from mien.models.face.blendshapes import FPS, lip_opening
from mien.models.speech.phones import Phone


def spoken(vowel: str) -> Clip:
    """Half a second of one vowel at 150 Hz between silences."""
    t = np.arange(8000) / 16000
    buzz = np.sum([np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 20)], axis=0)
    sound = np.concatenate([np.zeros(4800), 3000 * buzz, np.zeros(3200)]).astype(np.int16)
    phones = [Phone("sil", 0.0, 0.3), Phone(vowel, 0.3, 0.8), Phone("sil", 0.8, 1.0)]
    return rule_clip("one", "test", "buzz", Spoken(sound, phones))


@pytest.mark.parametrize("seed", range(5))
def test_lips_open_with_each_burst_and_come_near_between(seed: int) -> None:
    made = laughs(spoken("AA"), np.random.default_rng(seed))
    assert made is not None
    clip = with_rules(made, coarticulation.default_rules())
    opening = lip_opening(clip.shapes.astype(float))
    last = np.flatnonzero(opening > 0.05)[-1]
    laughing = opening[FPS : last - 6]
    for at in range(0, max(len(laughing) - FPS, 1), 6):
        second = laughing[at : at + FPS]
        assert second.max() > 0.12
        assert second.min() < 0.75 * second.max()
    assert (opening[last + 1 :] <= 0.05).all()
    assert len(clip.samples) // 16000 == len(opening) // FPS


def test_a_voice_without_an_open_vowel_does_not_laugh() -> None:
    assert laughs(spoken("IY"), np.random.default_rng(0)) is None
