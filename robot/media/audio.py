"""Sound files to float32 mono samples at 16 kHz."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from mien.robot.errors import InputError
from mien.robot.media import level, sound_file
from mien.robot.media.sound_file import HINT

RATE: Final = 16000
"""Samples per second of all audio inside the project."""

LJ_DEMO: Final = Path(__file__).parents[1] / "assets" / "lj_demo.ogg"
"""The sentence that ships with the project (LJ Speech, public domain)."""
SONG_DEMO: Final = LJ_DEMO.with_name("forest_road.ogg")
"""The song that ships with the project; its score and lyrics lie beside it."""

_log = logging.getLogger(__name__)


def load(path: str | Path) -> NDArray[np.float32]:
    """Read a sound file -> samples (n,), mono, 16 kHz, about -1..1.

    Takes what ``sound_file`` reads, any rate and number of channels, any sample width. Whatever
    had to be corrected is logged as a warning (see ``to_mono_16k``).

    Raises:
        InputError: no such file, unreadable, or without a single sample.
    """
    path = Path(path)
    samples, rate = sound_file.read(path)
    return to_mono_16k(samples, rate, str(path))


def to_mono_16k(
    samples: NDArray[np.floating], rate: int, name: str = "the audio"
) -> NDArray[np.float32]:
    """Samples (n,) or (n, channels) at ``rate`` Hz -> (m,) float32 at 16 kHz.

    NaN and infinite samples become 0, the scale of integers becomes -1..1, a constant offset is
    removed, and of channels that cancel each other the loudest is used alone. Each is logged as a
    warning, and silence too.

    Raises:
        InputError: the rate is not between 1 and 768 kHz, or the scale is unknown.
    """
    if not 1000 <= rate <= 768_000:
        raise InputError(f"{name} has a sample rate of {rate} Hz, expected 1000 to 768000", HINT)
    sound = np.asarray(samples, np.float32)
    sound = sound[:, None] if sound.ndim == 1 else sound
    bad = ~np.isfinite(sound)
    if bad.any():
        _log.warning("%s: %d samples were not finite and became silence", name, int(bad.sum()))
        sound = np.where(bad, np.float32(0), sound)
    sound, scale = level.scaled(sound, name)
    sound = np.where(bad, np.float32(0), level.centred(sound)) if len(sound) else sound
    mono, mix = level.mixed(sound)
    for note in filter(None, (scale, mix)):
        _log.warning("%s: %s", name, note)
    if len(mono) and not mono.any():
        _log.warning("%s: silence; the face will not speak", name)
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE, quality="HQ")
    return np.ascontiguousarray(mono, dtype=np.float32)
