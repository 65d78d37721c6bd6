from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien.models.data.batches import Batches, Settings
from mien.models.data.behind import babble, excerpt, read_music
from mien.models.errors import ModelError
from mien.models.speech.features import RATE
from tests.models.data.beeps import corpus


def test_babble_and_excerpts_have_unit_power() -> None:
    rng = np.random.default_rng(0)
    for sound in (
        babble(RATE, [corpus()], rng),
        excerpt(np.arange(900, dtype=np.int16), RATE, rng),
    ):
        assert sound.shape == (RATE,)
        assert np.mean(sound**2) == pytest.approx(1, rel=1e-6)


def test_what_is_behind_a_voice_changes_its_sound_and_not_its_lips() -> None:
    band = (np.random.default_rng(1).normal(0, 3000, 4 * RATE)).astype(np.int16)
    alone, before = (
        Batches(
            [(corpus(), 1.0)],
            {},
            Settings(size=4, nothing=0.0, changed=0.0, changed_tracked=0.0, behind=odds),
            0,
            [band],
        ).next()
        for odds in (0.0, 1.0)
    )
    assert not np.allclose(alone.features, before.features)
    assert before.shapes.shape == alone.shapes.shape
    assert float(before.shapes.max()) > 0


def test_a_folder_without_music_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=str(tmp_path)):
        read_music(tmp_path)
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    assert [len(m) for m in read_music(tmp_path)] == [RATE]
