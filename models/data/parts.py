"""Split a recording with gaps in the face tracking into clips without gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.schema import Clip
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE

BRIDGE_S: Final = 0.1
"""Longest gap that is interpolated linearly, s."""
MIN_CLIP_S: Final = 1.0
"""Shortest clip, s."""
_GRID: Final = 3  # frames: 3 / 60 s are 800 samples exactly


def bridged(observed: NDArray[np.bool_], fps: float) -> NDArray[np.bool_]:
    """Mask (T,) with gaps up to BRIDGE_S filled. Gaps at the ends stay."""
    out = observed.copy()
    for begin, end in _runs(~observed):
        if begin > 0 and end < len(observed) and end - begin <= BRIDGE_S * fps:
            out[begin:end] = True
    return out


def filled(values: NDArray[np.floating], observed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Values (T, ...) with linear interpolation over frames outside the mask."""
    at = np.arange(len(values))
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    columns = [np.interp(at, at[observed], column[observed]) for column in flat.T]
    return np.stack(columns, axis=1).reshape(values.shape)


def cut(clip: Clip, observed: NDArray[np.bool_]) -> list[Clip]:
    """The parts of a clip in which ``observed`` (T,) at 60 Hz is true.

    Frames and sound outside the parts are dropped.
    """
    out = []
    whole = len(clip.samples) * FPS // RATE  # the last frame may have begun and not ended
    for begin, end in _runs(observed[:whole]):
        first, last = -(-begin // _GRID) * _GRID, end // _GRID * _GRID
        if last - first < MIN_CLIP_S * FPS:
            continue
        sound = slice(first * RATE // FPS, last * RATE // FPS)
        out.append(
            replace(
                clip,
                name=f"{clip.name}@{first / FPS:.2f}",
                samples=clip.samples[sound],
                shapes=clip.shapes[first:last],
                phones=clip.phones[first:last],
            )
        )
    return out


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
