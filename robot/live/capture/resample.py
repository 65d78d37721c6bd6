"""Resampling of blocks from any rate to 16 kHz, with exact capture times."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from mien.robot.live.capture.block import Block, mono
from mien.robot.media.audio import RATE


class Resampler:
    """Resampler of one stream of blocks at ``rate`` Hz.

    soxr delays its output (about 11 ms from 48 kHz at this quality) but does not shift it. The time
    of
    an output sample therefore follows from the number of samples before it.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._stream = None
        if round(rate) != RATE:
            self._stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="LQ")
        self._taken = self._given = 0

    def __call__(self, t: float, samples: NDArray[np.floating]) -> Block:
        """Samples (n,) or (n, channels), captured from ``t`` s on -> a block, maybe empty."""
        flat = mono(samples)
        if self._stream is None:
            return Block(t, flat)
        behind = self._taken / self.rate - self._given / RATE
        out = np.asarray(self._stream.resample_chunk(flat), np.float32)
        self._taken += len(flat)
        self._given += len(out)
        return Block(t - behind, out)
