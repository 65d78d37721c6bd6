"""How much later than the sound a face was recorded: told by hand, or found by listening.

A camera and a microphone that are not one device start when each is ready. What the shipped
network hears in the sound and what the face does are the same movement, so the shift at which
both agree best is the offset.
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
"""In the folder of a corpus: columns ``name`` (of a take, without its ending) and ``offset_ms``
(how much later than its sound the face is; negative where it is earlier)."""
SEARCH_S: Final = 2.0
"""Seconds of offset, either way, that are looked for."""
MAX_SOUND_S: Final = 300
"""Seconds of a recording that are listened to."""
MIN_CORRELATION: Final = 0.2
"""Correlation of the movements below which nothing is believed."""
MIN_PEAK_RATIO: Final = 1.5
"""How many times better than any other shift, 0.15 s and more away, the best one has to be."""
IGNORED_OFFSET_S: Final = 0.03
"""Seconds that are left as they are: nobody sees them, and the finding is no better."""


def from_table(folder: Path) -> dict[str, float]:
    """Name -> seconds, of the table in ``folder``; nothing where there is none.

    Raises:
        ModelError: a row that says no number.
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
                raise ModelError(f"{path}: wanted the columns name,offset_ms, got {row}") from e
    return out


def found(
    samples: NDArray[np.int16], opening: NDArray[np.floating], observed: NDArray[np.bool_]
) -> float | None:
    """Seconds by which ``opening`` (T,) at 60 a second comes after the sound, or None: unclear.

    ``seen`` (T,) are the frames in which a face was seen.
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
    """Seconds to take off the face's times: told, else found where it matters, else 0."""
    if name in table:
        return table[name]
    late = found(samples, opening, observed)
    if late is None:
        _log.warning("%s: lips and sound do not say how far they are apart (%s can)", name, TABLE)
        return 0.0
    if abs(late) <= IGNORED_OFFSET_S:
        return 0.0
    _log.info("%s: the face is %+.0f ms after its sound; made good", name, 1000 * late)
    return late
