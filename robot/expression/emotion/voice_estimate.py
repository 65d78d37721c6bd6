"""Emotion estimate of a voice: arousal and valence from its sound. Off unless requested.

Arousal is estimated from pitch, loudness and the balance of high and low frequencies (Juslin &
Laukka 2003, Psychol. Bull. 129:770; the balance is GeMAPS's alpha ratio, Eyben et al. 2016). Each
is taken relative to the median of the clip, so that a loud or high voice by nature is not aroused.
The voice has few cues to valence (Laukka, Juslin & Bresin 2005). Valence is therefore estimated
from the variation of pitch and weighted by one half. The estimate was tuned on no labelled corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.models.face.emotion import AROUSAL, EMOTIONS, VALENCE
from mien.robot.expression.emotion.prosody import loudness, smooth, voice
from mien.robot.expression.emotion.track import EmotionSamples
from mien.robot.face.config import Floats

WINDOW_S: Final = 0.05
PITCH_HZ: Final = (70.0, 400.0)
CANDIDATES: Final = ("happiness", "sadness", "anger", "fear")
"""Emotions that a voice alone may be estimated as."""
STRONGEST: Final = 0.5
"""Largest intensity of the estimate."""
SLOW_S: Final = 0.8
"""Standard deviation of the averaging in s: emotions change more slowly than syllables."""


@dataclass(frozen=True)
class VoiceEmotion:
    """Voice emotion estimate at 60 fps.

    Attributes:
        arousal, valence: (T,) in -1..1.
        confidence: (T,) in 0..1, the share of voiced sound.
    """

    arousal: Floats
    valence: Floats
    confidence: Floats


@dataclass(frozen=True)
class VoiceEstimate:
    """A voice emotion estimate as an emotion source of the lowest priority."""

    emotion: VoiceEmotion
    rank: int = 3

    def sample(self, t: Floats) -> EmotionSamples:
        """Samples of the nearest emotions on the circumplex, at most STRONGEST."""
        frames = np.arange(len(self.emotion.arousal)) / FPS
        m = self.emotion
        arousal, valence, sure = (
            np.interp(t, frames, x) for x in (m.arousal, m.valence, m.confidence)
        )
        out = EmotionSamples.nothing(len(t))
        for name in CANDIDATES:
            k = EMOTIONS.index(name)
            place = np.array([AROUSAL[k], VALENCE[k]])
            along = (arousal * place[0] + valence * place[1]) / np.linalg.norm(place)
            out.mix[:, :, k] = (STRONGEST * sure * np.clip(along, 0.0, 1.0) ** 2)[:, None]
        out.presence[:] = 1.0
        return out


def estimate(samples: NDArray[np.float32], rate: int, frames: int) -> VoiceEmotion:
    """Estimate the emotion of a clip (n,) at 60 fps. Silence gives calm with confidence 0."""
    there = voice(samples, rate, frames)
    if not (there > 0.5).any():
        return VoiceEmotion(np.zeros(frames), np.zeros(frames), np.zeros(frames))
    pitch, sure, balance = voice_quality(samples, rate, frames)
    level = loudness(samples, rate, frames)
    voiced = sure * there
    semitones = 12 * np.log2(pitch / 100.0)
    high = _against_middle(semitones, voiced, 4.0)
    loud = _against_middle(level, there, 8.0)
    bright = _against_middle(balance, voiced, 8.0)
    arousal = np.tanh(0.5 * high + 0.35 * loud + 0.35 * bright)
    mean = _average(semitones, voiced)
    spread = np.sqrt(_average((semitones - mean) ** 2, voiced))
    lively = np.tanh((spread - 3.0) / 2.0)  # 3 semitones: plain reading
    valence = 0.5 * lively * np.clip(arousal + 0.3, 0.0, 1.0) + 0.5 * np.minimum(arousal, 0.0)
    confidence = np.clip(smooth(voiced, SLOW_S) / 0.3, 0.0, 1.0)
    return VoiceEmotion(arousal * confidence, np.clip(valence, -1, 1) * confidence, confidence)


def _average(x: Floats, weight: Floats) -> Floats:
    return np.asarray(smooth(x * weight, SLOW_S) / np.maximum(smooth(weight, SLOW_S), 1e-3))


def _against_middle(x: Floats, weight: Floats, unit: float) -> Floats:
    voiced = x[weight > 0.5]
    middle = np.median(voiced) if len(voiced) else 0.0
    return np.asarray((_average(np.where(weight > 0.5, x, middle), weight) - middle) / unit)


def voice_quality(
    samples: NDArray[np.float32], rate: int, frames: int
) -> tuple[Floats, Floats, Floats]:
    """Pitch Hz, its certainty 0..1 (autocorrelation), and high against low band dB; (T,) each."""
    size = int(WINDOW_S * rate)
    padded = np.pad(np.asarray(samples, np.float64), (size, size * 2))
    starts = np.arange(frames) * rate // FPS + size - size // 2
    starts = np.minimum(starts, len(padded) - size)
    x = padded[starts[:, None] + np.arange(size)] * np.hanning(size)
    fft = 1 << (2 * size - 1).bit_length()
    power = np.abs(np.fft.rfft(x, fft)) ** 2
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), fft)) ** 2)
    correlation = np.fft.irfft(power)
    low, high = int(rate / PITCH_HZ[1]), int(rate / PITCH_HZ[0])
    shape = correlation[:, low:high] / np.maximum(correlation[:, :1], 1e-9)
    shape /= window[low:high] / window[0]
    # The shortest lag that is nearly the best: a longer one is an octave too low.
    best = shape.max(axis=1, keepdims=True)
    lag = low + np.argmax(shape >= 0.9 * best, axis=1)
    hertz = np.fft.rfftfreq(fft, 1 / rate)
    bands = [(50.0, 1000.0), (1000.0, 5000.0)]
    under, over = (power[:, (hertz >= a) & (hertz < b)].sum(axis=1) + 1e-9 for a, b in bands)
    certain = np.clip((best[:, 0] - 0.45) / 0.3, 0.0, 1.0)
    return rate / lag, certain, 10 * np.log10(over / under)
