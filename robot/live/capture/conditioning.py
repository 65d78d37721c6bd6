"""Conditioning of live sound: one channel of several, no constant offset, a watch for silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from mien.robot.live.capture.block import Block, mono
from mien.robot.media.audio import RATE
from mien.robot.media.level import loudest_instead

OFFSET_HZ: Final = 10.0
"""Corner of the high-pass that removes a constant offset. Voices begin at 70 Hz."""
SILENT_S: Final = 10.0
"""Time in s of nothing but one value after which a source is reported. A room is never so quiet."""
_MEMORY_S: Final = 0.5
_STILL: Final = 1e-6
"""Largest range of samples that counts as one value; a resampler leaves rounding errors."""


class Downmix:
    """Channels of one sound to mono: their mean, or the loudest where they cancel each other.

    Args:
        rate: samples per second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._power: NDArray[np.float64] | None = None

    def __call__(self, samples: NDArray[np.floating]) -> NDArray[np.float32]:
        """Samples (n,) or (n, channels) -> (n,)."""
        if samples.ndim == 1 or samples.shape[1] == 1 or not len(samples):
            return mono(samples)
        clean = np.nan_to_num(np.asarray(samples, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        whole = np.column_stack([clean, clean.mean(axis=1)])
        power = whole.var(axis=0)  # without the constant offset of a channel
        share = min(1.0, len(samples) / (_MEMORY_S * self._rate))
        before = self._power
        self._power = power if before is None else before + share * (power - before)
        best = loudest_instead(self._power[:-1], float(self._power[-1]))
        return mono(samples) if best is None else mono(samples[:, best])


class OffsetRemoval:
    """High-pass of first order at ``OFFSET_HZ``, block after block."""

    def __init__(self) -> None:
        self._pole = 1.0 - 2.0 * np.pi * OFFSET_HZ / RATE
        self._state: NDArray[np.float64] | None = None

    def __call__(self, block: Block) -> Block:
        """The block without a constant offset."""
        if not len(block.samples):
            return block
        if self._state is None:  # as if the offset had been there for ever
            self._state = np.array([-float(block.samples.mean())])
        out, self._state = lfilter(
            [1.0, -1.0], [1.0, -self._pole], block.samples.astype(np.float64), zi=self._state
        )
        return replace(block, samples=out.astype(np.float32))


class SilenceWatch:
    """Watches for a source that gives one value only: muted, or the wrong input.

    Args:
        name: of the source, for the message.

    Attributes:
        longest_s: longest such silence so far, in s.
    """

    def __init__(self, name: str) -> None:
        self._name, self._run_s, self.longest_s = name, 0.0, 0.0

    def push(self, block: Block) -> str | None:
        """Take a block of the source. Returns a message, once for each silence."""
        if not len(block.samples):
            return None
        before = self._run_s
        still = float(np.ptp(block.samples)) < _STILL
        self._run_s = before + len(block.samples) / RATE if still else 0.0
        self.longest_s = max(self.longest_s, self._run_s)
        if not before < SILENT_S <= self._run_s:
            return None
        return silence_message(self._name, self._run_s)


def silence_message(name: str, seconds: float) -> str:
    """What the operator is told of a source without any sound."""
    return (
        f"{name} gave only zeros for {seconds:.0f} s; it may be muted, or another input is meant "
        "(next: mien devices)"
    )
