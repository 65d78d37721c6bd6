"""Vowels held for seconds, as in a called name or a song: WORLD stretches recorded speech.

WORLD (Morise, Yokomori & Ozawa, 2016; PyPI ``pyworld``) splits a voice into pitch, spectral
envelope and aperiodicity every 5 ms. Frames of a vowel's middle are repeated slowly, so the sound
lasts and stays the same vowel; its phones are moved along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.corpora.synthetic import rule_clip
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels.phone_names import from_labels, merge_silence
from mien.models.data.schema import Clip
from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE
from mien.models.speech.phones import SILENCE, VOWELS, Phone

PERIOD_S: Final = 0.005
"""Time between two frames of WORLD, s."""
MIDDLE: Final = (0.35, 0.65)
"""Part of a vowel that lasts longer; its beginning and end keep their time."""
GLIDE_S: Final = 0.08
"""Time in which a sung pitch goes from one note to the next, s."""
SHORTEST_S: Final = 0.06
"""Shortest vowel that is stretched, s."""


def world() -> Any:
    """The package ``pyworld``.

    Raises:
        ModelError: it is not installed.
    """
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it reads its version through pkg_resources
            import pyworld
    except ImportError as e:
        raise ModelError(f"{e.name} is not installed", "pip install pyworld 'setuptools<81'") from e
    return pyworld


def stretch(
    spoken: Spoken,
    seconds: dict[int, float],
    pitch: float = 1.0,
    vibrato: float = 0.0,
    melody: dict[int, float] | None = None,
) -> Spoken:
    """An utterance in which some phones last longer.

    Args:
        spoken: the utterance.
        seconds: index of a phone -> its new length, s.
        pitch: factor of the pitch.
        vibrato: relative depth of a vibrato of 5.5 Hz in the whole utterance.
        melody: index of a phone -> its pitch, Hz, which lasts to the next one; None keeps the
            contour of the utterance.
    """
    w = world()
    sound = spoken.samples.astype(np.float64) / 32768
    f0, t = w.dio(sound, RATE, frame_period=1000 * PERIOD_S)
    f0 = w.stonemask(sound, f0, t, RATE)
    envelope = w.cheaptrick(sound, f0, t, RATE)
    noise = w.d4c(sound, f0, t, RATE)
    source, phones = _times(spoken.phones, seconds)
    at = np.clip(source / PERIOD_S, 0, len(f0) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(f0) - 1)
    part = at - low
    nearest = np.where(part < 0.5, low, high)
    tone = f0[nearest] * pitch
    if melody:
        tone = _sung(tone, phones, melody)
    tone *= 1 + vibrato * np.sin(2 * np.pi * 5.5 * PERIOD_S * np.arange(len(tone)))
    log = np.log(envelope + 1e-16)
    spectrum = np.exp(log[low] * (1 - part)[:, None] + log[high] * part[:, None])
    out = w.synthesize(tone, spectrum, noise[nearest], RATE, frame_period=1000 * PERIOD_S)
    samples = np.clip(np.rint(out * 32767), -32768, 32767).astype(np.int16)
    length = len(samples) / RATE
    inside = [Phone(p.name, p.start, min(p.end, length)) for p in phones if p.start < length]
    return Spoken(samples, merge_silence(inside))


def _sung(
    tone: NDArray[np.float64], phones: Sequence[Phone], melody: dict[int, float]
) -> NDArray[np.float64]:
    """Pitch (T,) of a voice that glides from note to note; 0 stays where it has no voice."""
    at = PERIOD_S * np.arange(len(tone))
    starts = np.array([phones[i].start for i in sorted(melody)])
    notes = np.log(np.array([melody[i] for i in sorted(melody)]))
    now = np.maximum(np.searchsorted(starts, at, side="right") - 1, 0)
    share = np.clip((at - starts[now]) / GLIDE_S, 0.0, 1.0)
    before = notes[np.maximum(now - 1, 0)]
    sung = np.exp(before + share * share * (3.0 - 2.0 * share) * (notes[now] - before))
    held = np.zeros(len(tone), np.bool_)
    for i in melody:
        held |= (at >= phones[i].start) & (at < phones[i].end)
    return np.asarray(np.where(held | (tone > 0), sung, 0.0))


def _times(
    phones: Sequence[Phone], seconds: dict[int, float]
) -> tuple[NDArray[np.float64], list[Phone]]:
    """Source time of each new frame of WORLD, s, and the moved phones."""
    source_at, new_at, now = [0.0], [0.0], 0.0
    moved: list[Phone] = []
    for i, phone in enumerate(phones):
        own = phone.end - phone.start
        wanted = max(seconds.get(i, own), own)
        begin, end = (phone.start + own * m for m in MIDDLE)
        for source, new in (
            (phone.start, now),
            (begin, now + (begin - phone.start)),
            (end, now + wanted - (phone.end - end)),
            (phone.end, now + wanted),
        ):
            if new > new_at[-1]:
                source_at.append(source)
                new_at.append(new)
        moved.append(Phone(phone.name, now, now + wanted))
        now += wanted
    frames = np.arange(int(now / PERIOD_S)) * PERIOD_S
    return np.interp(frames, new_at, source_at), moved


def vowels(phones: Sequence[Phone]) -> list[int]:
    """Indices of the vowels that are long enough to be stretched."""
    return [i for i, p in enumerate(phones) if p.name in VOWELS and p.end - p.start >= SHORTEST_S]


def cut_after(spoken: Spoken, index: int, silence_s: float = 1.0, fade_s: float = 0.02) -> Spoken:
    """The utterance up to the end of a phone, then silence."""
    end = int(spoken.phones[index].end * RATE)
    sound = spoken.samples[:end].astype(np.float64)
    fade = min(int(fade_s * RATE), end)
    sound[end - fade :] *= np.linspace(1, 0, fade)
    rest = np.zeros(int(silence_s * RATE))
    samples = np.concatenate([sound, rest]).astype(np.int16)
    last = Phone(SILENCE, end / RATE, len(samples) / RATE)
    return Spoken(samples, merge_silence([*spoken.phones[: index + 1], last]))


def held(clip: Clip, rng: np.random.Generator, most: float = 8.0) -> Clip | None:
    """A clip with rules of at most ``most`` s whose vowels last 0.3 to 3 s at another pitch.

    Returns:
        The clip, or None if it has no vowel to stretch.
    """
    frames = min(len(clip.phones), int(most * FPS)) // 3 * 3
    begin = 3 * int(rng.integers(0, max((len(clip.phones) - frames) // 3, 0) + 1))
    labels = clip.phones[begin : begin + frames]
    samples = clip.samples[begin * RATE // FPS : (begin + frames) * RATE // FPS]
    spoken = Spoken(samples, from_labels(labels, FPS))
    found = vowels(spoken.phones)
    if not found or (labels < 0).any():
        return None
    chosen = rng.permutation(found)[: int(rng.integers(1, 5))]
    seconds = {int(i): float(rng.uniform(0.3, 3.0)) for i in chosen}
    vibrato = float(rng.choice([0.0, 0.0, 0.02]))
    long = stretch(spoken, seconds, float(2 ** rng.uniform(-0.4, 0.7)), vibrato)
    if rng.random() < 0.4 and max(chosen) < len(long.phones):
        long = cut_after(long, int(max(chosen)), float(rng.uniform(0.5, 1.5)))
    return rule_clip(f"{clip.name}-held", "held", clip.speaker, long)
