"""What is heard of a voice hardly depends on which of its sounds were said."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mien.models.speech.features import MELS, extract
from mien.models.style.prosody import QUIET_DB, STATISTICS
from mien.models.style.sound_style import (
    CEPSTRA,
    OF_PRINT,
    OF_STYLE,
    SOUND,
    StatisticsStream,
    statistics,
)

RATE = 16000
KINDS = slice(len(STATISTICS), OF_PRINT.stop - CEPSTRA)


def buzz(seconds: float, tilt: float) -> NDArray[np.float32]:
    """A voice of 120 Hz in syllables; more tilt is darker."""
    t = np.arange(int(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 120 * k * t) / k**tilt for k in range(1, 60))
    return np.asarray((0.6 - 0.4 * np.cos(25.1 * t)) * tones / np.std(tones), np.float32)


def kinds(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    return statistics(sound)[KINDS].reshape(-1, CEPSTRA)


def test_a_kind_of_sound_stays_as_it_is_however_much_of_it_is_said() -> None:
    def said(dark_s: float, bright_s: float) -> NDArray[np.float64]:
        return kinds(np.concatenate([buzz(dark_s, 2.5), buzz(bright_s, 0.3)]))

    apart = np.linalg.norm(kinds(buzz(4.0, 2.5)) - kinds(buzz(4.0, 0.3)), axis=1).max()
    moved = np.sort(np.linalg.norm(said(3.0, 1.0) - said(1.0, 3.0), axis=1))
    assert apart > 1.0
    assert moved[1] < 0.1 * apart  # the dark kind and the bright one
    assert moved[3] > 0.3 * apart  # kinds that were not heard have the means of all speech


def test_kinds_that_were_not_heard_are_alike() -> None:
    found = kinds(np.concatenate([buzz(2.0, 2.5), buzz(2.0, 0.3)]))
    assert found.shape == (4, CEPSTRA)
    pairs = [np.abs(found[a] - found[b]).max() for a in range(4) for b in range(a)]
    assert min(pairs) < 1e-9
    assert max(pairs) > 0.5


def test_a_style_is_heard_in_prosody_and_in_the_mean_and_spread_of_twelve_cepstra() -> None:
    sound = np.concatenate([buzz(2.0, 2.5), buzz(2.0, 0.3)])
    x = (sound * (0.06 / np.sqrt(np.mean(sound.astype(np.float64) ** 2)))).astype(np.float32)
    hops = extract(x)[0]
    speech = hops[20.0 * (hops[:, MELS] - 1.0) > QUIET_DB][:, :MELS].astype(np.float64)
    cepstra = fft.dct(speech, axis=1, norm="ortho")[:, 1:13]
    found = statistics(sound)
    assert found.shape == (SOUND,)
    own = found[OF_STYLE]
    np.testing.assert_array_equal(own[: len(STATISTICS)], found[: len(STATISTICS)])
    np.testing.assert_allclose(own[len(STATISTICS) : -12], cepstra.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(own[-12:], cepstra.std(axis=0), atol=1e-4)
    stream = StatisticsStream()
    for k in range(0, len(sound), 160):
        stream.push(sound[k : k + 160])
    assert stream.statistics.shape == (SOUND,)
    assert np.abs(stream.statistics - found)[len(STATISTICS) :].max() < 0.3
