from __future__ import annotations

import numpy as np
import pytest

from mien.models.data.corpora.voices import Spoken
from mien.models.data.held import cut_after, stretch, vowels
from mien.models.speech.features import RATE
from mien.models.speech.phones import SILENCE, Phone

PHONES = [
    Phone(SILENCE, 0.0, 0.2), Phone("M", 0.2, 0.3), Phone("AA", 0.3, 0.5),
    Phone("M", 0.5, 0.6), Phone(SILENCE, 0.6, 0.8),
]  # fmt: skip


def spoken() -> Spoken:
    """A tone of 120 Hz with harmonics from 0.2 to 0.6 s, soft in the two m."""
    t = np.arange(int(0.8 * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 12))
    loud = np.interp(
        t, (0.19, 0.21, 0.3, 0.32, 0.48, 0.5, 0.59, 0.61), (0, 0.2, 0.2, 1, 1, 0.2, 0.2, 0)
    )
    return Spoken((3000 * tone * loud).astype(np.int16), PHONES)


def test_a_cut_voice_is_silent_after_its_vowel() -> None:
    cut = cut_after(spoken(), 2, silence_s=0.4)
    assert [p.name for p in cut.phones] == [SILENCE, "M", "AA", SILENCE]
    assert len(cut.samples) == pytest.approx(0.9 * RATE, abs=2)
    assert np.abs(cut.samples[int(0.5 * RATE) :]).max() == 0
    assert np.abs(cut.samples[int(0.4 * RATE) : int(0.45 * RATE)]).max() > 1000


def test_short_vowels_and_consonants_are_not_stretched() -> None:
    assert vowels(PHONES) == [2]
    assert vowels([Phone("AA", 0.0, 0.03), Phone("M", 0.03, 0.4)]) == []


def test_a_vowel_lasts_and_all_else_keeps_its_time() -> None:
    pytest.importorskip("pyworld", reason="pip install pyworld 'setuptools<81'")
    long = stretch(spoken(), {2: 1.5}, pitch=1.5)
    assert [p.name for p in long.phones] == [p.name for p in PHONES]
    lengths = [p.end - p.start for p in long.phones]
    assert lengths == pytest.approx([0.2, 0.1, 1.5, 0.1, 0.2], abs=0.02)
    sound = long.samples.astype(float)
    level = [np.sqrt(np.mean(sound[int(a * RATE) : int(b * RATE)] ** 2)) for a, b in
             ((0.05, 0.15), (0.4, 0.6), (1.5, 1.7), (1.95, 2.05))]  # fmt: skip
    assert level[0] < 0.05 * level[1]  # silence stays silence
    assert level[2] == pytest.approx(level[1], rel=0.2)  # the vowel does not fade
    part = sound[int(0.8 * RATE) : int(1.3 * RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    strongest = np.fft.rfftfreq(len(part), 1 / RATE)[spectrum.argmax()]
    assert strongest / 180 == pytest.approx(round(strongest / 180), abs=0.05)
