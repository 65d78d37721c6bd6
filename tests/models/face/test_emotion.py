import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.models.errors import ModelError
from mien.models.face.blendshapes import INDEX, MIRROR
from mien.models.face.emotion import (
    EMOTIONS,
    TIMINGS,
    Variation,
    blend,
    envelope,
    express,
    mix,
    named,
    prototypes,
    shares,
)
from mien.models.face.emotion_table import table

FELT = EMOTIONS[1:]
MIXES = arrays(np.float64, (3, len(EMOTIONS)), elements=st.floats(0, 1))


def test_neutral_is_nothing_and_the_others_are_something() -> None:
    rows = prototypes()
    assert not rows[0].any()
    assert np.all(rows[1:].max(axis=1) > 0.5)
    assert rows.min() >= 0
    assert rows.max() <= 1


def test_no_two_emotions_look_alike() -> None:
    rows = prototypes()[1:]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for a, b in itertools.combinations(range(len(rows)), 2):
        assert unit[a] @ unit[b] < 0.75, (FELT[a], FELT[b])


def test_only_contempt_is_one_sided() -> None:
    for name, row in zip(EMOTIONS, prototypes(), strict=True):
        assert np.array_equal(row, row[list(MIRROR)]) == (name != "contempt"), name


@pytest.mark.parametrize("name", FELT)
def test_intensity_is_monotone_continuous_and_zero_at_zero(name: str) -> None:
    mixed = np.zeros((101, len(EMOTIONS)))
    mixed[:, EMOTIONS.index(name)] = np.linspace(0, 1, 101)
    out = express(mixed, np.zeros(101), Variation(seed=3))
    assert np.abs(out[0]).max() == 0
    assert np.all(np.diff(out, axis=0) >= -1e-12)
    assert np.abs(np.diff(out, axis=0)).max() < 0.02


@given(MIXES)
def test_blends_stay_in_range_and_between_their_parts(mixed: np.ndarray) -> None:
    out = blend(mixed)
    assert out.min() >= 0
    assert out.max() <= 1
    alone = np.clip(mixed, 0, 1)[..., None] * np.eye(len(EMOTIONS))
    assert np.all(out <= blend(alone).sum(axis=1) + 1e-12)


@pytest.mark.parametrize("name", FELT)
def test_the_end_of_the_scale_shows_the_prototype(name: str) -> None:
    np.testing.assert_allclose(blend(mix({name: 1.0})), prototypes()[EMOTIONS.index(name)])


@pytest.mark.parametrize("name", [n for n in FELT if table()[n].grade == 1.0])
def test_the_middle_of_the_scale_shows_more_than_half(name: str) -> None:
    shown = [blend(mix({name: i})).sum() for i in (0.0, 0.35, 0.7, 1.0)]
    steps = np.diff(shown)
    assert steps[0] > steps[1] > steps[2] > 0


def test_surprise_alone_is_read_from_its_first_movements_and_comes_late_its_mouth_last() -> None:
    assert [n for n in FELT if table()[n].grade > 1.0] == ["surprise"]
    weak, middle, whole = (blend(mix({"surprise": i})) for i in (0.35, 0.7, 1.0))
    brow, jaw = INDEX["browOuterUpLeft"], INDEX["jawOpen"]
    assert 0.15 < weak[brow] / whole[brow] < 0.3
    assert 0.02 < weak[jaw] / whole[jaw] < 0.1
    assert 0.5 < middle[brow] / whole[brow] < 0.75
    assert 0.3 < middle[jaw] / whole[jaw] < 0.5


def test_a_blend_shows_as_much_as_one_emotion_of_the_same_intensity() -> None:
    both = shares(mix({"happiness": 0.4, "fear": 0.3}))
    one = shares(mix({"happiness": 0.7}))
    assert both.sum() == pytest.approx(one.sum())
    at = [EMOTIONS.index("happiness"), EMOTIONS.index("fear")]
    assert both[at[0]] / both[at[1]] == pytest.approx(4 / 3)


def test_everyday_words_are_understood_and_others_refused_by_name() -> None:
    assert named(" Happy ") == "happiness"
    assert mix({"sad": 0.4, "anger": 1.0})[EMOTIONS.index("sadness")] == 0.4
    with pytest.raises(ModelError, match="hungry"):
        named("hungry")
    with pytest.raises(ModelError, match="intensity of fear"):
        mix({"fear": 1.2})


def test_variation_is_seeded_small_and_asymmetric() -> None:
    t = np.linspace(0, 10, 200)
    mixed = np.tile(mix({"happiness": 0.7}), (len(t), 1))
    one = express(mixed, t, Variation(seed=1))
    np.testing.assert_array_equal(one, express(mixed, t, Variation(seed=1)))
    assert np.abs(one - express(mixed, t, Variation(seed=2))).max() > 0.01
    bare = express(mixed)
    assert np.abs(one - bare).max() < 0.3 * bare.max()
    left, right = INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]
    assert 0.001 < abs(one[:, left].mean() - one[:, right].mean()) < 0.25


def test_variation_at_a_time_does_not_depend_on_the_other_times() -> None:
    t = np.linspace(0, 10, 100)
    gains = Variation(seed=5).gains(t)
    np.testing.assert_allclose(gains[40:50], Variation(seed=5).gains(t[40:50]))


@pytest.mark.parametrize("name", FELT)
def test_a_feeling_comes_settles_and_goes(name: str) -> None:
    timing = TIMINGS[name]
    t = np.arange(0, 12, 0.01)
    course = envelope(name, t, 1.0, 7.0)
    assert not course[t <= 1.0].any()
    assert course.max() == pytest.approx(1.0, abs=0.02)
    assert abs(t[course.argmax()] - 1.0 - timing.onset_s) < 0.05
    assert timing.settle - 0.01 <= course[t < 7.0][-1] <= 1.0
    assert not course[t > 7.0 + timing.offset_s].any()
    assert np.abs(np.diff(course)).max() < 0.1


def test_surprise_is_quicker_than_sadness() -> None:
    assert TIMINGS["surprise"].onset_s < TIMINGS["happiness"].onset_s < TIMINGS["sadness"].onset_s
