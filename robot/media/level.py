"""Scale, offset and channels of a sound, put right before anything is measured."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.errors import InputError

LOUDEST: Final = 8.0
"""A float file may pass 1; a few samples beyond this are glitches and are clipped."""
CANCELLED: Final = 0.1
"""Power of the mean of all channels, relative to the loudest, below which they cancel."""
_DENSE: Final = 0.01
"""Share of samples beyond ``LOUDEST`` from which it is the scale of the whole file."""
_SCALES: Final = (15, 23, 31)
"""Bits of the integer scales that float files are written in by mistake."""
_QUIETEST: Final = 256.0
"""Smallest peak that shows an integer scale; 16-bit speech is never so quiet."""


def scaled(samples: NDArray[np.float32], name: str) -> tuple[NDArray[np.float32], str]:
    """Samples in -1..1, and a note where they were in the scale of integers.

    Raises:
        InputError: a scale that is not known; ``name`` names the sound.
    """
    size = np.abs(samples)
    if not size.size or (size > LOUDEST).mean() < _DENSE:
        return np.clip(samples, -LOUDEST, LOUDEST), ""
    peak = float(size.max())
    bits = next((b for b in _SCALES if peak <= 2.0 ** (b + 1)), None)
    if bits is None or peak < _QUIETEST:
        raise InputError(
            f"{name} has samples up to {peak:g}, allowed are -1 to 1 or the scale of integers of "
            "16, 24 or 32 bits",
            "ffmpeg -i IN -c:a pcm_s16le OUT.wav, with its volume filter",
        )
    note = (
        f"samples up to {peak:.0f} are in the scale of {bits + 1}-bit integers; divided by 2^{bits}"
    )
    return samples / np.float32(2.0**bits), note


def centred(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples (n, channels) without the constant offset of each channel."""
    offset = samples.mean(axis=0, dtype=np.float64).astype(np.float32)
    return np.asarray(samples - offset, np.float32)


def loudest_instead(power: NDArray[np.float64], mean_power: float) -> int | None:
    """Channel to take in place of the mean of all; None where the mean is right.

    Args:
        power: (channels,) mean squares. mean_power: mean square of the mean of all channels.
    """
    best = int(np.argmax(power))
    if not power[best] > 0.0:
        return None
    return best if mean_power < CANCELLED * power[best] else None


def mixed(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], str]:
    """Samples (n, channels) -> mono (n,), and a note where the channels cancel each other."""
    mono = samples.mean(axis=1, dtype=np.float32)
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    best = loudest_instead(power, float(np.square(mono, dtype=np.float64).mean()))
    if best is None:
        return mono, ""
    note = f"the {samples.shape[1]} channels cancel each other; channel {best + 1} is used alone"
    return np.ascontiguousarray(samples[:, best]), note
