"""Speech in a style: a stream equals a clip, habits move what is not the mouth, and a person who
shows an emotion moves as he does in it."""

from pathlib import Path

import numpy as np
import pytest

from mien.models.face.blendshapes import FPS, INDEX
from mien.models.face.emotion import EMOTIONS
from mien.robot.errors import InputError
from mien.robot.expression import speech, voice_style
from mien.robot.expression.life import Habits, Life
from mien.robot.expression.voice_style import LiveStyle, StyledStream
from mien.robot.media import audio

SOUND = audio.load(audio.LJ_DEMO)[: 2 * audio.RATE]
CODES = np.repeat(np.linspace(-0.9, 0.9, 64)[None], len(EMOTIONS), axis=0)
HAPPY = EMOTIONS.index("happiness")
STILL = np.zeros(len(EMOTIONS))


def glad(intensity: float = 1.0) -> np.ndarray:
    out = STILL.copy()
    out[HAPPY] = intensity
    return out


def while_(mix: np.ndarray, codes: np.ndarray = CODES) -> np.ndarray:
    """The sound spoken while the emotions have this mix."""
    return voice_style.speak(SOUND, codes, lambda t: np.repeat(mix[None], len(t), axis=0))


def streamed(style: LiveStyle, mix: np.ndarray = STILL) -> np.ndarray:
    stream, parts, at = StyledStream(style), [], 0
    rng = np.random.default_rng(0)
    style.step(mix)
    while at < len(SOUND):
        size = int(rng.integers(0, 900))
        parts.append(stream.push(SOUND[at : at + size]))
        for _ in parts[-1]:
            style.step(mix)
        at += size
    return np.concatenate(parts)


@pytest.mark.parametrize("mix", [STILL, glad(0.6)], ids=["neutral", "happy"])
def test_a_stream_in_a_style_equals_the_clip(mix: np.ndarray) -> None:
    codes = CODES.copy()
    codes[HAPPY] = CODES[HAPPY, ::-1]
    found = streamed(LiveStyle(codes), mix)
    np.testing.assert_allclose(found, while_(mix, codes)[: len(found)], atol=1e-5)
    assert len(found) > 100
    assert StyledStream(LiveStyle(codes)).lookahead_s == speech.lookahead_s()


def test_without_a_style_a_stream_is_that_of_the_network() -> None:
    found, style = streamed(LiveStyle()), LiveStyle(CODES)
    np.testing.assert_allclose(found, speech.speak(SOUND)[: len(found)], atol=1e-6)
    style.wear(None)
    for _ in range(600):
        habits = style.step(STILL)
    np.testing.assert_allclose(streamed(style), found, atol=1e-4)
    for factor in (habits.brows, habits.head, habits.blinks):
        np.testing.assert_allclose(factor, 1.0, atol=1e-4)


def test_a_style_moves_the_mouth_and_keeps_its_length() -> None:
    plain, styled = speech.speak(SOUND), while_(STILL)
    assert plain.shape == styled.shape
    assert np.abs(plain - styled).max() > 0.02


def test_an_emotion_that_was_learned_is_shown_as_far_as_it_is_felt() -> None:
    codes = CODES.copy()
    codes[HAPPY] = CODES[HAPPY, ::-1]
    neutral, whole = while_(STILL, codes), while_(glad(), codes)
    own = voice_style.speak(SOUND, codes[HAPPY][None], lambda t: np.zeros((len(t), 1)))
    np.testing.assert_allclose(whole, own, atol=1e-6)
    np.testing.assert_array_equal(neutral, while_(STILL))
    apart = [np.abs(while_(glad(x), codes) - neutral).mean() for x in (0.25, 0.5, 1.0)]
    assert 0 < apart[0] < apart[1] < apart[2]
    # One that was not learned leaves the person as he is.
    sad = STILL.copy()
    sad[EMOTIONS.index("sadness")] = 1.0
    np.testing.assert_allclose(while_(sad, codes), neutral, atol=1e-6)


def test_shares_of_emotions_never_exceed_one() -> None:
    mixed = np.array([STILL, glad(0.3), np.ones(len(EMOTIONS))])
    shares = voice_style.shares(mixed)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert shares.min() >= 0.0
    assert shares[:2, HAPPY].tolist() == [0.0, 0.3]


def test_a_style_that_is_chosen_while_speaking_comes_without_a_jump() -> None:
    style = LiveStyle()
    before = style.step(STILL)
    style.wear(CODES)
    course = np.array(
        [np.ravel([h.brows, h.head]) for h in (style.step(STILL) for _ in range(300))]
    )
    goal = LiveStyle(CODES).step(STILL)
    assert before == Habits()
    np.testing.assert_allclose(course[-1], np.ravel([goal.brows, goal.head]), atol=1e-3)
    assert np.abs(np.diff(course, axis=0)).max() < 0.1
    with pytest.raises(InputError, match="no style 'nobody'"):
        style.choose("nobody")
    np.testing.assert_allclose(np.ravel(style.step(STILL).head), course[-1][1], atol=1e-3)


def test_a_name_of_a_style_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for name in ("../x", "/etc/passwd", "", "a/b"):
        with pytest.raises(InputError):
            LiveStyle().choose(name)


def test_habits_are_factors_and_none_is_as_usual() -> None:
    t, stress = np.arange(600) / 60, np.ones(600)
    usual, lively = Life(seed=1), Life(seed=1, habits=Habits(2.0, 1.5, 1.4))
    np.testing.assert_array_equal(
        usual.weights(t, stress), Life(seed=1, habits=Habits()).weights(t, stress)
    )
    np.testing.assert_allclose(lively.head(t, stress), 1.5 * usual.head(t, stress))
    brow = INDEX["browInnerUp"]
    np.testing.assert_allclose(
        lively.weights(t, stress)[:, brow], 2.0 * usual.weights(t, stress)[:, brow], rtol=1e-5
    )
    none = np.zeros(0)
    assert len(lively.blinks(300.0, none)) > 1.2 * len(usual.blinks(300.0, none))
    assert voice_style.habits(None, np.zeros((4, len(EMOTIONS)))) == Habits()


def test_habits_change_with_an_emotion() -> None:
    codes = CODES.copy()
    codes[HAPPY] = -CODES[HAPPY]
    mixed = np.zeros((120, len(EMOTIONS)))
    mixed[60:, HAPPY] = 1.0
    found = voice_style.habits(codes, mixed)
    calm = voice_style.habits(CODES, mixed)
    heads, still = np.ravel(found.head), np.ravel(calm.head)
    np.testing.assert_allclose(heads[:60], still[0])
    assert abs(heads[-1] - heads[0]) > 0.05
    assert len(heads) == 120 == 2 * FPS
