"""The network that ships, on sounds that are no speech: lips stay closed, or close again at once.

Openings are in shares of the 95th percentile that speech reaches; below CLOSED they count as
closed, as in ``models/speech/metrics.py``. A twitch is a step over that line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models.data.lip_metrics import CLOSED
from mien.models.face.blendshapes import FPS, lip_opening
from mien.models.speech import runtime_numpy as speech_light
from mien.models.speech.features import RATE
from mien.models.speech.stream import speak
from mien.robot.media import audio
from tests.models.speech import nonspeech

SECONDS = 8.0
SETTLED = FPS // 2
"""Frames after a sound begins that are not judged: the last word ends, the level is found."""


def opened(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T,) how far the lips open, 1 as far as in speech."""
    return lip_opening(speak(speech_light.load(), samples)) / reach()


@cache
def reach() -> float:
    opening = lip_opening(speak(speech_light.load(), audio.load(audio.LJ_DEMO)))
    return float(np.percentile(opening, 95))


def twitches(opening: NDArray[np.float64]) -> int:
    return int(np.sum((opening[1:] > CLOSED) & (opening[:-1] <= CLOSED)))


def openings(
    make: Callable[[float, int], NDArray[np.float32]], seed: int, first: bool
) -> NDArray[np.float64]:
    """Openings of SECONDS of a sound, after a sentence or as the first thing that is heard."""
    before = np.zeros(0, np.float32) if first else audio.load(audio.LJ_DEMO)
    opening = opened(np.concatenate([before, make(SECONDS, seed)]))
    return opening[len(before) * FPS // RATE + SETTLED :]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("make", "first"),
    [
        (make, first)
        for make in (
            *(nonspeech.room, nonspeech.hum, nonspeech.keyboard, nonspeech.breath, nonspeech.music),
        )
        for first in (True, False)
    ],
)
def test_lips_stay_closed_and_still(
    make: Callable[[float, int], NDArray[np.float32]], first: bool, seed: int
) -> None:
    opening = openings(make, seed, first)
    assert np.percentile(opening, 95) < CLOSED
    assert twitches(opening) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_a_breath_never_jams_the_mouth(seed: int) -> None:
    opening = openings(nonspeech.breath, seed, first=True)
    windows = opening[: len(opening) // FPS * FPS].reshape(-1, FPS)
    assert opening.max() < 0.7
    # Breaths come every 3 s and last 1.8: within any 3 s the lips have met.
    for k in range(len(windows) - 2):
        assert windows[k : k + 3].min() < CLOSED


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("rate", [4.2, 4.6, 5.0])
def test_laughter_opens_and_closes_and_ends(rate: float, seed: int) -> None:
    laugh = nonspeech.laughter(3.0, seed, rate=rate)
    parts = [audio.load(audio.LJ_DEMO)[: 2 * RATE], laugh, nonspeech.room(2.0, seed, -60.0)]
    opening = opened(np.concatenate(parts))
    during, after = opening[2 * FPS + 12 : 5 * FPS], opening[5 * FPS :]
    assert during.max() > 0.4  # a laughing mouth is open
    # Between bursts it comes back: no second without lips that are near each other.
    for at in range(0, len(during) - FPS + 1, 10):
        assert during[at : at + FPS].min() < 0.25
    assert after[round(0.3 * FPS) :].max() < CLOSED
