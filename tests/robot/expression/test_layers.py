import numpy as np
import pytest

from mien.models.face.blendshapes import FPS, INDEX
from mien.robot.expression.layers import Life, combine, stress

T = np.arange(20 * FPS) / FPS
QUIET = np.zeros(len(T))
MOUTH = [i for n, i in INDEX.items() if n.startswith(("mouth", "jaw", "tongue"))]


def test_the_same_seed_lives_the_same_life_and_a_longer_clip_begins_alike() -> None:
    long = Life(seed=3).weights(T, QUIET)
    np.testing.assert_array_equal(long, Life(seed=3).weights(T, QUIET))
    np.testing.assert_array_equal(long[:600], Life(seed=3).weights(T[:600], QUIET[:600]))
    assert np.abs(long - Life(seed=4).weights(T, QUIET)).max() > 0.1


def test_life_never_touches_the_mouth_and_stays_in_range() -> None:
    out = Life().weights(T, np.ones(len(T)))
    assert np.all(out[:, MOUTH] == 0)
    assert out.min() >= 0
    assert out.max() <= 1


def test_blinks_close_the_eyes_as_often_as_people_do() -> None:
    t = np.arange(300 * FPS) / FPS
    lid = Life(seed=1).weights(t, np.zeros(len(t)))[:, INDEX["eyeBlinkLeft"]]
    starts = np.sum((lid[1:] > 0.9) & (lid[:-1] <= 0.9))
    assert 60 <= starts <= 150  # 12 to 30 a minute


def test_amount_zero_is_a_statue() -> None:
    assert not Life(amount=0.0).weights(T, np.ones(len(T))).any()
    assert not Life(amount=0.0).head(T, np.ones(len(T))).any()


def test_the_head_starts_from_neutral_and_stays_within_reach() -> None:
    head = Life(seed=2).head(T, QUIET)
    np.testing.assert_allclose(head[0], 0, atol=1e-9)
    assert np.abs(head).max() < 0.5


def test_stress_follows_loud_syllables_and_not_silence() -> None:
    rate, loud = 16000, np.zeros(16000 * 4, np.float32)
    loud[2 * rate : 2 * rate + 2400] = np.sin(np.arange(2400) * 0.1) * 0.3
    s = stress(loud, rate, 240)
    assert s.shape == (240,)
    assert 115 <= int(s.argmax()) <= 130
    assert s[:60].max() < 0.05
    assert stress(np.zeros(rate, np.float32), rate, 60).max() < 0.05


def test_layers_add_and_are_kept_in_range() -> None:
    one = np.full((2, 52), 0.7, np.float32)
    assert combine(one, one).max() == 1.0
    assert combine(one, -2 * one).min() == 0.0
    assert combine(one).sum() == pytest.approx(one.sum())
