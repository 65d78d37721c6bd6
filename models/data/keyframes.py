"""Key frames of clips: those that are filmed, and those of a teacher whose rules are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from mien.models.manner.config import COLUMNS, FPS
from mien.models.manner.features import NAMES
from mien.models.manner.keyframes import GAP, TRACKS, Key

Floats = NDArray[np.float32]
SMOOTH_S: Final = 0.08
PROMINENT: Final = 1.0
"""Prominence of an extreme, in standard deviations of its curve within the corpus."""
SHUT: Final = 0.25
"""Tracked lid deviation of a blink."""
_BROWS, _LIDS, _HEAD = COLUMNS[:2], COLUMNS[2:4], COLUMNS[4:]


def filmed(curves: Floats, spread: Floats) -> list[Key]:
    """Key frames of filmed curves (T, 55): extremes of brows and turns, and blinks.

    Args:
        curves: deviations from rest at 30 Hz.
        spread: (55,) standard deviation of each curve within clips.
    """
    smooth = gaussian_filter1d(curves.astype(np.float64), SMOOTH_S * FPS, axis=0, mode="nearest")
    brow, lid = smooth[:, _BROWS].mean(axis=1), smooth[:, _LIDS].mean(axis=1)
    size = float(spread[list(_BROWS)].mean())
    at = set(find_peaks(lid, height=SHUT, prominence=0.15)[0].tolist())
    for sign in (1.0, -1.0):
        at |= set(find_peaks(sign * brow, prominence=PROMINENT * size)[0].tolist())
    face = [Key(k, "face", (float(brow[k]), float(lid[k]))) for k in _apart(sorted(at))]
    at = set()
    for column in _HEAD:
        for sign in (1.0, -1.0):
            least = PROMINENT * float(spread[column])
            at |= set(find_peaks(sign * smooth[:, column], prominence=least)[0].tolist())
    head = [Key(k, "head", tuple(float(smooth[k, c]) for c in _HEAD)) for k in _apart(sorted(at))]
    return sorted(face + head)


def taught(sound: Floats) -> list[Key]:
    """Key frames of the teacher for features (T, 13).

    Brows rise on a peak of the stress above 0.25, at least 0.4 s after the last key of the face; if
    they rose within the last second, they fall. Lids shut three frames after the voice stops. The
    head nods down on each peak of the level smoothed over 0.5 s, at least 0.7 s after the last nod,
    and turns to the other side than before.
    """
    stress, voice = sound[:, NAMES.index("stress")], sound[:, NAMES.index("voice")]
    level = sound[:, NAMES.index("energy_0.5_s")]
    stops = np.flatnonzero((voice[1:] <= 0.5) & (voice[:-1] > 0.5)) + 4
    peaks = find_peaks(stress, height=0.25)[0]
    out, last, rose = [], -np.inf, -np.inf
    events = sorted([(int(k), "stop") for k in stops] + [(int(k), "peak") for k in peaks])
    for k, what in events:
        if k >= len(sound):
            continue
        if what == "stop" and k - last >= GAP:
            out.append(Key(k, "face", (0.0, 0.6)))
            last = k
        elif what == "peak" and k - last >= 0.4 * FPS:
            up = k - rose > FPS
            out.append(Key(k, "face", (-0.1 if up else 0.1, 0.0)))
            last, rose = k, k if up else rose
    side, last = 1.0, -np.inf
    for k in find_peaks(level, height=-0.6)[0]:
        if k - last >= 0.7 * FPS:
            out.append(Key(int(k), "head", (0.05 * side, -0.08, 0.0)))
            side, last = -side, k
    return sorted(out)


def spread_of(clips: list[Floats]) -> Floats:
    """Standard deviation (55,) of curves within clips."""
    return np.asarray(np.sqrt(np.mean([c.var(axis=0) for c in clips], axis=0)), np.float32)


def _apart(frames: list[int]) -> list[int]:
    kept: list[int] = []
    for k in frames:
        if not kept or k - kept[-1] >= GAP:
            kept.append(k)
    return kept


def f1(found: Sequence[Key], true: Sequence[Key], within: int = 2) -> float:
    """Harmonic mean of precision and recall, each key of a track met once within some frames."""
    hits = 0
    for track in TRACKS:
        mine = [k.frame for k in found if k.track == track]
        for key in (k.frame for k in true if k.track == track):
            near = [m for m in mine if abs(m - key) <= within]
            if near:
                mine.remove(min(near, key=lambda m: abs(m - key)))
                hits += 1
    return 2.0 * hits / max(len(found) + len(true), 1)
