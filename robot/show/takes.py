"""Files of a take beside its show: curves, sound, and a record of what made each span."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final

import numpy as np

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, FPS
from mien.models.face.curves import AXES
from mien.models.files import whole
from mien.models.formats import VERSION_KEY, check_version
from mien.models.reading.json_file import read_object
from mien.robot.errors import InputError
from mien.robot.media import sound_file
from mien.robot.media.audio import RATE
from mien.robot.media.livelink_takes import ROTATIONS, read_csv, write_csv, write_sidecar
from mien.robot.show.edits import Item
from mien.robot.show.generator import HEAD, Curves
from mien.robot.show.scene import Scene

_HEAD: Final = [ROTATIONS.index(axis) for axis in AXES]
MAX_RECORD_BYTES: Final = 1 << 25
"""Largest record of a take in bytes."""
SOUND_KEY: Final = "sound_file"
"""Key of the side-car that names the sound of a take, from the take's own folder."""


@dataclass(frozen=True)
class TakeFiles:
    """Paths of one take.

    Attributes:
        stem: the path of all its files without their endings.
    """

    stem: Path

    def path(self, ending: str) -> Path:
        """The file with an ending such as ``.csv``."""
        return self.stem.with_name(self.stem.name + ending)

    @property
    def csv(self) -> Path:
        """The curves, as Live Link Face writes them."""
        return self.path(".csv")

    @property
    def record(self) -> Path:
        """What made each span."""
        return self.path(".json")


@dataclass(frozen=True)
class KeptTake:
    """A take that was made before.

    Attributes:
        curves: (T, 55).
        basis: what all of it depends on.
        items: what shaped its parts.
        edited: whether its curves are no longer those that were written.
    """

    curves: Curves
    basis: dict[str, Any]
    items: list[Item]
    edited: bool


def stored(curves: Curves) -> Curves:
    """Curves as they are read back from their file, which has ten decimals."""
    return np.asarray(np.round(curves.astype(np.float64), 10) + 0.0, np.float32)


def hash_of(curves: Curves) -> str:
    """First 16 hex digits of the SHA-256 of curves, as their file holds them."""
    return hashlib.sha256(np.ascontiguousarray(stored(curves)).tobytes()).hexdigest()[:16]


def read_take(files: TakeFiles) -> KeptTake | None:
    """The kept take; None if there is none.

    Raises:
        InputError: it or its record cannot be used, or one of both is missing.
    """
    if not files.csv.is_file() and not files.record.is_file():
        return None
    again = f"mv {quote(str(files.csv))} elsewhere, and mien direct makes a new one"
    for path in (files.csv, files.record):
        if not path.is_file():
            raise InputError(f"the take {files.stem} lacks its file {path.name}", again)
    take = read_csv(files.csv, FPS)
    curves = np.concatenate([take.weights, take.rotations[:, _HEAD]], axis=1).astype(np.float32)
    try:
        record = read_object(files.record, MAX_RECORD_BYTES)
        check_version(record.get(VERSION_KEY), 1)
        items = [Item.of(item) for item in record["items"]]
        basis, written = dict(record["basis"]), str(record["sha256"])
    except (ModelError, OSError, LookupError, TypeError, ValueError) as e:
        why = e.message if isinstance(e, ModelError) else f"it is no record of a take ({e})"
        raise InputError(f"{files.record} cannot be used: {why}", again) from e
    return KeptTake(curves, basis, items, hash_of(curves) != written)


def write_take(
    files: TakeFiles,
    curves: Curves,
    scene: Scene,
    basis: dict[str, Any],
    items: Sequence[Item],
    about: dict[str, Any],
) -> None:
    """Write curves, sound and record, each whole or not at all.

    Args:
        files: where.
        curves: (T, 55).
        scene: its sound.
        basis, items: what it depends on.
        about: further content of the record.
    """
    rotations = np.zeros((len(curves), len(ROTATIONS)))
    rotations[:, _HEAD] = curves[:, HEAD]
    sound = files.path(".wav")
    sound_file.write(sound, scene.samples, RATE)
    with whole(files.csv) as part:
        write_csv(part, curves[:, : len(ARKIT)], FPS, rotations)
    spans = []
    for item in items:
        rows = slice(round(item.start * FPS), round(item.end * FPS) + 1)
        spans.append(item.record() | {"sha256": hash_of(curves[rows][:, list(item.columns)])})
    write_sidecar(
        files.csv,
        {
            **about,
            "fps": FPS,
            "frames": len(curves),
            SOUND_KEY: sound.name,
            "basis": basis,
            "items": spans,
            "sha256": hash_of(curves),
        },
    )
