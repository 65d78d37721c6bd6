"""Keyframes over generated curves: they hold, and around them the curves ease into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.models.face.blendshapes import ARKIT
from mien.models.face.minimum_jerk import minimum_jerk
from mien.robot.show.generator import Curves
from mien.robot.show.poses import HeldPose
from mien.robot.show.schema import Keyframe


@dataclass(frozen=True)
class Hold:
    """One curve held by one keyframe.

    Attributes:
        column: of ``CURVES``.
        value: shape in 0..1, or angle in rad.
        start, end: time in s of the hold.
        rise, fall: time in s in which it is reached and left.
    """

    column: int
    value: float
    start: float
    end: float
    rise: float
    fall: float


def holds(frames: Sequence[Keyframe], poses: Sequence[HeldPose]) -> list[Hold]:
    """The curves that keyframes hold, in order of time.

    A keyframe that follows another on the same curve is not begun before the other's hold ends.
    """
    out: list[Hold] = []
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
        out[at, hold.column] = column + share * (hold.value - column)
    out[:, : len(ARKIT)] = np.clip(out[:, : len(ARKIT)], 0.0, 1.0)
    return out
