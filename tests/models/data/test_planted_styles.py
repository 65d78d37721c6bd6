"""The teacher plants the same styles from the same seed, and what it plants can be seen."""

import numpy as np

from mien.models.data.planted_styles import HEARD, PLANTED, factors, performed, planted
from mien.models.style.channels import CHANNELS, SMILES
from mien.models.style.visemes import VISEMES

RNG = np.random.default_rng(0)
SPEAKERS = [s for s in "abcdefghij" for _ in range(4)]
EMOTIONS = ["neutral", "happy", "angry", "sad"] * 10
TRAITS = RNG.normal(size=(40, 6))


def test_the_same_seed_plants_the_same() -> None:
    one, two = (planted(TRAITS, SPEAKERS, EMOTIONS, 0) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - planted(TRAITS, SPEAKERS, EMOTIONS, 1)).max() > 0.1


def test_voices_that_sound_alike_move_alike_but_for_what_is_their_own() -> None:
    rows = np.concatenate([TRAITS[:1], TRAITS])
    styles = planted(rows, ["z", *SPEAKERS], ["sad", *EMOTIONS])
    near = np.abs(styles[0] - styles[1]).mean()
    far = np.abs(styles[0] - styles[2:]).mean()
    assert 0.0 < near < 0.8 * far
    assert 0.5 < HEARD < 1.0


def test_speaker_and_emotion_do_not_add() -> None:
    """What is left of a speaker x emotion table without its margins."""
    traits = np.tile(TRAITS[:4], (10, 1)) + np.repeat(RNG.normal(size=(10, 6)), 4, axis=0)
    table = planted(traits, SPEAKERS, EMOTIONS).reshape(10, 4, len(PLANTED))
    rest = table - table.mean(axis=0) - table.mean(axis=1)[:, None] + table.mean(axis=(0, 1))
    assert rest.std() > 0.2 * table.std()


def test_a_class_is_moved_by_its_own_amplitude() -> None:
    style = np.zeros(len(PLANTED))
    style[VISEMES.index("round")] = 0.4
    neutral, shares = np.full((6, len(CHANNELS)), 0.2), np.zeros((6, len(VISEMES)))
    shares[:3, VISEMES.index("round")] = 1.0
    out = performed(neutral, shares, np.ones(6), style)
    np.testing.assert_allclose(out[:3, 0], 0.2 * np.exp(0.4))
    np.testing.assert_allclose(out[3:, 0], 0.2)
    assert factors(style)[VISEMES.index("round")] == 0.4


def test_left_moves_more_than_right_and_a_smile_is_added_while_speaking() -> None:
    style = np.zeros(len(PLANTED))
    style[PLANTED.index("asymmetry")], style[PLANTED.index("smile")] = 0.2, 0.1
    neutral, shares = np.full((2, len(CHANNELS)), 0.2), np.zeros((2, len(VISEMES)))
    out = performed(neutral, shares, np.array([1.0, 0.0]), style)
    left, right = CHANNELS.index("mouthStretchLeft"), CHANNELS.index("mouthStretchRight")
    np.testing.assert_allclose(out[0, left] / out[0, right], 1.2 / 0.8)
    np.testing.assert_allclose(out[0, SMILES[0]] - out[1, SMILES[0]], 0.1 * 1.2)


def test_closed_lips_stay_closed() -> None:
    neutral = np.zeros((3, len(CHANNELS)))
    out = performed(neutral, np.ones((3, len(VISEMES))) / 4, np.ones(3), np.full(len(PLANTED), 0.3))
    assert not out[:, : SMILES[0]].any()
