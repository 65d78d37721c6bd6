"""Acted voices: which file speaks, who is derived from whom, and the same sentences for all."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models.data.corpora import emotional
from mien.models.data.corpora.emotional import ACTORS, EMOTIONS, Derived, derived, model, sentences
from mien.models.errors import ModelError
from mien.models.speech.phones import Phone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Empty voices, and four sentences that train and three that test."""
    voices = tmp_path / "hts_voices" / "all"
    voices.mkdir(parents=True)
    for name in (
        "mei_normal", "mei_happy", "mei_angry", "mei_sad", "mei_bashful",
        "tohoku-f01-neutral", "tohoku-f01-happy", "tohoku-f01-angry", "tohoku-f01-sad",
        "takumi_normal", "takumi_happy", "takumi_angry", "takumi_sad",
    ):  # fmt: skip
        (voices / f"{name}.htsvoice").write_text("")
    text = tmp_path / "japanese_text"
    text.mkdir()
    for part, count in (("recitation", 4), ("emotion", 3)):
        lines = [f"{part}_{k}:sentence {part} {k},reading" for k in range(count)]
        (text / f"ita_{part}_transcript_utf8.txt").write_text("\n".join([*lines, ""]))
    return tmp_path


def test_an_emotion_of_an_actor_is_one_file(folder: Path) -> None:
    found = {model(folder, a, e).stem for a in ACTORS for e in range(len(EMOTIONS))}
    assert len(found) == 12
    assert model(folder, "mei", 0).stem == "mei_normal"
    assert model(folder, "tohoku", 2).stem == "tohoku-f01-angry"
    with pytest.raises(ModelError, match="nobody"):
        model(folder, "nobody", 0)


def test_what_tests_is_never_what_trains(folder: Path) -> None:
    train, test = (sentences(folder, held_out) for held_out in (False, True))
    assert train[0] == "sentence recitation 0"
    assert (len(train), len(test)) == (4, 3)
    assert not set(train) & set(test)


def test_a_derived_speaker_is_the_same_in_every_run() -> None:
    assert derived("mei", 0) == Derived()
    assert derived("mei", 2) == derived("mei", 2) != derived("takumi", 2)
    for n in range(1, 20):
        change = derived("tohoku", n)
        assert abs(change.throat) < 0.05
        assert abs(change.semitones) <= 5
        assert 0.8 < change.tempo < 1.25


def test_every_emotion_says_the_same_sentences(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(_: Path, text: str, change: Derived) -> tuple[NDArray[np.int16], tuple[Phone, ...]]:
        return np.zeros(int(16 * (1 + change.tempo)), np.int16), (Phone(text, 0.0, 1.0),)

    monkeypatch.setattr(emotional, "say", say)
    said = list(emotional.spoken(folder, 2, 3, held_out=False))
    assert len(said) == len(ACTORS) * 2 * len(EMOTIONS) * 3
    for actor in ACTORS:
        texts = [
            {s.text for s in said if (s.actor, s.speaker, s.emotion) == (actor, 1, e)}
            for e in range(len(EMOTIONS))
        ]
        assert all(t == texts[0] for t in texts)
        assert len(texts[0]) == 3


def test_without_the_program_the_package_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(ModelError, match="open_jtalk") as caught:
        emotional.say(model(folder, "mei", 0), "a")
    assert "apt-get" in caught.value.hint
