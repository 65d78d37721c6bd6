"""The space of feeling: what is said comes near the motion that is meant, without jumps."""

from pathlib import Path

import numpy as np
import pytest

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.emotion import EMOTIONS, blend
from mien.models.feeling.space import FEELINGS, KIND, LONGEST, SIZE, Space, bounded, scaled, space


@pytest.fixture(scope="module")
def told() -> Space:
    return space()


def _strongest(found: Space, text: str) -> str:
    values = found.intensities(found.of_text(text))
    return FEELINGS[int(values.argmax())] if values.max() > 0.1 else "neutral"


@pytest.mark.parametrize(
    ("text", "feeling"),
    [
        ("she is so happy", "happiness"),
        ("he weeps at the grave of his mother", "sadness"),
        ("how dare you, get out!", "anger"),
        ("run, he has a knife!", "fear"),
        ("ugh, the rotten meat is full of maggots", "disgust"),
        ("what a surprise, I had no idea!", "surprise"),
        ("he sneers at the losers", "contempt"),
        ("the bus leaves at nine", "neutral"),
        ("he reads a recipe", "neutral"),
        ("the bridge was built in 1932", "neutral"),
        ("the exam went better than she hoped", "happiness"),
    ],
)
def test_a_plain_description_is_understood(told: Space, text: str, feeling: str) -> None:
    assert _strongest(told, text) == feeling


def test_a_label_comes_back_as_it_was(told: Space) -> None:
    for k, name in enumerate(FEELINGS):
        for strength in (0.2, 0.5, 0.7):
            found = told.intensities(told.of_label({name: strength}))
            assert found[k] == pytest.approx(strength, abs=0.06)
            assert found.argmax() == k


def test_the_motion_of_a_label_is_near_the_label(told: Space) -> None:
    for name in FEELINGS:
        mixed = np.zeros((1, len(EMOTIONS)))
        mixed[0, EMOTIONS.index(name)] = 0.6
        face = np.concatenate([blend(mixed), np.zeros((1, 3))], axis=1)
        point = told.of_motion(face)[0]
        far = [np.linalg.norm(point - told.of_label({n: 0.6})) for n in FEELINGS]
        assert FEELINGS[int(np.argmin(far))] == name


def test_the_space_is_continuous(told: Space) -> None:
    texts = ("she laughs out loud", "he screams with rage", "the bus leaves at nine")
    points = [told.of_text(t) for t in texts]
    for a, b in zip(points, points[1:] + points[:1], strict=True):
        way = np.linspace(0.0, 1.0, 201)[:, None]
        found = told.intensities(a + way * (b - a))
        length = float(np.linalg.norm(b - a)) / 200
        assert np.abs(np.diff(found, axis=0)).max() <= 2.5 * length


def test_points_stay_within_the_ball_and_short_ones_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0.0, 1.0, (50, SIZE))
    assert np.linalg.norm(bounded(points), axis=1).max() < LONGEST + 1e-9
    short = 0.6 * points / np.linalg.norm(points, axis=1, keepdims=True)
    assert np.allclose(bounded(short), short)


def test_more_degree_is_more_and_never_whole() -> None:
    point = 0.5 * np.eye(SIZE)[3]
    lengths = [float(np.linalg.norm(scaled(point, d))) for d in (0.3, 0.5, 1.0, 1.5, 2.2, 4.0)]
    assert lengths == sorted(lengths)
    assert lengths[2] == pytest.approx(0.5)
    assert lengths[-1] < 1.0


def test_a_text_without_english_words_is_refused(told: Space) -> None:
    with pytest.raises(ModelError, match="no English word"):
        told.of_text("???")


def test_a_sound_without_emotion_is_near_rest(told: Space) -> None:
    shares = np.array([[0.97, 0.01, 0.01, 0.01], [0.02, 0.94, 0.02, 0.02]])
    plane = np.array([[0.0, 0.0], [0.6, 0.8]])
    quiet, glad = np.linalg.norm(told.of_sound(shares, plane), axis=1)
    assert quiet < 0.25 < glad


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    checkpoint.save(path, {"x": np.zeros(3, np.float32)}, {"kind": KIND, "version": 1})
    with pytest.raises(ModelError):
        Space(path)


def test_what_is_rather_one_feeling_does_not_look_like_none(told: Space) -> None:
    """A scene that leaves some doubt is still nearer to its feeling than to rest."""
    point = told.of_text("the doctor shakes his head")
    most = told.of_label({FEELINGS[int(told.intensities(point).argmax())]: 0.35})
    assert np.linalg.norm(point - most) < np.linalg.norm(point)
