"""Live Link Face CSV: columns, timecode and reader.

A file has 63 columns: a timecode, a count, the 52 shapes and nine rotations in radians. The reader
uses names of columns, because the app's order differs from Unreal's. The timecode is
``HH:MM:SS:FF.mmm`` with 60 frames per second at every capture rate. Two spellings of the count
column exist (``BlendShapeCount``, ``BlendshapeCount``). ``mien.robot.media.livelink_takes`` writes
such files.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT

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
"""Timecode frames per second, at every capture rate."""

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
    """(T, 52) in the order of ``mien.models.face.blendshapes.ARKIT``."""
    rotations: NDArray[np.float32]
    """(T, 9) radians, in the order of ``ROTATIONS``."""
    start: float
    """The first timecode, in seconds since midnight."""
    given: NDArray[np.bool_]
    """(52,) mask of the shapes with a column in the file. The others are 0."""


def is_take(path: Path) -> bool:
    """Whether the header is that of a take. The app also writes other CSV files."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            return _begins(next(csv.reader(f), []))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def _begins(header: list[str]) -> bool:
    return [c.strip().lower() for c in header[:2]] == ["timecode", "blendshapecount"]


def read_csv(path: Path) -> Take:
    """Read a take.

    Order and case of the columns are free. Extra columns are ignored. Missing shapes are 0.

    Raises:
        ModelError: no such file, another format, a row of another length, or not a number.
    """
    if not path.is_file():
        raise ModelError(f"no Live Link Face file at {path}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as f:
            rows = [row for row in csv.reader(f) if row]
    except (UnicodeDecodeError, csv.Error) as e:
        raise ModelError(f"{path} is not text in columns: {e}") from e
    if not rows or not _begins(rows[0]):
        raise ModelError(f"{path} does not begin with Timecode,BlendShapeCount")
    head = [c.strip().lower() for c in rows[0]]
    where = {name: i for i, name in enumerate(head)}
    given = np.asarray([name.lower() in where for name in ARKIT])
    if not given.any():
        raise ModelError(f"{path} has no blendshape column")
    if len(rows) < 2:
        raise ModelError(f"{path} has no frame")
    seconds = np.zeros(len(rows) - 1)
    table = np.zeros((len(rows) - 1, len(ARKIT) + len(ROTATIONS)), np.float32)
    columns = [where.get(n.lower(), -1) for n in (*ARKIT, *ROTATIONS)]
    for k, row in enumerate(rows[1:]):
        if len(row) != len(head):
            raise ModelError(f"{path} line {k + 2} has {len(row)} columns, not {len(head)}")
        try:
            seconds[k] = parse_timecode(row[0])
            table[k] = [float(row[i]) if i >= 0 else 0.0 for i in columns]
        except ValueError as e:
            raise ModelError(f"{path} line {k + 2}: {e}") from e
    start = float(seconds[0])
    # The timecode of a take may pass midnight.
    times = np.where(seconds < start, seconds + 86400.0, seconds) - start
    return Take(times, table[:, : len(ARKIT)], table[:, len(ARKIT) :], start, given)


def timecode(seconds: float) -> str:
    """Seconds since midnight -> ``HH:MM:SS:FF.mmm`` with 60 frames per second."""
    # Integer thousandths of a frame, so that rounding cannot print frame 60.
    ticks = round(seconds * FRAME_BASE * 1000) % (86400 * FRAME_BASE * 1000)
    second, tick = divmod(ticks, FRAME_BASE * 1000)
    frame, milli = divmod(tick, 1000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}:{frame:02d}.{milli:03d}"


def parse_timecode(text: str) -> float:
    """``HH:MM:SS:FF.mmm`` -> seconds since midnight.

    Raises:
        ValueError: the text has another form.
    """
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"timecode {text!r} is not HH:MM:SS:FF.mmm")
    hour, minute, second, frame = (float(g) for g in match.groups())
    return hour * 3600 + minute * 60 + second + frame / FRAME_BASE
