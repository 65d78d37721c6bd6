"""Laughter: bursts of a voice's own open vowel with breath between, after speech.

Laughter is a row of 3 to 6 vowels a second, of which each is softer and lower than the one before
(Bachorowski, Smoski & Owren 2001, J. Acoust. Soc. Am. 110:1581). Between two of them the breath is
too short for lips that close, and too long for lips that stay open.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from mien.models.data.corpora.synthetic import rule_clip
from mien.models.data.corpora.voices import Spoken
from mien.models.data.schema import Clip
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE
from mien.models.speech.phones import SILENCE, Phone, from_labels, merge_silence

OPEN: Final = ("AA", "AE", "AH", "AO", "AY", "AW", "EH")
"""Vowels that people laugh with."""
SHORTEST_S: Final = 0.07
"""Shortest vowel that is used, s."""
_BEFORE_S: Final = 3.0  # speech before the laughter, at most


def laughs(clip: Clip, rng: np.random.Generator) -> Clip | None:
    """Up to 3 s of a clip with rules, then laughter in its voice, then silence.

    Returns:
        The clip, or None if it has no vowel to laugh with.
    """
    spoken = Spoken(clip.samples, from_labels(clip.phones, FPS))
    long = [p for p in spoken.phones if p.name in OPEN and p.end - p.start >= SHORTEST_S]
    if not long or (clip.phones < 0).any():
        return None
    vowel = long[int(rng.integers(len(long)))]
    sound = clip.samples[int(vowel.start * RATE) : int(vowel.end * RATE)].astype(np.float64)
    kept = [p for p in spoken.phones if p.end < _BEFORE_S]
    now = kept[-1].end if kept else 0.0
    parts, phones = [clip.samples[: round(now * RATE)].astype(np.float64)], list(kept)
    period, softer, lower = rng.uniform(0.17, 0.32), rng.uniform(0.85, 1.0), rng.uniform(0.96, 1.0)
    voiced, pitch = rng.uniform(0.4, 0.6) * period, rng.uniform(0.9, 1.5)
    breath = rng.uniform(0.0, 0.12) * float(np.sqrt(np.mean(sound**2)))
    for k in range(int(rng.integers(4, 16))):
        burst = _burst(sound, round(voiced * RATE), pitch * lower**k) * softer**k
        gap = round((period - voiced) * rng.uniform(0.8, 1.2) * RATE)
        parts += [burst, breath * softer**k * np.hanning(gap) * rng.normal(size=gap)]
        ends = now + len(burst) / RATE, now + (len(burst) + gap) / RATE
        phones += [Phone(vowel.name, now, ends[0]), Phone(SILENCE, *ends)]
        now = ends[1]
    rest = rng.uniform(0.5, 1.5)
    phones.append(Phone(SILENCE, now, now + rest))
    whole = np.concatenate([*parts, np.zeros(round(rest * RATE))])
    samples = np.clip(np.rint(whole), -32768, 32767).astype(np.int16)
    laughed = Spoken(samples, merge_silence(phones))
    return rule_clip(f"{clip.name}-laughs", "laughs", clip.speaker, laughed)


def _burst(sound: NDArray[np.float64], n: int, pitch: float) -> NDArray[np.float64]:
    """(n,) samples of a vowel, at another pitch, that swell in 25 ms and fade."""
    part = soxr.resample(sound, RATE * pitch, RATE, quality="LQ")
    whole = np.concatenate([part, part[::-1]])
    t = np.arange(n) / RATE
    shape = np.minimum(t / 0.025, (n / RATE - t) / (0.5 * n / RATE))
    return np.asarray(np.resize(whole, n) * np.clip(shape, 0.0, 1.0))
