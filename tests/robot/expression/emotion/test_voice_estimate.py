import numpy as np
from numpy.typing import NDArray

from mien.models.face.emotion import EMOTIONS
from mien.models.style.emotion import CLASSES, Heard
from mien.robot.expression.emotion.track import EmotionTrack
from mien.robot.expression.emotion.voice_estimate import STRONGEST, VoiceEstimate, estimate

RATE, FPS = 16000, 60
Samples = NDArray[np.float32]


def hum(seconds: float, hertz: float, level: float, brightness: float) -> Samples:
    """A buzz in syllables of a quarter second, richer in overtones with ``brightness``."""
    t = np.arange(int(seconds * RATE)) / RATE
    wobble = hertz * (1 + 0.04 * np.sin(2 * np.pi * 5 * t))
    phase = 2 * np.pi * np.cumsum(wobble) / RATE
    sound = sum(np.sin(k * phase) * k ** (brightness - 2.0) for k in range(1, 20))
    gate = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * t)
    return np.asarray(level * 0.1 * gate * sound, np.float32)


def test_a_voice_that_rises_is_more_aroused_than_its_own_calm() -> None:
    calm, loud = hum(4, 110, 0.3, 0.2), hum(4, 190, 1.0, 1.0)
    m = estimate(np.concatenate([calm, loud]), 8 * FPS)
    assert m.arousal[6 * FPS] > m.arousal[2 * FPS] + 0.4
    assert np.abs(m.arousal).max() <= 1
    assert np.abs(m.valence).max() <= 1


def test_a_gain_changes_nothing() -> None:
    sound = np.concatenate([hum(2, 110, 0.5, 0.2), hum(2, 180, 0.9, 0.8)])
    a, b = estimate(2 * sound, 240), estimate(np.float32(4) * sound, 240)
    np.testing.assert_allclose(a.arousal[FPS:], b.arousal[FPS:], atol=0.05)


def test_silence_and_noise_are_unsure_and_show_nothing() -> None:
    rng = np.random.default_rng(0)
    for sound in (np.zeros(RATE * 2), rng.normal(0, 0.1, RATE * 2), np.zeros(0)):
        m = estimate(sound.astype(np.float32), 120)
        assert len(m.confidence) == 120
        assert not m.confidence.any()
        assert not EmotionTrack((VoiceEstimate(m),)).shapes(np.arange(120) / FPS).any()


def test_the_estimate_never_shows_strongly() -> None:
    m = estimate(np.concatenate([hum(3, 100, 0.1, 0), hum(3, 300, 1, 1.5)]), 360)
    mixed = EmotionTrack((VoiceEstimate(m),)).whole(np.arange(360) / FPS)
    assert 0 < mixed.max() <= STRONGEST
    assert not mixed[:, EMOTIONS.index("contempt")].any()


def test_a_guess_among_four_shows_nothing() -> None:
    ones = np.ones(60)
    m = Heard(np.full((60, len(CLASSES)), 0.25), ones, ones, ones)
    assert not VoiceEstimate(m).sample(np.arange(60) / FPS).mix.any()
