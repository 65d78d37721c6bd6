"""Sound files to float32 mono samples at 16 kHz."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mien.robot.errors import InputError

RATE: Final = 16000
"""Samples per second of all audio inside the project."""

LJ_DEMO: Final = Path(__file__).parents[1] / "assets" / "lj_demo.flac"
"""The sentence that ships with the project (LJ Speech, public domain)."""

_HINT = "mien demo    (speaks the sentence that ships with it), or --wav with another file"
_LOUDEST = 8.0  # a float file may pass 1.0; beyond this it is not audio but garbage
_log = logging.getLogger(__name__)


def load(path: str | Path) -> NDArray[np.float32]:
    """Read a sound file -> samples (n,), mono, 16 kHz, about -1..1.

    Takes what libsndfile reads (wav, flac, ogg, mp3, aiff), any rate and number of channels, any
    sample width. NaN and infinite samples become 0 with a warning.

    Raises:
        InputError: no such file, unreadable, or without a single sample.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no sound file at {path}", _HINT)
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, RuntimeError) as e:
        raise InputError(f"{path} is not a sound file that can be read: {e}", _HINT) from e
    if len(samples) == 0:
        raise InputError(f"{path} holds 0 samples", _HINT)
    return to_mono_16k(samples, int(rate), str(path))


def to_mono_16k(
    samples: NDArray[np.floating], rate: int, name: str = "the audio"
) -> NDArray[np.float32]:
    """Samples (n,) or (n, channels) at ``rate`` Hz -> (m,) float32 at 16 kHz.

    Raises:
        InputError: the rate is not between 1 and 768 kHz.
    """
    if not 1000 <= rate <= 768_000:
        raise InputError(f"{name} has a sample rate of {rate} Hz, expected 1000 to 768000", _HINT)
    mono = np.asarray(samples, np.float32)
    bad = ~np.isfinite(mono)
    if bad.any():
        _log.warning("%s: %d samples were not finite and became silence", name, int(bad.sum()))
        mono = np.where(bad, np.float32(0), mono)
    if mono.ndim == 2:
        mono = mono.mean(axis=1, dtype=np.float32)
    mono = np.clip(mono, -_LOUDEST, _LOUDEST)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE, quality="HQ")
    return np.ascontiguousarray(mono, dtype=np.float32)
