"""Live Link Face CSV: columns, timecode and reader.

A file has 63 columns: a timecode, a count, the 52 shapes and nine rotations in radians. The reader
uses names of columns, because the app's order differs from Unreal's. The timecode is
``HH:MM:SS:FF.mmm``; the app counts 60 frames per second at every capture rate, other programs count
others (``take_clock``). Two spellings of the count column exist (``BlendShapeCount``,
``BlendshapeCount``). ``mien.robot.media.livelink_takes`` writes such files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT
from mien.models.face.column_text import number, rows_of
from mien.models.face.take_clock import frame_times, infer_base
from mien.models.reading.bounded import excerpt

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
"""Timecode frames per second of the app, at every capture rate."""

_TIMECODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:[.,]\d+)?)", re.ASCII)
_MAX_VALUE: Final = 1000.0
"""Largest amount of a usable value. Shapes are about 0 to 1, angles about -3 to 3."""
_MAX_BAD_ROWS: Final = 1000
"""Bad rows after which a file with more bad rows than good ones is given up."""
_MIDNIGHT_S: Final = 86400.0


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
    base: float | None = FRAME_BASE
    """Timecode frames per second; None where the file does not tell. Times then count 60."""
    unseen: int = 0
    """Rows without values: the app saw no face."""
    bad: tuple[str, ...] = ()
    """Rows that cannot be used, each with its line and reason."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the file, a sentence each."""
        out = []
        if self.bad:
            rows = len(self.times) + self.unseen + len(self.bad)
            out.append(f"{len(self.bad)} of {rows} rows are not used, the first: {self.bad[0]}")
        if early := int((self.times < 0).sum()):
            out.append(f"rows of an earlier time than the first row's, not played: {early}")
        if self.unseen:
            out.append(f"rows without values, where no face was seen: {self.unseen}")
        return tuple(out)


def is_take(path: Path) -> bool:
    """Whether the header is that of a take. The app also writes other CSV files."""
    try:
        return _begins(next(rows_of(path), (0, [""]))[1])
    except ModelError:
        return False


def _begins(header: list[str]) -> bool:
    return [c.strip().lower() for c in header[:2]] == ["timecode", "blendshapecount"]


def read_csv(path: Path, base: float | None = None) -> Take:
    """Read a take.

    Order and case of the columns are free. Extra columns are ignored. Missing shapes are 0. Rows
    without values are frames without a face. Other rows that cannot be used are left out and
    listed in the take.

    Args:
        base: timecode frames per second; None infers it from the rows.

    Raises:
        ModelError: no such file, another format, or no row that can be used.
    """
    if not path.is_file():
        raise ModelError(f"no Live Link Face file at {path}")
    rows = rows_of(path)
    first = next(rows, (0, [""]))[1]
    if not _begins(first):
        begin = excerpt(",".join(first)[:40]) if first != [""] else "nothing"
        raise ModelError(
            f"{path} is no take: it begins with {begin}, expected Timecode,BlendShapeCount"
        )
    head = [c.strip().lower() for c in first]
    where = {name: i for i, name in enumerate(head)}
    given = np.asarray([name.lower() in where for name in ARKIT])
    if not given.any():
        raise ModelError(f"{path} has no blendshape column")
    columns = [where.get(n.lower(), -1) for n in (*ARKIT, *ROTATIONS)]
    codes: list[tuple[float, float]] = []
    values: list[NDArray[np.float32]] = []
    unseen, bad = 0, []
    for line, row in rows:
        try:
            code = _fields(row[0])
            if len(row) == 2 or (len(row) > 2 and not any(c.strip() for c in row[2:])):
                unseen += 1
                continue
            if len(row) != len(head):
                raise ValueError(f"{len(row)} columns, not {len(head)}")
            found = [number(row[i]) if i >= 0 else 0.0 for i in columns]
            if not all(abs(v) <= _MAX_VALUE for v in found):  # also refuses NaN
                raise ValueError(f"a value that is not within -{_MAX_VALUE:g} to {_MAX_VALUE:g}")
        except ValueError as e:
            bad.append(f"line {line}: {e}")
            if len(bad) > _MAX_BAD_ROWS and len(bad) > len(codes):
                why = f"{len(bad)} of {len(bad) + len(codes)} rows cannot be used"
                raise ModelError(f"{path} is no take: {why}, the first: {bad[0]}") from e
            continue
        codes.append(code)
        values.append(np.asarray(found, np.float32))
    if not codes:
        because = f", {bad[0]}" if bad else ""
        raise ModelError(f"{path} has no frame that can be used{because}")
    table = np.asarray(values, np.float32)
    seconds, fields = np.asarray(codes).T
    # The timecode of a take may pass midnight.
    seconds = seconds + _MIDNIGHT_S * np.cumsum(np.diff(seconds, prepend=seconds[0]) < -43200.0)
    known = infer_base(seconds, fields) if base is None else base
    times = frame_times(seconds, fields, known or FRAME_BASE)
    return Take(
        times - times[0], table[:, : len(ARKIT)], table[:, len(ARKIT) :], float(times[0]), given,
        known, unseen, tuple(bad),
    )  # fmt: skip


def timecode(seconds: float) -> str:
    """Seconds since midnight -> ``HH:MM:SS:FF.mmm`` with 60 frames per second."""
    # Integer thousandths of a frame, so that rounding cannot print frame 60.
    ticks = round(seconds * FRAME_BASE * 1000) % (86400 * FRAME_BASE * 1000)
    second, tick = divmod(ticks, FRAME_BASE * 1000)
    frame, milli = divmod(tick, 1000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}:{frame:02d}.{milli:03d}"


def parse_timecode(text: str, base: float = FRAME_BASE) -> float:
    """``HH:MM:SS:FF.mmm`` with ``base`` frames per second -> seconds since midnight.

    Raises:
        ValueError: the text has another form.
    """
    second, frame = _fields(text)
    return second + frame / base


def _fields(text: str) -> tuple[float, float]:
    """Whole seconds since midnight and the frame field of a timecode."""
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"timecode {text[:40]!r} is not HH:MM:SS:FF.mmm")
    hour, minute, second, frame = (float(g.replace(",", ".")) for g in match.groups())
    return hour * 3600 + minute * 60 + second, frame
