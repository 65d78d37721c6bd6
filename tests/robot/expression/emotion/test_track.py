import numpy as np
import pytest

from mien.models.face.blendshapes import GROUPS, indices
from mien.models.face.emotion import EMOTIONS, express, mix
from mien.models.style.emotion import CLASSES, Heard
from mien.robot.expression.emotion.track import (
    NAMED_REGIONS,
    REGIONS,
    Cue,
    Cues,
    EmotionSamples,
    EmotionSource,
    EmotionTrack,
    Label,
)
from mien.robot.expression.emotion.voice_estimate import VoiceEstimate

T = np.arange(0, 10, 1 / 60)
UPPER = indices(GROUPS["brows"] + GROUPS["eyes"])


def of(name: str) -> int:
    return EMOTIONS.index(name)


def excited(level: float = 1.0) -> VoiceEstimate:
    ones, shares = np.full(len(T), level), np.zeros((len(T), len(CLASSES)))
    shares[:, CLASSES.index("happiness")] = 1.0
    return VoiceEstimate(Heard(shares, ones, ones, ones))


def test_every_shape_belongs_to_one_region() -> None:
    every = [n for names in REGIONS.values() for n in names]
    assert len(every) == len(set(every)) == 52
    assert set(NAMED_REGIONS["face"]) == set(REGIONS)


def test_without_a_source_nothing_is_felt_at_all() -> None:
    assert not EmotionTrack().shapes(T).any()
    assert not EmotionTrack((Label({"neutral": 1.0}),)).shapes(T).any()
    assert not EmotionTrack((Label({"anger": 0.0}),)).shapes(T).any()


def test_a_label_comes_with_its_onset_and_stays_at_its_intensity() -> None:
    mixed = EmotionTrack((Label({"happy": 0.6}, start=1.0),)).whole(T)[:, of("happiness")]
    assert not mixed[T < 1.0].any()
    np.testing.assert_allclose(mixed[T > 2.0], 0.6)
    always = EmotionTrack((Label({"happy": 0.6}, start=-np.inf),)).whole(T)[:, of("happiness")]
    np.testing.assert_allclose(always, 0.6)


def test_a_label_goes_before_a_timeline_before_tags_before_an_estimate() -> None:
    def cue(name: str, rank: int) -> Cues:
        return Cues((Cue(0.0, 9.0, name),), rank=rank)

    sources: list[EmotionSource] = [
        excited(),
        cue("sadness", 2),
        cue("anger", 1),
        Label({"fear": 0.5}, -np.inf),
    ]
    for expected, given in (
        ("fear", sources),
        ("anger", sources[:3]),
        ("sadness", sources[:2]),
        ("happiness", sources[:1]),
    ):
        middle = EmotionTrack(tuple(given)).whole(T)[300]
        assert EMOTIONS[int(middle.argmax())] == expected
    assert np.count_nonzero(EmotionTrack(tuple(sources)).whole(T)[300]) == 1


def test_a_lower_source_shows_where_a_cue_is_over_and_nothing_jumps() -> None:
    both = EmotionTrack((Cues((Cue(3.0, 5.0, "surprise"),)), excited()))
    mixed = both.whole(T)
    assert mixed[60, of("happiness")] > 0.2
    assert mixed[270, of("happiness")] == 0
    assert mixed[-1, of("happiness")] > 0.2
    assert np.abs(np.diff(mixed, axis=0)).max() < 0.15


def test_a_neutral_cue_silences_what_comes_after_it_in_rank() -> None:
    mixed = EmotionTrack((Cues((Cue(3.0, 6.0, "neutral"),)), excited())).whole(T)
    assert mixed[T < 2.9, of("happiness")].min() > 0.2
    assert mixed[270].sum() == pytest.approx(0.0) or mixed[270, 1:].sum() == 0


def test_a_region_feels_alone() -> None:
    shapes = EmotionTrack((Cues((Cue(0.0, 9.0, "surprise", 1.0, "upper"),)),), None).shapes(T)[240]
    lower = np.setdiff1d(np.arange(52), UPPER)
    assert shapes[UPPER].max() > 0.5
    assert not shapes[lower].any()


def test_regions_of_two_cues_meet_in_one_face() -> None:
    cues = (Cue(0.0, 9.0, "surprise", 1.0, "upper"), Cue(0.0, 9.0, "happiness", 1.0, "lower"))
    shapes = EmotionTrack((Cues(cues),), None).shapes(T)[200]
    up = express(mix({"surprise": 1.0})[None])[0]
    down = express(mix({"happiness": 1.0})[None])[0]
    mouth = indices(GROUPS["mouth"])
    assert shapes[UPPER] @ up[UPPER] > 0.9 * 0.7 * (up[UPPER] @ up[UPPER])
    assert shapes[mouth] @ down[mouth] > 0.9 * 0.8 * (down[mouth] @ down[mouth])


def test_the_shapes_are_a_function_of_time() -> None:
    emotions = EmotionTrack((Label({"sad": 0.7}),))
    np.testing.assert_allclose(emotions.shapes(T)[100:110], emotions.shapes(T[100:110]))


def test_nothing_has_the_shape_of_something() -> None:
    sample = EmotionSamples.nothing(4)
    assert sample.mix.shape == (4, len(REGIONS), len(EMOTIONS))
    assert sample.presence.shape == (4, len(REGIONS))
