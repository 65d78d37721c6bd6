"""Video corpora in the GRID layout: ``audio/*.flac``, ``face.npz`` (tracked), ``words.csv``."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.labels.align import Aligner
from mien.models.data.labels.lips import from_measures
from mien.models.data.labels.phone_names import frame_labels
from mien.models.data.schema import Clip, at_60, frame_count, read_audio
from mien.models.errors import ModelError
from mien.models.face.blendshapes import GROUPS, by_name, indices
from mien.models.speech.phones import UNKNOWN

HELD_OUT: Final = 200
"""Number of clips, the last in name order, that are never used in training."""


@dataclass(frozen=True)
class Take:
    """One tracked clip at the frame rate of the film."""

    name: str
    audio: Path
    fps: float
    shapes: NDArray[np.float32]
    """(t, 52) shapes of the tracker."""
    gap: NDArray[np.float64]
    """(t,) inner lip gap, interocular distances."""
    width: NDArray[np.float64]
    """(t,) mouth width, interocular distances."""
    words: tuple[tuple[float, float, str], ...]
    """(start s, end s, word), with ``sil`` for silence."""


def stored(folder: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a folder in GRID's layout, by name.

    Raises:
        ModelError: the folder has another layout.
    """
    path = folder / "face.npz"
    if not path.is_file():
        raise ModelError(f"{folder} has no face.npz: it is not in the layout of the GRID data")
    with np.load(path) as f:
        return {k: f[k] for k in f.files}


def takes(folder: Path, held_out: bool) -> list[Take]:
    """The training clips, or with ``held_out`` the last HELD_OUT in name order.

    Raises:
        ModelError: the folder has another layout.
    """
    data = stored(folder)
    names = [str(n) for n in data["clip"]]
    shapes, _ = by_name([str(n) for n in data["blendshape_names"]], data["blendshapes"])
    measures = [str(n) for n in data["lip_names"]]
    gap = data["lip"][:, measures.index("inner_lip_gap")].astype(np.float64)
    width = data["lip"][:, measures.index("mouth_width")].astype(np.float64)
    words = _words(folder / "words.csv")
    order = sorted(range(len(names)), key=names.__getitem__)
    cut = max(len(order) - HELD_OUT, 0)
    out = []
    for i in order[cut:] if held_out else order[:cut]:
        s = slice(int(data["start"][i]), int(data["start"][i + 1]))
        if not data["tracked"][s].all():
            gap[s] = _bridge(gap[s], data["tracked"][s])
            width[s] = _bridge(width[s], data["tracked"][s])
        out.append(
            Take(
                names[i],
                folder / "audio" / f"{names[i]}.flac",
                float(data["fps"]),
                shapes[s],
                gap[s],
                width[s],
                tuple(words.get(names[i], ())),
            )
        )
    return out


def _words(path: Path) -> dict[str, list[tuple[float, float, str]]]:
    out: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    if path.is_file():
        with path.open(newline="") as f:
            for row in csv.DictReader(f):
                span = (float(row["start_s"]), float(row["end_s"]), row["word"])
                out[row["clip"]].append(span)
    return out


def _bridge(values: NDArray[np.float64], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Interpolate frames without a face linearly."""
    if not good.any():
        return np.zeros_like(values)
    at = np.arange(len(values))
    return np.interp(at, at[good], values[good])


def quiet(take: Take, margin: float = 0.2) -> NDArray[np.bool_]:
    """(t,) frames at least ``margin`` seconds from any word."""
    times = np.arange(len(take.gap)) / take.fps
    out = np.ones(len(times), np.bool_)
    for start, end, word in take.words:
        if word != "sil":
            out &= (times < start - margin) | (times > end + margin)
    return out


def rest_width(take: Take) -> float:
    """Mouth width of this clip at rest. It differs between clips with the head pose."""
    still = quiet(take)
    return float(np.median(take.width[still] if still.sum() >= 5 else take.width))


def clips(folder: Path, speaker: str = "grid_s1") -> list[Clip]:
    """Every training clip, with shapes that agree with the measured lips."""
    aligner = Aligner()
    given = np.zeros(52, np.bool_)
    given[indices((*GROUPS["jaw"], *GROUPS["mouth"]))] = True
    out = []
    for take in takes(folder, held_out=False):
        samples = read_audio(take.audio)
        frames = frame_count(len(samples))
        shapes = from_measures(take.shapes, take.gap, take.width, rest_width(take))
        text = " ".join(w for _, _, w in take.words if w != "sil")
        phones = aligner.align(samples, text)
        labels = (
            np.full(frames, UNKNOWN, np.int8)
            if phones is None
            else frame_labels(phones, frames, 60)
        )
        shapes60 = at_60(shapes, take.fps, frames).astype(np.float16)
        out.append(Clip(take.name, "grid", speaker, "tracked", samples, shapes60, given, labels))
    return out
