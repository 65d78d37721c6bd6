"""Live Link Face CSV files: read, write, and a side-car file.

The format is in ``models/face/livelink_csv.py``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face import livelink_csv
from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.livelink_csv import (
    COLUMNS,
    FRAME_BASE,
    ROTATIONS,
    SHAPES,
    Take,
    arkit_name,
    parse_timecode,
    timecode,
)
from mien.models.files import write_whole
from mien.models.formats import VERSION_KEY
from mien.robot.errors import InputError

_HINT = "export the take again from Live Link Face, or record one with `mien demo`"


def write_csv(
    path: str | Path,
    weights: NDArray[np.floating],
    fps: float = 60.0,
    rotations: NDArray[np.floating] | None = None,
    start: float = 0.0,
) -> None:
    """Write weights (T, 52), ARKIT order, frame k at ``start + k / fps`` seconds of the day.

    ``rotations`` (T, 9) are radians; zeros where there are none, as the app does.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 2 or weights.shape[1] != len(ARKIT):
        raise ValueError(f"weights have shape {weights.shape}, expected (frames, {len(ARKIT)})")
    if rotations is None:
        rotations = np.zeros((len(weights), len(ROTATIONS)))
    order = [INDEX[arkit_name(c)] for c in SHAPES]
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as f:
        rows = csv.writer(f, lineterminator="\n")
        rows.writerow(COLUMNS)
        for k, (frame, rotation) in enumerate(zip(weights, rotations, strict=True)):
            values = [f"{v:.10f}" for v in (*frame[order], *rotation)]
            rows.writerow([timecode(start + k / fps), len(SHAPES) + len(ROTATIONS), *values])


def read_csv(path: str | Path, base: float | None = None) -> Take:
    """Read a take (``mien.models.face.livelink_csv.read_csv``).

    Args:
        base: timecode frames per second; None infers it from the rows.

    Raises:
        InputError: no such file, not this format, or no row that can be used.
    """
    try:
        return livelink_csv.read_csv(Path(path), base)
    except ModelError as e:
        raise InputError(e.message, _HINT) from e


def write_sidecar(path: str | Path, content: Mapping[str, Any]) -> Path:
    """Write what a CSV cannot say (phones, emotion, look-ahead, hash) to ``<same name>.json``.

    Strict readers of the CSV refuse a 64th column, hence a file of its own. Returns its path.

    Raises:
        ValueError: a number is not finite (JSON has no word for it).
    """
    target = Path(path).with_suffix(".json")
    text = json.dumps({VERSION_KEY: 1, **content}, indent=1, sort_keys=True, allow_nan=False)
    write_whole(target, text + "\n")
    return target


__all__ = [
    "COLUMNS",
    "FRAME_BASE",
    "ROTATIONS",
    "SHAPES",
    "Take",
    "arkit_name",
    "parse_timecode",
    "read_csv",
    "timecode",
    "write_csv",
    "write_sidecar",
]
