"""The facegood layout: ``audio/*.flac``, and ``face.npz`` with ARKit shapes and extra shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.schema import Clip, at_60, frame_count, read_audio
from mien.models.errors import ModelError
from mien.models.face.blendshapes import INDEX, by_name
from mien.models.speech.phones import UNKNOWN

OPEN_OF_OH: Final = 0.6
"""Opening of the rig's open round vowel (``x_mouth_oh``), in units of jawOpen."""


def mapped(
    names: list[str], values: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Shapes (t, n) by name -> (t, 52), and the mask of supervised shapes.

    ``x_mouth_oh`` is added to jaw and funnel, ``x_mouth_oo`` to pucker. So jawOpen - mouthClose of
    the result is the opening of the rig. Shapes that this rig never moves are not supervised.
    """
    shapes, given = by_name(names, values)
    oh = np.asarray(values[:, names.index("x_mouth_oh")], np.float32)
    oo = np.asarray(values[:, names.index("x_mouth_oo")], np.float32)
    shapes[:, INDEX["jawOpen"]] += OPEN_OF_OH * oh
    shapes[:, INDEX["mouthFunnel"]] += 0.5 * oh
    shapes[:, INDEX["mouthPucker"]] += 0.2 * oh + oo
    moves = shapes.std(axis=0) > 0.005
    keep = given & moves
    keep[[INDEX["jawOpen"], INDEX["mouthClose"]]] = True
    return np.clip(shapes, 0.0, 1.0), keep


def opening(names: list[str], values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Opening (t,) of the rig: jawOpen + 0.6 x_mouth_oh - mouthClose."""
    at = names.index
    jaw = values[:, at("jawOpen")].astype(np.float64)
    oh = values[:, at("x_mouth_oh")].astype(np.float64)
    return jaw + OPEN_OF_OH * oh - values[:, at("mouthClose")].astype(np.float64)


def read(
    folder: Path,
) -> tuple[list[str], NDArray[np.int64], float, list[str], NDArray[np.float64]]:
    """Clip names, start frames, frames a second, shape names, values (t, n).

    Raises:
        ModelError: the folder has another layout.
    """
    path = folder / "face.npz"
    if not path.is_file():
        raise ModelError(f"{folder} has no face.npz: it is not in the layout of the facegood data")
    with np.load(path) as f:
        names = [str(n) for n in f["clip"]]
        start = f["start"].astype(np.int64)
        shape_names = [str(n) for n in f["blendshape_names"]]
        return names, start, float(f["fps"]), shape_names, f["blendshapes"].astype(np.float64)


def clips(folder: Path, speaker: str = "facegood") -> list[Clip]:
    """Every take as one clip."""
    names, start, fps, shape_names, values = read(folder)
    shapes, given = mapped(shape_names, values)
    out = []
    for i, name in enumerate(names):
        samples = read_audio(folder / "audio" / f"{name}.flac")
        frames = frame_count(len(samples))
        resampled = at_60(shapes[start[i] : start[i + 1]], fps, frames).astype(np.float16)
        labels = np.full(frames, UNKNOWN, np.int8)
        out.append(Clip(name, "facegood", speaker, "mapped", samples, resampled, given, labels))
    return out
