"""Keyframes over generated curves: they hold, and around them the curves ease into them.

Nothing blinks during a hold, unless the keyframe itself moves the lids: a blink would hide what is
held, and pull at the brows. Where brows, lids or gaze are held, the rest of them keeps still, as
they pull at the same skin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.models.face.blendshapes import ARKIT, indices
from mien.models.face.minimum_jerk import minimum_jerk
from mien.robot.show.generator import Curves
from mien.robot.show.poses import HeldPose
from mien.robot.show.schema import Keyframe

LIDS: Final = tuple(int(k) for k in indices(("eyeBlinkLeft", "eyeBlinkRight")))
"""Curves that blink."""
EYES: Final = tuple(k for k, name in enumerate(ARKIT) if name.startswith(("brow", "eye")))
"""Curves around the eyes, which pull at each other."""
MAX_STILL_S: Final = 3.0
"""Time in s of a hold in which nothing blinks. A longer stare would look dead."""
_AROUND_S: Final = 1.0


@dataclass(frozen=True)
class Hold:
    """One curve held by one keyframe.

    Attributes:
        column: of ``CURVES``.
        value: shape in 0..1, or angle in rad; None of a curve that keeps still, and of a lid that
            does not blink.
        start, end: time in s of the hold.
        rise, fall: time in s in which it is reached and left.
    """

    column: int
    value: float | None
    start: float
    end: float
    rise: float
    fall: float


def holds(frames: Sequence[Keyframe], poses: Sequence[HeldPose]) -> list[Hold]:
    """The curves that keyframes hold, in order of time; before them those that keep still.

    A keyframe that follows another on the same curve is not begun before the other's hold ends.
    """
    out = [
        Hold(column, None, f.at, f.at + min(f.hold, MAX_STILL_S), f.ease, f.ease)
        for f, pose in zip(frames, poses, strict=True)
        for column in beside(pose)
    ]
    ends: dict[int, float] = {}
    for k in sorted(range(len(frames)), key=lambda k: frames[k].at):
        frame = frames[k]
        for column, value in poses[k].values.items():
            free = frame.at - ends.get(column, -np.inf)
            rise = max(min(frame.ease, free), 1e-6)
            end = frame.at + frame.hold
            out.append(Hold(column, value, frame.at, end, float(rise), frame.ease))
            ends[column] = end
    return out


def beside(pose: HeldPose) -> tuple[int, ...]:
    """Curves that keep still while a pose is held, beside those that it holds."""
    around = EYES if set(EYES) & set(pose.values) else LIDS
    return tuple(column for column in around if column not in pose.values)


def overlay(
    curves: Curves, t: np.ndarray[tuple[int], np.dtype[np.float64]], held: Sequence[Hold]
) -> Curves:
    """Curves (T, 55) with the holds on top. Where no hold reaches they are the same bits."""
    out = curves.copy()
    for hold in held:
        first, last = hold.start - hold.rise, hold.end + hold.fall
        at = np.flatnonzero((t > first) & (t < last))
        now = t[at]
        up = np.clip((now - first) / hold.rise, 0.0, 1.0)
        down = np.clip((last - now) / hold.fall, 0.0, 1.0)
        share = minimum_jerk(up) * minimum_jerk(down)
        column = out[at, hold.column].astype(np.float64)
        value = _still(curves, t, hold, column) if hold.value is None else hold.value
        out[at, hold.column] = column + share * (value - column)
    out[:, : len(ARKIT)] = np.clip(out[:, : len(ARKIT)], 0.0, 1.0)
    return out


def _still(
    curves: Curves,
    t: np.ndarray[tuple[int], np.dtype[np.float64]],
    hold: Hold,
    column: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A curve as it is when the hold begins; a lid no lower than half of the time around it."""
    near = (t > hold.start - _AROUND_S) & (t < hold.end + _AROUND_S)
    if not near.any():
        return column
    if hold.column in LIDS:
        return np.minimum(column, float(np.median(curves[near, hold.column])))
    return np.full(len(column), float(np.interp(hold.start, t, curves[:, hold.column])))
