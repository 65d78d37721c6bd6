"""What ``mien sim --render`` shows: every actuator to its ends, some shapes, the emotions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.models.face.emotion import EMOTIONS
from mien.models.face.minimum_jerk import minimum_jerk
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.viewer.presets import Presets

SHAPES: Final = (
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthUpperUpLeft",
    "mouthLowerDownRight",
    "browInnerUp",
    "browDownLeft",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeWideLeft",
    "cheekSquintLeft",
    "noseSneerRight",
)
_LEAST_MOVE_S: Final = 0.25
_PEAK: Final = 1.875
"""Peak over mean speed of a minimum-jerk move: what keeps its peak within the speed limit."""
_END_HOLD_S, _POSE_HOLD_S = 0.2, 0.7


@dataclass(frozen=True)
class Station:
    """Move to ``pose`` (n,) in ``move_s`` seconds and hold it for ``hold_s``."""

    label: str
    pose: Floats
    move_s: float
    hold_s: float


class Programme:
    """A course of poses as a function of time; starts at neutral.

    Attributes:
        stations: in their order. seconds: how long all of it takes.
    """

    def __init__(self, face: FaceConfig, stations: Sequence[Station]) -> None:
        self._face = face
        self.stations = tuple(stations)
        self._starts = np.cumsum([0.0, *(s.move_s + s.hold_s for s in stations)]).tolist()
        self.seconds = float(self._starts[-1])

    def label(self, t: float) -> str:
        """What is shown at ``t`` s."""
        return self.stations[self._at(t)].label

    def commands(self, t: float) -> Floats:
        """Commands (n,) at ``t`` s; the last pose stays."""
        k = self._at(t)
        there = self.stations[k]
        start = self.stations[k - 1].pose if k else np.zeros(len(self._face.names))
        u = min(1.0, max(0.0, (t - self._starts[k]) / there.move_s))
        share = minimum_jerk(u)
        return np.asarray(start + share * (there.pose - start))

    def _at(self, t: float) -> int:
        return min(max(bisect_right(self._starts, t) - 1, 0), len(self.stations) - 1)


def whole(face: FaceConfig, presets: Presets) -> Programme:
    """Every actuator in turn, then ``SHAPES``, then the emotions; ends at neutral."""
    neutral = np.zeros(len(face.names))
    steps: list[tuple[str, Floats, float]] = []
    for k, name in enumerate(face.names):
        for end in face.limits[k][::-1]:
            if end != 0.0:
                pose = neutral.copy()
                pose[k] = end
                steps.append((f"{name} {end:+.1f}", pose, _END_HOLD_S))
        steps.append((name, neutral, 0.0))
    for name in (*SHAPES, *EMOTIONS[1:]):
        steps.append((name, presets.pose(name), _POSE_HOLD_S))
        steps.append((name, neutral, 0.0))
    return Programme(face, timed(face, steps))


def timed(face: FaceConfig, steps: Sequence[tuple[str, Floats, float]]) -> list[Station]:
    """(label, pose (n,), hold in s) -> stations whose moves are no faster than the face may be."""
    out, last = [], np.zeros(len(face.names))
    for label, pose, hold_s in steps:
        slowest = float(np.max(np.abs(pose - last) / face.speed))
        out.append(Station(label, pose, max(_LEAST_MOVE_S, 1.05 * _PEAK * slowest), hold_s))
        last = pose
    return out
