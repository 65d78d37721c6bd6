from __future__ import annotations

import numpy as np
import pytest

from mien.models.data import augment
from mien.models.data.augment import warped
from mien.models.data.batches import Batches, Settings, quiet
from mien.models.face.blendshapes import INDEX
from mien.models.speech.features import BAND, MELS, RATE
from mien.models.speech.phones import NUMBER, UNKNOWN
from tests.models.data.beeps import beeps, corpus


def overlap(settings: Settings, seed: int) -> float:
    """Correlation of target and energy, frame by frame, over crops with speech in them."""
    batch = Batches([(corpus(), 1.0)], {}, settings, seed).next()
    begin = settings.warmup
    energy = batch.features[:, begin : begin + settings.frames, MELS + 66].numpy()  # hop 2k
    jaw = batch.shapes[..., INDEX["jawOpen"]].numpy()
    inside = batch.given[..., INDEX["jawOpen"]].numpy() > 0
    return float(np.corrcoef(energy[inside], jaw[inside])[0, 1])


@pytest.mark.parametrize("augmented", [False, True])
def test_targets_stay_with_their_sound(augmented: bool) -> None:
    settings = Settings(size=12, nothing=0.0, augment=augmented, changed=1.0)
    assert overlap(settings, 1) > (0.7 if augmented else 0.93)


def test_batches_are_reproducible_and_shaped() -> None:
    settings = Settings(size=3)
    one, two, other = (
        Batches([(corpus(), 1.0)], {"one": 2}, settings, seed).next() for seed in (0, 0, 1)
    )
    assert (one.features == two.features).all()
    assert not (one.features == other.features).all()
    total = settings.warmup + settings.frames + settings.lookahead
    assert one.features.shape == (3, total, 132)
    assert one.shapes.shape == one.given.shape == (3, 180, 52)
    assert one.speaker.tolist() == [2, 2, 2]


def test_crops_of_nothing_want_closed_lips() -> None:
    settings = Settings(size=4, nothing=1.0, laughs=0.0)
    batch = Batches([(corpus(), 1.0)], {}, settings, 0).next()
    assert (batch.silent == 1).all()
    assert (batch.shapes == 0).all()
    assert (batch.phones == NUMBER["sil"]).all()
    assert batch.given[..., INDEX["jawOpen"]].min() == 1
    assert batch.given[..., INDEX["mouthPucker"]].max() == 0


def test_rules_count_less_than_a_camera() -> None:
    settings = Settings(size=2, nothing=0.0)
    real = Batches([(corpus(), 1.0)], {}, settings, 0).next()
    rules = Batches([(corpus(beeps(kind="rules")), 1.0)], {}, settings, 0).next()
    assert real.tracked.tolist() == [1, 1]
    assert rules.tracked.tolist() == [0, 0]
    assert float(rules.weight[0]) < float(real.weight[0])


def test_quiet_keeps_away_from_speech_and_from_the_unknown() -> None:
    phones = np.zeros(100, np.int64)
    phones[50] = NUMBER["AA"]
    phones[90:] = UNKNOWN
    got = quiet(phones, 5)
    assert got[44] == 1
    assert got[45:56].max() == 0
    assert got[56] == 1
    assert got[85:].max() == 0


def test_a_channel_changes_the_sound_and_not_its_timing() -> None:
    rng = np.random.default_rng(0)
    audio = beeps().samples.astype(np.float32) / np.float32(32768)
    before = np.abs(audio).reshape(-1, 400).mean(axis=1)
    for _ in range(10):
        out = augment.channel(audio, rng)
        assert out.shape == audio.shape
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= 1.3
        after = np.abs(out).reshape(-1, 400).mean(axis=1)
        shifts = range(-8, 9)  # the tone comes back after 20
        best = max(shifts, key=lambda s: np.corrcoef(np.roll(before, s), after)[0, 1])
        assert 0 <= best <= 2  # an echo comes later, never earlier


def test_noise_has_unit_power() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert np.mean(augment.noise(16000, rng) ** 2) == pytest.approx(1.0, rel=0.01)


def test_breathing_breathes_and_pauses() -> None:
    sound = augment.breathing(20 * RATE, np.random.default_rng(1))
    still = np.abs(sound).reshape(-1, RATE // 50).max(axis=1) == 0
    assert 0.2 < still.mean() < 0.8
    breaths = np.flatnonzero(np.diff(still.astype(int)) == -1)
    assert 6 <= len(breaths) <= 40
    assert np.sqrt(np.mean(sound[np.repeat(~still, RATE // 50)] ** 2)) == pytest.approx(1, abs=0.3)


def test_another_throat_moves_the_bands_by_its_factor() -> None:
    still = warped(1.0)
    np.testing.assert_allclose(still, np.arange(MELS), atol=1e-9)
    shorter = warped(1.1)  # formants go up: each band reads from below
    assert (shorter <= still).all()
    mels = 2595 * np.log10(1 + np.asarray(BAND) / 700)
    at = 30
    hertz = [
        700 * (10 ** ((mels[0] + (mels[1] - mels[0]) * (b + 1) / (MELS + 1)) / 2595) - 1)
        for b in (still[at], shorter[at])
    ]
    assert hertz[0] / hertz[1] == pytest.approx(1.1, rel=1e-6)
