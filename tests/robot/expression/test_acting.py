"""Speech, feeling and life together."""

import numpy as np
import pytest

from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS, INDEX
from mien.models.face.emotion import EMOTIONS
from mien.robot.expression.emotion.track import Cue, Cues, EmotionTrack, Label
from mien.robot.expression.layers import FUSIONS, Life, act, fusion, stress, voice
from mien.robot.expression.life import BROW_REST, LID_REST

RATE, SECONDS = 16000, 8
RNG = np.random.default_rng(0)
SOUND = (RNG.normal(0, 0.1, RATE * SECONDS)).astype(np.float32)
SPOKEN = np.zeros((FPS * SECONDS, 52), np.float32)
SPOKEN[:, INDEX["jawOpen"]] = np.clip(np.sin(np.arange(FPS * SECONDS) * 0.4), 0, 1) * 0.4


def always(name: str, intensity: float) -> EmotionTrack:
    return EmotionTrack((Label({name: intensity}, -np.inf),))


@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("name", EMOTIONS)
def test_zero_intensity_is_neutral(kind: str, name: str) -> None:
    nothing = act(SPOKEN, SOUND, RATE, Life(seed=1))
    zero = act(SPOKEN, SOUND, RATE, Life(seed=1), always(name, 0.0), fusion(kind))
    assert np.abs(zero.weights - nothing.weights).max() <= 1e-6
    assert np.abs(zero.head - nothing.head).max() <= 1e-6


def test_a_tiny_intensity_changes_little() -> None:
    nothing = act(SPOKEN, SOUND, RATE, Life(seed=1))
    tiny = act(SPOKEN, SOUND, RATE, Life(seed=1), always("anger", 1e-4))
    assert 0 < np.abs(tiny.weights - nothing.weights).max() < 2e-3


def test_the_same_seeds_give_the_same_clip() -> None:
    one, two = (act(SPOKEN, SOUND, RATE, Life(seed=1), always("fear", 0.5)) for _ in range(2))
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.head, two.head)


def test_a_blink_shuts_even_wide_eyes() -> None:
    acted = act(SPOKEN, SOUND, RATE, Life(seed=1), always("surprise", 1.0))
    lid, wide = (acted.weights[:, INDEX[n]] for n in ("eyeBlinkLeft", "eyeWideLeft"))
    shut = lid > 0.99
    assert shut.any()
    assert wide[shut].max() < 0.05
    assert wide[lid < 0.1].min() > 0.5


def test_living_lids_and_brows_hang_unless_an_emotion_holds_them() -> None:
    lid, brow = INDEX["eyeBlinkLeft"], INDEX["browDownLeft"]
    calm, awake = (
        act(SPOKEN, SOUND, RATE, Life(seed=1), always(e, 1.0)) for e in ("neutral", "surprise")
    )
    assert calm.weights[:, lid].min() == pytest.approx(LID_REST)
    assert awake.weights[:, lid].min() < 0.05
    assert 0.9 * BROW_REST < calm.weights[:, brow].max() <= np.float32(BROW_REST)
    assert awake.weights[:, brow].max() < 0.25 * BROW_REST
    assert calm.weights[:, lid].max() == awake.weights[:, lid].max() == 1.0


def test_weights_and_head_stay_in_range_whatever_is_felt() -> None:
    cues = tuple(Cue(0.4 * k, 0.4 * k + 1.0, name, 1.0) for k, name in enumerate(EMOTIONS))
    acted = act(SPOKEN, SOUND, RATE, Life(seed=3), EmotionTrack((Cues(cues),)))
    assert acted.weights.dtype == np.float32
    assert acted.weights.min() >= 0
    assert acted.weights.max() <= 1
    assert np.abs(acted.head).max() <= 1
    assert acted.mix.shape == (len(SPOKEN), len(EMOTIONS))


def test_a_sad_head_hangs_and_a_surprised_one_rises() -> None:
    rest, sad, surprised = (
        act(SPOKEN, SOUND, RATE, Life(seed=1), always(n, i)).head[:, 1].mean()
        for n, i in (("neutral", 0.0), ("sadness", 1.0), ("surprise", 1.0))
    )
    assert sad < rest - 0.2
    assert surprised > rest + 0.05


@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("name", EMOTIONS)
def test_brows_rise_on_a_stress_under_every_emotion(kind: str, name: str) -> None:
    pulses = np.zeros(RATE * SECONDS, np.float32)
    for k in range(SECONDS):
        pulses[k * RATE + 4000 : k * RATE + 9000] = SOUND[:5000] * (3.0 if k % 2 else 1.0)
    acted = act(SPOKEN, pulses + 0.02 * SOUND, RATE, Life(seed=1), always(name, 1.0), fusion(kind))
    brow = sum(acted.weights[:, INDEX[n]] for n in ("browInnerUp", "browOuterUpLeft"))
    down = acted.weights[:, INDEX["browDownLeft"]]
    press = stress(pulses + 0.02 * SOUND, RATE, len(SPOKEN))
    speaks = voice(pulses + 0.02 * SOUND, RATE, len(SPOKEN)) > 0.9
    speaks[: 2 * FPS] = False  # the onset of the emotion
    height = (brow - down)[speaks]
    assert np.corrcoef(height, press[speaks])[0, 1] > 0.6
    assert np.std(height) > 0.5 * np.std(0.35 * 1.7 * press[speaks])


def test_an_unknown_fusion_is_refused() -> None:
    with pytest.raises(ModelError, match="no fusion"):
        fusion("magic")
