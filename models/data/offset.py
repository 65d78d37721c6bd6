"""Offset between the sound and the face of a recording: from a table, or estimated.

A camera and a microphone that are separate devices start at different times. The estimate
cross-correlates the lip opening that the speech network predicts from the sound with the recorded
lip opening. The shift with the largest correlation is the offset.
"""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS, lip_opening
from mien.models.speech import runtime_numpy as speech_light
from mien.models.speech.features import RATE
from mien.models.speech.stream import speak

_log = logging.getLogger(__name__)
TABLE: Final = "offsets.csv"
"""File in the folder of a corpus. Columns: ``name`` (of a take, without its ending) and
``offset_ms`` (delay of the face after the sound, ms; negative if the face is earlier)."""
SEARCH_S: Final = 2.0
"""Largest estimated offset in both directions, s."""
MAX_SOUND_S: Final = 300
"""Length of the sound that is used, s."""
MIN_CORRELATION: Final = 0.2
"""Smallest correlation of an accepted estimate."""
MIN_PEAK_RATIO: Final = 1.5
"""Smallest ratio of the best correlation to any other that is 0.15 s or more away."""
IGNORED_OFFSET_S: Final = 0.03
"""Offsets up to this are not corrected, s. They are invisible and below the accuracy."""


def from_table(folder: Path) -> dict[str, float]:
    """Name -> offset in s, from the table in ``folder``. Empty without a table.

    Raises:
        ModelError: a row has no number.
    """
    path = folder / TABLE
    if not path.is_file():
        return {}
    out = {}
    with path.open(newline="", encoding="utf-8-sig") as f:
        for row in csv.DictReader(f):
            try:
                out[row["name"]] = float(row["offset_ms"]) / 1000
            except (KeyError, TypeError, ValueError) as e:
                raise ModelError(f"{path}: expected the columns name,offset_ms, got {row}") from e
    return out


def found(
    samples: NDArray[np.int16], opening: NDArray[np.floating], observed: NDArray[np.bool_]
) -> float | None:
    """Delay of ``opening`` (T,) at 60 Hz after the sound, s; None if the estimate is unreliable.

    Args:
        samples: sound (n,) at 16 kHz.
        opening: recorded lip opening.
        observed: (T,) mask of the frames with a face.
    """
    sound = samples[: MAX_SOUND_S * RATE].astype(np.float32) / np.float32(32768)
    a = np.diff(lip_opening(speak(speech_light.load(), sound)))
    moves = np.where(observed[1:] & observed[:-1], np.diff(np.asarray(opening, np.float64)), 0.0)
    b = moves[: len(a)]
    reach = round(SEARCH_S * FPS)
    size = fft.next_fast_len(len(a) + len(b) + reach)
    cross = fft.irfft(fft.rfft(b, size) * np.conj(fft.rfft(a, size)), size)
    shifts = np.arange(-reach, reach + 1)
    r = cross[shifts] / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-9)
    best = int(r.argmax())
    others = r[np.abs(shifts - shifts[best]) > 0.15 * FPS]
    if r[best] < MIN_CORRELATION or r[best] < MIN_PEAK_RATIO * float(others.max()):
        return None
    return float(shifts[best] / FPS)


def of(
    name: str,
    table: dict[str, float],
    samples: NDArray[np.int16],
    opening: NDArray[np.floating],
    observed: NDArray[np.bool_],
) -> float:
    """Offset to subtract from the face's times, s: from the table, else estimated, else 0."""
    if name in table:
        return table[name]
    late = found(samples, opening, observed)
    if late is None:
        _log.warning(
            "%s: the offset of face and sound cannot be estimated; %s can set it", name, TABLE
        )
        return 0.0
    if abs(late) <= IGNORED_OFFSET_S:
        return 0.0
    _log.info("%s: the face is %+.0f ms after its sound; corrected", name, 1000 * late)
    return late
