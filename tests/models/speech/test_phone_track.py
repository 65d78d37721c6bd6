from __future__ import annotations

from itertools import pairwise

import numpy as np

from mien.models.speech import runtime_numpy as speech_light
from mien.models.speech.features import RATE
from mien.models.speech.phone_track import estimate
from mien.models.speech.phones import SILENCE, VOWELS
from mien.robot.media import audio


def test_phones_follow_each_other_from_the_beginning_to_the_end() -> None:
    samples = np.concatenate([np.zeros(RATE, np.float32), audio.load(audio.LJ_DEMO)[: 2 * RATE]])
    phones = estimate(speech_light.load(), samples)
    assert phones[0].start == 0
    assert all(a.end == b.start and a.name != b.name for a, b in pairwise(phones))
    assert abs(phones[-1].end - len(samples) / RATE) < 1 / 60
    assert phones[0].name == SILENCE
    assert phones[0].end > 0.7
    spoken = [p for p in phones if p.start >= 1.0]
    assert sum(p.name in VOWELS for p in spoken) >= 4
    assert len({p.name for p in spoken}) >= 8


def test_nothing_is_nothing() -> None:
    assert estimate(speech_light.load(), np.zeros(0, np.float32)) == []
