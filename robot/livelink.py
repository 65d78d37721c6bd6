"""Live Link Face CSV in and out: the file format of the iPhone app, by name and never by position.

63 columns: a timecode, a count, the 52 shapes and nine rotations in radians. The app writes
JawRight before JawLeft and MouthRight before MouthLeft, unlike Unreal's own order; its timecode is
``HH:MM:SS:FF.mmm`` with frames on a base of 60 whatever the capture rate. Both spellings of the
count column (``BlendShapeCount``, ``BlendshapeCount``) occur in the wild.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.blendshapes import ARKIT, INDEX
from robot.errors import InputError

_EYE = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
_MIDDLE = (
    *("JawForward", "JawRight", "JawLeft", "JawOpen", "MouthClose", "MouthFunnel", "MouthPucker"),
    *("MouthRight", "MouthLeft", "MouthSmileLeft", "MouthSmileRight", "MouthFrownLeft"),
    *("MouthFrownRight", "MouthDimpleLeft", "MouthDimpleRight", "MouthStretchLeft"),
    *("MouthStretchRight", "MouthRollLower", "MouthRollUpper", "MouthShrugLower"),
    *("MouthShrugUpper", "MouthPressLeft", "MouthPressRight", "MouthLowerDownLeft"),
    *("MouthLowerDownRight", "MouthUpperUpLeft", "MouthUpperUpRight", "BrowDownLeft"),
    *("BrowDownRight", "BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight", "CheekPuff"),
    *("CheekSquintLeft", "CheekSquintRight", "NoseSneerLeft", "NoseSneerRight", "TongueOut"),
)
SHAPES: Final[tuple[str, ...]] = (
    *(f"Eye{part}Left" for part in _EYE),
    *(f"Eye{part}Right" for part in _EYE),
    *_MIDDLE,
)
"""The 52 shape columns in the order of the app's files."""
ROTATIONS: Final[tuple[str, ...]] = tuple(
    f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll")
)
"""The nine rotation columns, in radians."""
COLUMNS: Final[tuple[str, ...]] = ("Timecode", "BlendShapeCount", *SHAPES, *ROTATIONS)
FRAME_BASE: Final = 60
"""Frames in a second of the timecode, at every capture rate."""

_HINT = "export the take again from Live Link Face, or record one with `mien demo`"
_TIMECODE = re.compile(r"(\d+):(\d+):(\d+):(\d+(?:\.\d+)?)")


def arkit_name(column: str) -> str:
    """``EyeBlinkLeft`` -> ``eyeBlinkLeft``."""
    return column[0].lower() + column[1:]


@dataclass(frozen=True)
class Take:
    """A recorded performance."""

    times: NDArray[np.float64]
    """(T,) seconds since the first frame."""
    weights: NDArray[np.float32]
    """(T, 52) in the order of ``models.blendshapes.ARKIT``."""
    rotations: NDArray[np.float32]
    """(T, 9) radians, in the order of ``ROTATIONS``."""
    start: float
    """The first timecode, in seconds of the day."""


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
        raise ValueError(f"weights have shape {weights.shape}, wanted (frames, {len(ARKIT)})")
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


def read_csv(path: str | Path) -> Take:
    """Read a take.

    Columns may stand in any order and case, extra ones are ignored and missing shapes are 0.

    Raises:
        InputError: no such file, not this format, a ragged row or a value that is no number.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no Live Link Face file at {path}", _HINT)
    with path.open(newline="", encoding="utf-8-sig") as f:
        rows = [row for row in csv.reader(f) if row]
    head = [c.strip().lower() for c in rows[0]] if rows else []
    if head[:2] != ["timecode", "blendshapecount"]:
        raise InputError(f"{path} does not begin with Timecode,BlendShapeCount", _HINT)
    where = {name: i for i, name in enumerate(head)}
    if not any(name.lower() in where for name in ARKIT):
        raise InputError(f"{path} has no blendshape column", _HINT)
    if len(rows) < 2:
        raise InputError(f"{path} has no frame", _HINT)
    seconds = np.zeros(len(rows) - 1)
    table = np.zeros((len(rows) - 1, len(ARKIT) + len(ROTATIONS)), np.float32)
    wanted = [where.get(n.lower(), -1) for n in (*ARKIT, *ROTATIONS)]
    for k, row in enumerate(rows[1:]):
        if len(row) != len(head):
            raise InputError(f"{path} line {k + 2} has {len(row)} columns, not {len(head)}", _HINT)
        try:
            seconds[k] = parse_timecode(row[0])
            table[k] = [float(row[i]) if i >= 0 else 0.0 for i in wanted]
        except ValueError as e:
            raise InputError(f"{path} line {k + 2}: {e}", _HINT) from e
    start = float(seconds[0])
    # A take that runs over midnight goes on counting.
    times = np.where(seconds < start, seconds + 86400.0, seconds) - start
    return Take(times, table[:, : len(ARKIT)], table[:, len(ARKIT) :], start)


def timecode(seconds: float) -> str:
    """Seconds of the day -> ``HH:MM:SS:FF.mmm``, 60 frames to the second."""
    # Whole thousandths of a frame first, so that no rounding can print frame 60.
    ticks = round(seconds * FRAME_BASE * 1000) % (86400 * FRAME_BASE * 1000)
    second, tick = divmod(ticks, FRAME_BASE * 1000)
    frame, milli = divmod(tick, 1000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}:{frame:02d}.{milli:03d}"


def parse_timecode(text: str) -> float:
    """``HH:MM:SS:FF.mmm`` -> seconds of the day.

    Raises:
        ValueError: it has another form.
    """
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"timecode {text!r} is not HH:MM:SS:FF.mmm")
    hour, minute, second, frame = (float(g) for g in match.groups())
    return hour * 3600 + minute * 60 + second + frame / FRAME_BASE


def write_sidecar(path: str | Path, content: Mapping[str, Any]) -> Path:
    """Write what a CSV cannot say (emotion, look-ahead, model hash) to ``<same name>.json``.

    Strict readers of the CSV refuse a 64th column, hence a file of its own. Returns its path.

    Raises:
        ValueError: a number is not finite (JSON has no word for it).
    """
    target = Path(path).with_suffix(".json")
    for key, value in content.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{key} is {value}")
    target.write_text(json.dumps(dict(content), indent=1, sort_keys=True) + "\n")
    return target
