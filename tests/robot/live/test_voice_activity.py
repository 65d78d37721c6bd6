from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.robot.live.voice_activity import HOP_SAMPLES, VoiceActivity
from mien.robot.media import audio
from mien.robot.media.audio import RATE

SECONDS = 12
T = np.arange(SECONDS * RATE) / RATE


def gates(sound: NDArray[np.floating]) -> NDArray[np.float64]:
    """Gate after each hop."""
    listen = VoiceActivity()
    hops = (
        sound[: len(sound) // HOP_SAMPLES * HOP_SAMPLES].astype(np.float32).reshape(-1, HOP_SAMPLES)
    )
    return np.array([listen.push(h).gate for h in hops])


def hits(rng: np.random.Generator, every_s: float, length_s: float) -> NDArray[np.float64]:
    sound = np.zeros(len(T))
    size = int(length_s * RATE)
    for at in range(0, len(T) - size, int(every_s * RATE)):
        sound[at : at + size] += np.exp(-np.arange(size) / size * 6) * rng.normal(size=size)
    return sound


NOISES: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "silence": lambda r: 0.0 * r.normal(size=len(T)),
    "white noise": lambda r: 0.05 * r.normal(size=len(T)),
    "loud white noise": lambda r: 0.3 * r.normal(size=len(T)),
    "a fan": lambda r: 0.03 * r.normal(size=len(T)) * (1 + 0.2 * np.sin(2 * np.pi * 0.3 * T)),
    "knocks": lambda r: 0.3 * hits(r, 0.56, 0.1),
    "typing": lambda r: 0.1 * hits(r, 0.13, 0.05),
}


@pytest.mark.parametrize("name", NOISES)
def test_noise_never_opens_the_mouth(name: str) -> None:
    assert gates(NOISES[name](np.random.default_rng(0))).max() < 0.5


def test_mains_hum_is_let_in_for_two_seconds_at_most() -> None:
    hum = 0.05 * np.sin(2 * np.pi * 100 * T) + 0.02 * np.sin(2 * np.pi * 150 * T)
    assert gates(hum)[200:].max() == 0.0


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_speech_opens_it_also_in_noise(noise: float) -> None:
    speech = audio.load(audio.LJ_DEMO)
    rng = np.random.default_rng(0)
    quiet = 2 * RATE
    sound = np.concatenate([np.zeros(quiet, np.float32), speech])
    sound = sound + noise * speech.std() * rng.normal(size=len(sound))
    gate = gates(sound)
    level = np.square(
        speech[: len(speech) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
    ).mean(1)
    loud = level > level.max() * 10**-2.5
    assert gate[: quiet // HOP_SAMPLES].max() < 0.5
    assert (gate[quiet // HOP_SAMPLES :][: len(loud)][loud] > 0.5).mean() > 0.93


def test_it_closes_after_speech() -> None:
    speech = audio.load(audio.LJ_DEMO)
    gate = gates(np.concatenate([speech, np.zeros(RATE, np.float32)]))
    assert gate[-1] == 0.0


def test_how_the_sound_is_cut_makes_no_difference() -> None:
    speech = audio.load(audio.LJ_DEMO)[: 2 * RATE]
    one, many = VoiceActivity(), VoiceActivity()
    one.push(speech)
    for at in range(0, len(speech), 97):
        many.push(speech[at : at + 97])
        many.push(speech[:0])
    assert one.state == many.state
