"""What is heard of a voice hardly depends on which of its sounds were said."""

import numpy as np
from numpy.typing import NDArray

from mien.models.style.prosody import STATISTICS
from mien.models.style.sound_style import CEPSTRA, SOUND, statistics

RATE = 16000
KINDS = slice(len(STATISTICS), SOUND - CEPSTRA)


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
