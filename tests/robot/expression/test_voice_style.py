"""Speech in a style: a stream equals a clip, and habits move what is not the mouth."""

import numpy as np

from mien.models.face.blendshapes import INDEX
from mien.robot.expression import speech, voice_style
from mien.robot.expression.life import Habits, Life
from mien.robot.media import audio

SOUND = audio.load(audio.LJ_DEMO)[: 2 * audio.RATE]
CODE = tuple(np.linspace(-0.9, 0.9, 64).tolist())


def test_a_stream_in_a_style_equals_the_clip() -> None:
    whole = voice_style.speak(SOUND, CODE)
    stream, parts, at = voice_style.StyledStream(CODE), [], 0
    rng = np.random.default_rng(0)
    while at < len(SOUND):
        size = int(rng.integers(0, 900))
        parts.append(stream.push(SOUND[at : at + size]))
        at += size
    found = np.concatenate(parts)
    np.testing.assert_allclose(found, whole[: len(found)], atol=1e-5)
    assert len(found) > 100
    assert stream.lookahead_s == speech.lookahead_s()


def test_a_style_moves_the_mouth_and_keeps_its_length() -> None:
    plain, styled = speech.speak(SOUND), voice_style.speak(SOUND, CODE)
    assert plain.shape == styled.shape
    assert np.abs(plain - styled).max() > 0.02


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
    assert voice_style.habits(()) == Habits()
