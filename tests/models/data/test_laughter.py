"""Made-up laughter: bursts that are heard where the lips part, and breath between them."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.data.batches import Batches, Settings
from mien.models.data.laughter import BURSTS_HZ, OPENING, laughter
from mien.models.face.blendshapes import FPS, INDEX
from mien.models.speech.features import RATE
from mien.models.speech.phones import UNKNOWN
from tests.models.data.beeps import corpus

SECONDS = 6


def laugh(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return laughter(SECONDS * RATE, SECONDS * FPS, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(6))
def test_lips_part_where_it_is_loud_and_come_back(seed: int) -> None:
    sound, opening = laugh(seed)
    assert sound.shape == (SECONDS * RATE,)
    assert opening.shape == (SECONDS * FPS,)
    assert np.mean(sound**2) == pytest.approx(1.0, rel=1e-3)
    assert np.isfinite(sound).all()
    assert 0 <= opening.min() < 1e-6
    assert 0.3 * OPENING[0] < opening.max() <= OPENING[1]
    size = RATE // FPS
    power = np.mean(sound[: len(opening) * size].reshape(-1, size) ** 2, axis=1)
    level = 10 * np.log10(power + 1e-6)
    assert level[opening > 0.5 * opening.max()].mean() > level[opening < 1e-3].mean() + 6
    assert np.array_equal(sound, laugh(seed)[0])


def test_bursts_come_as_often_as_in_a_laugh() -> None:
    apart = []
    for seed in range(12):
        _, opening = laugh(seed)
        rises = np.flatnonzero((opening[1:] > 0.02) & (opening[:-1] <= 0.02))
        apart += [FPS / gap for gap in np.diff(rises)]
    assert 0.7 * BURSTS_HZ[0] < np.median(apart) < BURSTS_HZ[1]


def test_a_crop_of_laughter_wants_lips_that_part_and_rest() -> None:
    settings = Settings(size=6, nothing=1.0, laughs=1.0)
    batch = Batches([(corpus(), 1.0)], {"one": 2}, settings, 0).next()
    jaw = batch.shapes[..., INDEX["jawOpen"]]
    assert float(jaw.max()) > 0.5 * OPENING[0]
    assert (batch.shapes[..., INDEX["mouthClose"]] == 0).all()
    assert (batch.phones == UNKNOWN).all()
    assert ((batch.silent == 1) == (jaw < 0.01)).all()
    assert batch.tracked.max() == 0  # no face was filmed
    assert batch.speaker.max() == 0


def test_laughter_stays_with_its_sound() -> None:
    """The energy of the frame that a target describes."""
    settings = Settings(size=8, nothing=1.0, laughs=1.0, augment=False, starts=0.0)
    batch = Batches([(corpus(), 1.0)], {}, settings, 3).next()
    jaw = batch.shapes[..., INDEX["jawOpen"]].numpy()
    first = settings.warmup
    energy = batch.features[:, :, :64].mean(dim=2).numpy()

    def fit(shift: int) -> float:
        part = energy[:, first + shift : first + shift + settings.frames]
        return float(np.corrcoef(part.ravel(), jaw.ravel())[0, 1])

    assert max(range(-5, 6), key=fit) in (-1, 0, 1)
