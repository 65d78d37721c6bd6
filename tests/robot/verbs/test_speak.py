import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien.models.face.emotion import EMOTIONS
from mien.robot.errors import InputError
from mien.robot.expression.emotion.text_estimate import TextEstimate
from mien.robot.expression.emotion.track import Cue, Cues, EmotionTrack, Label
from mien.robot.expression.utterance_source import (
    estimate_inputs,
    requested,
    track_record,
    unplayed_cues,
    utterance,
    voice_estimate,
)


def test_a_wav_or_a_text_but_not_both_and_not_none(tmp_path: Path) -> None:
    for wav, text in ((None, None), (tmp_path / "a.wav", "hello")):
        with pytest.raises(InputError, match="--wav"):
            utterance(wav, text, "auto")
    with pytest.raises(InputError):
        utterance(tmp_path / "missing.wav", None, "auto")
    with pytest.raises(InputError, match="no words"):
        utterance(None, "[happy]", "auto")


def test_a_wav_of_any_rate_is_heard(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((4410, 2)) + 0.1, 44100)
    said = utterance(tmp_path / "a.wav", None, "auto")
    assert abs(len(said.samples) - 1600) < 20
    assert said.sources == []
    assert said.text_estimates == []
    with pytest.raises(InputError, match="no text"):
        utterance(tmp_path / "a.wav", None, "auto", estimated=True)


def test_options_become_sources(tmp_path: Path) -> None:
    cues = tmp_path / "cues.json"
    cues.write_text('[{"start": 0, "end": 1, "emotion": "fear"}]')
    label, timeline = requested("happy", 0.4, cues)
    assert isinstance(label, Label)
    assert label.intensities == {"happiness": 0.4}
    assert isinstance(timeline, Cues)
    assert requested(None, None, None) == []


def test_bad_options_say_what_is_allowed() -> None:
    with pytest.raises(InputError) as found:
        requested("hungry", 0.5, None)
    assert all(name in found.value.hint for name in EMOTIONS)
    for intensity in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="intensity"):
            requested("fear", intensity, None)


def test_an_intensity_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="without --emotion"):
        requested(None, 0.5, None)
    (label,) = requested("happy", None, None)
    assert isinstance(label, Label)
    assert label.intensities == {"happiness": 0.8}


def test_cues_after_the_end_are_told() -> None:
    cues = Cues((Cue(0.2, 1.0, "fear"), Cue(4.0, 5.0, "anger")))
    (note,) = unplayed_cues([Label({}), cues], 2.0)
    assert note.startswith("anger from 4 s is not shown")


def test_the_track_of_a_run_says_what_was_felt_and_what_is_a_guess() -> None:
    told = track_record(EmotionTrack((Label({"fear": 0.5}),)), 120, (), [])
    assert told["emotions"] == list(EMOTIONS)
    assert np.array(told["intensities"])[-1, EMOTIONS.index("fear")] == 0.5
    assert told["estimated_from"] == []
    guess = TextEstimate("Ugh.", -0.4, ("ugh",), {"disgust": 0.3})
    told = track_record(EmotionTrack(), 1, ("text",), [guess])
    assert told["estimated_from"] == ["text"]
    assert json.loads(json.dumps(told))["guesses"][0]["feeling"] == {"disgust": 0.3}


def test_an_estimate_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert estimate_inputs(None) == ()
    assert estimate_inputs("both") == ("text", "voice")
    with pytest.raises(InputError, match="'mood'"):
        estimate_inputs("mood")

    def spoken(text: str) -> np.ndarray:
        return np.zeros(16 * len(text), np.float32)

    monkeypatch.setattr("mien.robot.expression.utterance_source.voice", lambda _: spoken)
    plain = "This soup is disgusting. It is nine."
    assert utterance(None, plain, "auto").sources == []
    pytest.importorskip("vaderSentiment", reason="pip install vaderSentiment")
    said = utterance(None, plain, "auto", estimated=True)
    (cues,) = said.sources
    assert isinstance(cues, Cues)
    assert [c.emotion for c in cues.cues] == ["disgust"]
    assert len(said.text_estimates) == 2
    tagged = utterance(None, f"[happy 0.6] {plain}", "auto", estimated=True)
    assert tagged.text_estimates == []
    (cues,) = tagged.sources
    assert isinstance(cues, Cues)
    assert [c.emotion for c in cues.cues] == ["happiness"]


def test_a_guess_is_the_last_to_be_asked() -> None:
    assert voice_estimate(np.zeros(16000, np.float32)).rank > Cues(()).rank > Label({}).rank
