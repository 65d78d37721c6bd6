"""Voice activity detection, causal and without a clock.

It keeps fans, knocks and hum from moving the lips. A hop is voiced when its level is above the
tracked noise floor and it is periodic at 70 to 400 Hz. A level that is constant for a second counts
as a machine. Music and the voices of other people pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from mien.robot.media.audio import RATE

HOP_SAMPLES: Final = RATE // 100
WINDOW_SAMPLES: Final = 4 * HOP_SAMPLES
_PITCH_LAGS: Final = (RATE // 400, RATE // 70)
_SUNG_LAGS: Final = (RATE // 1000, RATE // 70)
_ABOVE_FLOOR_DB: Final = 8.0
"""Level above the noise floor at which a hop may be voiced."""
_QUIETEST_DB: Final = -60.0
_MIN_PERIODICITY: Final = 0.5
_VOICED_OF_10: Final = 4
_HANG_HOPS: Final = 30
"""Hops of speech after the last voiced one: an unvoiced ending takes 0.1 to 0.3 s."""
_STEADY_DB: Final = 0.4
_STEADY_HOPS: Final = 100
_ATTACK, _RELEASE = 1 / 2, 1 / 15
"""Change of the gate a hop: open in 20 ms, shut in 150."""


@dataclass(frozen=True)
class VoiceState:
    """State of the voice activity detection.

    Attributes:
        level_db: level in dB re full scale.
        gate: 0 silence to 1 voice.
    """

    level_db: float
    gate: float


class VoiceActivity:
    """Voice activity of a stream of samples.

    Args:
        sings: whether the voice sings: a held note is no machine, and may be as high as 1000 Hz.
    """

    def __init__(self, sings: bool = False) -> None:
        self._sings = sings
        band = butter(2, (90.0, 4000.0), "bandpass", fs=RATE, output="sos")
        self._band = np.asarray(band)
        self._state = np.zeros((len(self._band), 2))
        self._window = np.zeros(WINDOW_SAMPLES)
        self._rest = np.zeros(0)
        self._recent: list[float] = []
        self._voiced = np.zeros(10, np.bool_)
        self._floor = _QUIETEST_DB
        self._hang = 0
        self._gate = 0.0
        self._level = -120.0
        self._taper = np.hanning(WINDOW_SAMPLES)
        # The autocorrelation of the window itself, by which it would fall even for a pure tone.
        self._own = _autocorrelation(self._taper)

    @property
    def state(self) -> VoiceState:
        """The state after the last push."""
        return VoiceState(self._level, self._gate)

    def push(self, samples: NDArray[np.float32]) -> VoiceState:
        """Samples (n,) at 16 kHz, any n -> the state after them."""
        if not len(samples):
            return self.state
        filtered, self._state = sosfilt(self._band, samples.astype(np.float64), zi=self._state)
        self._rest = np.concatenate([self._rest, filtered])
        while len(self._rest) >= HOP_SAMPLES:
            hop, self._rest = self._rest[:HOP_SAMPLES], self._rest[HOP_SAMPLES:]
            self._window = np.concatenate([self._window[HOP_SAMPLES:], hop])
            self._step()
        return self.state

    def _step(self) -> None:
        level = 10.0 * float(np.log10(np.mean(np.square(self._window)) + 1e-12))
        self._level = level
        self._recent = [*self._recent[-_STEADY_HOPS + 1 :], level]
        steady = len(self._recent) == _STEADY_HOPS and float(np.std(self._recent)) < _STEADY_DB
        steady = steady and not self._sings
        loud = level > max(self._floor + _ABOVE_FLOOR_DB, _QUIETEST_DB) and not steady
        voiced = loud and self._periodicity() > _MIN_PERIODICITY
        self._voiced = np.append(self._voiced[1:], voiced)
        if self._voiced.sum() >= _VOICED_OF_10 and not steady:
            self._hang = _HANG_HOPS
        else:
            self._hang = 0 if steady else max(0, self._hang - 1)
        self._follow(level, steady)
        step = _ATTACK if self._hang else -_RELEASE
        self._gate = min(1.0, max(0.0, self._gate + step))

    def _follow(self, level: float, steady: bool) -> None:
        if level < self._floor:
            self._floor += max(level - self._floor, -0.5)  # 50 dB/s down
        elif steady:
            self._floor += min(level - self._floor, 0.5)
        else:  # up slowly, and hardly during speech
            self._floor += 0.0005 if self._hang else min(level - self._floor, 0.06)

    def _periodicity(self) -> float:
        """Highest normalised autocorrelation in the range of pitch."""
        windowed = self._window * self._taper
        r = _autocorrelation(windowed)
        low, high = _SUNG_LAGS if self._sings else _PITCH_LAGS
        if r[0] <= 0:
            return 0.0
        ratio = r[low:high] / r[0] * (self._own[0] / self._own[low:high])
        return float(ratio.max())


def _autocorrelation(x: NDArray[np.float64]) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(x, 2 * len(x))
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2)[: len(x)])
