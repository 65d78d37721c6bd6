"""Playout: sound at 16 kHz on an output of another rate, and of any number of channels."""

from __future__ import annotations

import time
from math import gcd
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from mien.robot.live.capture.formats import Format, open_first
from mien.robot.live.capture.portaudio import output_of, portaudio
from mien.robot.media.audio import RATE

MARGIN: Final = 16
"""Samples at 16 kHz before and after a block that its interpolation reads: 1 ms."""
_BLOCK_S: Final = 0.01


class Interpolation:
    """Windowed-sinc interpolation of blocks from 16 kHz to ``rate`` Hz.

    Each block is computed from the sound around it, so that blocks join without a seam.

    Attributes:
        frames: samples of a block at ``rate``.
        count: samples of the same block at 16 kHz.
        margin: samples at 16 kHz that are needed before and after; 0 at 16 kHz.
    """

    def __init__(self, rate: float) -> None:
        whole = round(rate)
        unit = gcd(whole, RATE)
        blocks = max(1, round(_BLOCK_S * unit))
        self.frames, self.count = whole // unit * blocks, RATE // unit * blocks
        self.margin = 0 if whole == RATE else MARGIN
        at = np.arange(self.frames) * (RATE / whole) + self.margin
        apart = np.arange(self.count + 2 * self.margin) - at[:, None]
        share = np.clip(np.abs(apart) / max(self.margin, 1), 0.0, 1.0)
        band = min(1.0, whole / RATE)
        kernel = band * np.sinc(band * apart) * np.cos(0.5 * np.pi * share) ** 2
        self._kernel = (kernel if self.margin else np.eye(self.frames)).astype(np.float32)

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (count + 2 margin,) at 16 kHz -> (frames,) at the rate of the output."""
        return np.asarray(self._kernel @ samples, np.float32)


class Sentence:
    """A sentence on a sound output, from a time of the machine's clock on.

    Args:
        samples: (n,) at 16 kHz.
        device: output by number or part of its name; an empty name is the default.

    Raises:
        DeviceError: no such output, or none of its formats can be opened.
    """

    def __init__(self, samples: NDArray[np.float32], device: str) -> None:
        self._start, self._rate = float("inf"), RATE
        sd = portaudio()
        output, info = output_of(sd, device)

        def start(one: Format) -> None:
            rate, channels = one
            self._rate, self._samples = round(rate), soxr.resample(samples, RATE, rate)
            self._stream = sd.OutputStream(
                device=output, samplerate=rate, channels=channels, dtype="float32",
                latency="low", callback=self._play,
            )  # fmt: skip
            self._stream.start()

        open_first(sd, info, "output", start)

    def begin(self, t: float) -> None:
        """Set the time of the beginning. The first call decides."""
        self._start = min(self._start, t)

    def close(self) -> None:
        """Close the output."""
        self._stream.abort()
        self._stream.close()

    def _play(self, out: NDArray[np.float32], frames: int, at: object, _status: object) -> None:
        ahead = getattr(at, "outputBufferDacTime", 0.0) - getattr(at, "currentTime", 0.0)
        audible_at = time.monotonic() + (ahead if 0.0 <= ahead < 1.0 else 0.0)
        out[:] = 0.0
        if np.isfinite(self._start):
            index = round((audible_at - self._start) * self._rate) + np.arange(frames)
            there = (index >= 0) & (index < len(self._samples))
            out[there] = self._samples[index[there], None]
