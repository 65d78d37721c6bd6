"""A feeling in words as a source: its order among the others, and what a voice adds."""

import numpy as np
import pytest

from mien.models.errors import ModelError
from mien.models.face.emotion import EMOTIONS
from mien.models.feeling.space import SIZE
from mien.models.style.emotion import Heard
from mien.robot.expression.emotion.feel import Feel, feel, told, understood
from mien.robot.expression.emotion.track import Cue, Cues, EmotionTrack, Label

T = np.arange(120) / 60
HAPPY, SAD, ANGRY = (EMOTIONS.index(n) for n in ("happiness", "sadness", "anger"))


def _angry_voice() -> Heard:
    shares = np.tile([0.02, 0.02, 0.94, 0.02], (len(T), 1))
    return Heard(shares, np.full(len(T), 0.8), np.full(len(T), -0.6), np.ones(len(T)))


def test_a_label_and_a_tag_come_before_a_feeling_in_words() -> None:
    source = feel("she weeps at the grave")
    alone = EmotionTrack((source,), None).whole(T)
    assert alone[:, SAD].min() > 0.3
    labelled = EmotionTrack((source, Label({"happiness": 0.6}, -np.inf)), None).whole(T)
    assert labelled[:, SAD].max() == 0.0
    assert np.allclose(labelled[:, HAPPY], 0.6)
    tagged = EmotionTrack((source, Cues((Cue(0.0, 9.0, "happiness"),), rank=2)), None).whole(T)
    assert tagged[100, SAD] == 0.0
    assert tagged[100, HAPPY] > 0.5


def test_neutral_words_leave_all_to_the_voice_and_strong_ones_little() -> None:
    neutral = Feel(np.zeros(SIZE), _angry_voice()).sample(T).mix[:, 0]
    assert neutral[:, ANGRY].min() > 0.15
    sad = feel("she is extremely sad", _angry_voice()).sample(T).mix[:, 0]
    assert sad[:, SAD].min() > 3 * sad[:, ANGRY].max()


def test_what_is_understood_is_told() -> None:
    point = feel("he sneers at the losers").point
    assert next(iter(understood(point))) == "contempt"
    assert told("x", point).startswith("contempt 0.")
    assert told("x", np.zeros(SIZE)) == "neutral: x"


def test_words_that_are_none_are_refused() -> None:
    with pytest.raises(ModelError, match="no English word"):
        feel("…!")
