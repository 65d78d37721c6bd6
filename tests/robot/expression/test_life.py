import numpy as np
import pytest

from mien.models.face.blendshapes import FPS, INDEX
from mien.robot.expression.emotion.prosody import pauses, voice
from mien.robot.expression.life import BLINK_EVERY_S, DOUBLE_AFTER_S, Glance, Life

T = np.arange(30 * FPS) / FPS
QUIET = np.zeros(len(T))


def talk(*spans: tuple[float, float]) -> np.ndarray:
    out = np.zeros(len(T))
    for start, end in spans:
        out[(start <= T) & (end > T)] = 1.0
    return out


def test_a_speaker_blinks_where_he_pauses() -> None:
    stops = [2.0, 5.1, 8.2, 11.3, 14.4, 17.5, 20.6]
    there = talk(*[(s - 2.0, s) for s in stops], (23.0, 30.0))
    hits = []
    for seed in range(10):
        blinks = Life(seed=seed).blinks(30.0, pauses(there))
        hits += [np.abs(blinks - s).min() < 0.2 for s in stops]
    assert 0.45 < np.mean(hits) < 0.85


def test_some_blinks_are_double() -> None:
    gaps = np.concatenate([np.diff(Life(seed=s).blinks(300.0, np.zeros(0))) for s in range(10)])
    double = np.abs(gaps - DOUBLE_AFTER_S) < 1e-9
    assert 0.04 < double.mean() < 0.2
    assert gaps[~double].min() > BLINK_EVERY_S[0] - DOUBLE_AFTER_S - 1e-9


def test_gaze_goes_where_it_is_sent_and_stays_about_there() -> None:
    life = Life(seed=1, glances=(Glance(1.0, 0.6, -0.3), Glance(6.0, -0.5, 0.2)))
    out = life.weights(T, QUIET)
    left = out[:, INDEX["eyeLookOutLeft"]] - out[:, INDEX["eyeLookInLeft"]]
    up = out[:, INDEX["eyeLookUpLeft"]] - out[:, INDEX["eyeLookDownLeft"]]
    assert left[(T > 2) & (T < 6)].mean() == pytest.approx(0.6, abs=0.12)
    assert up[(T > 2) & (T < 6)].mean() == pytest.approx(-0.3, abs=0.1)
    assert left[T > 7].mean() == pytest.approx(-0.5, abs=0.12)
    assert np.abs(np.diff(left[T < 6.0])).max() < 0.6  # a saccade takes time


def test_both_eyes_look_the_same_way() -> None:
    out = Life(seed=2).weights(T, QUIET)
    left = out[:, INDEX["eyeLookOutLeft"]] - out[:, INDEX["eyeLookInLeft"]]
    right = out[:, INDEX["eyeLookInRight"]] - out[:, INDEX["eyeLookOutRight"]]
    np.testing.assert_allclose(left, right)


def test_breath_is_slow_at_rest_and_drawn_in_a_speakers_pause() -> None:
    life = Life(seed=4)
    rest = life.breath(T)
    rises = np.sum((rest[1:] > 0) & (rest[:-1] <= 0))
    assert 6 <= rises <= 9  # 12 to 18 a minute
    there = talk((0.0, 10.0), (10.8, 30.0))
    drawn = life.breath(T, there)
    assert drawn[(T > 10.2) & (T < 11.2)].max() > 0.5
    assert np.abs(drawn[(T > 4) & (T < 9)]).max() < 0.3


def test_an_aroused_head_moves_more() -> None:
    stress = np.clip(np.sin(T * 4), 0, 1)
    calm, excited = (Life(seed=1).head(T, stress, None, e) for e in (1.0, 2.0))
    assert excited[:, 0].std() > 1.8 * calm[:, 0].std()


def test_voice_bridges_plosives_and_ends_in_pauses() -> None:
    rate = 16000
    t = np.arange(4 * rate) / rate
    sound = (0.2 * np.sin(2 * np.pi * 150 * t)).astype(np.float32)
    sound[int(1.0 * rate) : int(1.1 * rate)] = 0  # a /p/
    sound[int(2.0 * rate) : int(2.8 * rate)] = 0  # a pause
    there = voice(sound, rate, 240)
    assert there[60:66].min() > 0.9
    assert there[138:154].max() < 0.2
    assert pauses(there) == pytest.approx([2.0], abs=0.25)


def test_silence_hum_and_nothing_are_no_voice() -> None:
    assert not voice(np.zeros(16000, np.float32), 16000, 60).any()
    assert not voice(np.zeros(0, np.float32), 16000, 60).any()
    assert len(pauses(np.zeros(60))) == 0
