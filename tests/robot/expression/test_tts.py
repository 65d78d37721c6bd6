import importlib.util
import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models.speech.features import RATE
from mien.robot.errors import InputError, MienError
from mien.robot.expression import tts
from mien.robot.expression.emotion.tags import parse
from tests.lacking import skip


def beep(text: str) -> NDArray[np.float32]:
    return np.ones(100 * len(text), np.float32)


def test_spans_are_said_one_after_another_and_cues_sit_on_their_words() -> None:
    spans = parse("One. [happy 0.6, surprise 0.2] Two. [/] Three.")
    sound, cues = tts.synthesise(spans, beep)
    gap = int(tts.GAP_S * RATE)
    assert len(sound) == 100 * (4 + 4 + 6) + 2 * gap
    assert [(c.emotion, c.strength) for c in cues.cues] == [("happiness", 0.6), ("surprise", 0.2)]
    start = (400 + gap) / RATE
    assert cues.cues[0].start == pytest.approx(max(start - 0.15, 0))
    assert cues.cues[0].end == pytest.approx(start + 400 / RATE)


def test_a_text_of_other_letters_is_refused_before_anything_is_said() -> None:
    with pytest.raises(InputError, match="English"):
        tts.synthesise(parse("Good. [happy] 日本語"), beep)


def test_a_missing_voice_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for engine in ("auto", *tts.ENGINES):
        with pytest.raises(MienError) as found:
            tts.voice(engine)
        assert "pip install" in found.value.hint
    with pytest.raises(InputError, match="no voice"):
        tts.voice("robovox")


@pytest.mark.parametrize("engine", tts.ENGINES)
def test_installed_voices_speak(engine: str) -> None:
    try:
        speak = tts.voice(engine)
    except MienError as e:
        skip(e)
    sound = speak("Good morning, everybody.")
    assert sound.dtype == np.float32
    assert 0.8 < len(sound) / RATE < 4.0
    assert 0.02 < np.abs(sound).max() <= 1.0
