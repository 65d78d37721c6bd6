"""A folder of Live Link Face takes with their sound -> clips.

    FOLDER/anna/Anna_3_iPhone_cal.csv, FOLDER/anna/Anna_3_iPhone.wav (or .mov as the app leaves it)

Sound and take have the same name, up to the app's endings ``_cal`` and ``_raw``. If both versions
of a take exist, ``_cal`` is read. Files ``_neutral`` (the face at rest) are skipped. Each subfolder
of FOLDER is a speaker; takes in FOLDER itself belong to one speaker. The app scales jaw and lips
differently from the other corpora, so gains and offsets of these clips are learned per speaker.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data import media, offset
from mien.models.data.parts import BRIDGE_S, cut
from mien.models.data.schema import Clip, check, frame_count
from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, FPS, INDEX, SPEECH, indices, lip_opening
from mien.models.face.livelink_csv import FRAME_BASE, Take, is_take, read_csv
from mien.models.speech.phones import UNKNOWN

_log = logging.getLogger(__name__)
ENDINGS: Final = ("_cal", "", "_raw")
"""Endings of the versions of one take, the preferred first."""


def takes(folder: Path) -> dict[str, Path]:
    """Name without ending -> CSV of every take in a folder and its subfolders."""
    out: dict[str, tuple[int, Path]] = {}
    for path in sorted(folder.rglob("*.[cC][sS][vV]")):
        if path.stem.endswith("_neutral") or not is_take(path):
            continue
        ending = next(e for e in ("_cal", "_raw", "") if path.stem.endswith(e))
        rank = ENDINGS.index(ending)
        name = str(path.relative_to(folder).with_name(path.stem.removesuffix(ending)))
        if name not in out or rank < out[name][0]:
            out[name] = rank, path
    return {name: path for name, (_, path) in sorted(out.items())}


def beside(path: Path, name: str) -> Path:
    """Path of the sound of the take ``path``, whose name without ending is ``name``.

    Raises:
        ModelError: the take has no sound.
    """
    allowed = (*media.SOUNDS, *media.VIDEOS)
    others = {p.name.lower(): p for p in sorted(path.parent.iterdir()) if p.is_file()}
    for stem in (path.stem, Path(name).name):
        for suffix in allowed:
            found = others.get(f"{stem}{suffix}".lower())
            if found is not None:
                return found
    raise ModelError(f"no sound beside {path}", f"{Path(name).name}.wav (or {' '.join(allowed)})")


def clips(folder: Path) -> list[Clip]:
    """Every part of every take with a tracked face.

    An unusable take is skipped with a warning.

    Raises:
        ModelError: no take is usable.
    """
    table = offset.from_table(folder)
    found = takes(folder)
    out: list[Clip] = []
    for name, path in found.items():
        try:
            out += from_take(name, path, folder, table)
        except ModelError as e:
            _log.warning("skipped: %s%s", e.message, f" (expected {e.hint})" if e.hint else "")
    if not out:
        raise ModelError(
            f"no Live Link Face take in {folder} can be used (of {len(found)})",
            "takes as CSV, and their sound beside them under the same name",
        )
    return out


def from_take(name: str, path: Path, folder: Path, table: dict[str, float]) -> list[Clip]:
    """The clips of one take. ``table`` holds offsets by name, s.

    Raises:
        ModelError: not a take, or no sound.
    """
    take = read_csv(path)
    for note in take.notes:
        _log.warning("%s: %s", path, note)
    if take.base is None:
        _log.warning("%s: the timecode does not tell its rate, %d is assumed", path, FRAME_BASE)
    samples = media.sound(beside(path, name))
    frames = frame_count(len(samples))
    zero = np.arange(frames) / FPS
    shapes, observed = at(take, zero)
    late = offset.of(Path(name).name, table, samples, lip_opening(shapes), observed)
    if late:
        shapes, observed = at(take, zero + late)
    # The mouth only: sound does not determine the brows.
    given = take.given.copy()
    given[np.setdiff1d(np.arange(len(ARKIT)), indices(SPEECH))] = False
    speaker = str(path.parent.relative_to(folder.parent))
    corpus, labels = f"livelink-{folder.name}", np.full(frames, UNKNOWN, np.int8)
    whole = Clip(name, corpus, speaker, "mapped", samples, shapes.astype(np.float16), given, labels)
    check(whole)
    return cut(whole, observed)


def at(take: Take, times: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Shapes (T, 52) of a take at ``times`` (T,) s, and the mask (T,) of frames with a face.

    Rows have irregular times, so each is used at its timecode. The face is lost where rows are
    missing for more than BRIDGE_S, or where all values are 0.
    """
    order = np.argsort(take.times, kind="stable")
    source, rows = take.times[order], np.clip(take.weights[order], 0.0, 1.0)
    there = rows.any(axis=1)
    if not there.any():
        raise ModelError("a take in which nothing ever moves")
    source, rows = source[there], rows[there]
    # mouthClose of an animation may exceed jawOpen.
    rows[:, INDEX["mouthClose"]] = np.minimum(
        rows[:, INDEX["mouthClose"]], rows[:, INDEX["jawOpen"]]
    )
    out = np.stack([np.interp(times, source, column) for column in rows.T], axis=1)
    after = np.clip(np.searchsorted(source, times), 1, max(len(source) - 1, 1))
    gap = source[np.minimum(after, len(source) - 1)] - source[after - 1]
    observed = (times >= source[0]) & (times <= source[-1]) & (gap <= BRIDGE_S)
    return out.astype(np.float32), observed
