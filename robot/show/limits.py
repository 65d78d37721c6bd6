"""What a keyframe cannot be on this face, in mm and percent, before anything moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.regions import REGIONS
from mien.models.self_model.neck import NECK
from mien.robot.face.calibrated import FittedFace
from mien.robot.face.config import Floats
from mien.robot.face.retarget import soft
from mien.robot.face.solver import FaceSolver
from mien.robot.show.generator import Curves, neck_of
from mien.robot.show.poses import HeldPose
from mien.robot.show.schema import Keyframe

REACHED: Final = 0.95
"""Share of what is asked below which a keyframe is said to be out of reach."""
LEAST_MM: Final = 0.2
"""What is short by less is not said: it is not seen."""
_LEAST: Final = {"together": 0.8, "speed": REACHED}
_LEAST_TOGETHER_MM: Final = 0.5
_LEAST_TURN: Final = 0.1
_LISTED: Final = 6
_PAIRS: Final = (
    ("eyeLookOutLeft", "eyeLookInRight"), ("eyeLookInLeft", "eyeLookOutRight"),
    ("eyeLookUpLeft", "eyeLookUpRight"), ("eyeLookDownLeft", "eyeLookDownRight"),
)  # fmt: skip
_GAZE: Final = {INDEX[a]: INDEX[b] for pair in _PAIRS for a, b in (pair, pair[::-1])}
"""A look of one eye -> the same look of the other: one pair of servos turns both."""


@dataclass(frozen=True)
class Shortfall:
    """What of a keyframe a face does not show.

    Attributes:
        keyframe: its index in the show.
        what: a shape, an axis of the head, or a region of the face.
        why: ``reach`` of a shape alone, of shapes ``together``, or ``speed`` of the servos.
        percent: of what is asked that is shown.
        mm: what is missing there, at the landmark that moves most; NaN where no landmark shows it.
    """

    keyframe: int
    what: str
    why: str
    percent: float
    mm: float

    def __str__(self) -> str:
        short = "" if np.isnan(self.mm) else f" ({self.mm:.1f} mm short)"
        return f"{self.what} {self.percent:.0f} %{short}"


def out_of_reach(face: FittedFace, poses: Sequence[HeldPose]) -> list[Shortfall]:
    """What of keyframes this face cannot show: shapes alone, turns, and shapes together.

    The face's inverse and self-model tell (``Retarget.reach``); nothing is generated for it.
    """
    out = [short for k, pose in enumerate(poses) for short in _alone(face, k, pose)]
    several = [k for k, pose in enumerate(poses) if sum(map(pose.moves, pose.asked)) > 1]
    if several:
        weights = np.zeros((len(several), len(ARKIT)))
        for row, pose in zip(weights, [poses[k] for k in several], strict=True):
            for column, value in pose.values.items():
                if column < len(ARKIT):
                    row[column] = value
        solver, rest = FaceSolver(face), face.model.landmarks(np.zeros(face.model.n))
        asked = solver.targets(weights) - rest
        best = face.model.landmarks(solver.still(weights)) - rest
        for i, k in enumerate(several):
            out += _short(face, k, poses[k], asked[i], best[i], "together")
    return out


def _alone(face: FittedFace, k: int, pose: HeldPose) -> list[Shortfall]:
    retarget, reach = face.retarget, face.retarget.reach
    size = np.linalg.norm(retarget.delta, axis=2)
    out = []
    for name in filter(pose.moves, pose.asked):
        at = INDEX[name]
        weight = pose.values[at]
        shown, mm = float(reach.overall[at]), float("nan")
        if reach.visible[at].any():
            regions = np.flatnonzero(reach.visible[at])
            parts = soft(np.full(len(regions), weight), reach.by_region[at, regions])
            most = np.array([size[at, list(REGIONS[reach.regions[i]])].max() for i in regions])
            shown = float((parts * most).sum() / (weight * most.sum()))
            mm = float(((weight - parts) * most).max())
        together = (weight + pose.values.get(_GAZE.get(at, at), 0.0)) / (2.0 * weight)
        if together < 1.0:  # the eyes turn together, half as far where only one is to turn
            shown, mm = shown * together, mm + (1.0 - together) * weight * float(size[at].max())
        if shown < REACHED and not mm < LEAST_MM:
            out.append(Shortfall(k, name, "reach", 100.0 * shown, mm))
    for axis, role in enumerate(NECK):
        if pose.values.get(len(ARKIT) + axis, 0.0) and role not in face.face.roles:
            out.append(Shortfall(k, _axis(role), "reach", 0.0, float("nan")))
    return out


def out_of_time(
    face: FittedFace,
    frames: Sequence[Keyframe],
    poses: Sequence[HeldPose],
    curves: Curves,
    times: Floats,
    sent: Floats,
) -> list[Shortfall]:
    """What keyframes of a take lose to the speed of the servos.

    Args:
        face: the face.
        frames, poses: keyframes of the show, and what they hold.
        curves: (T, 55) of the take.
        times: (T,) s.
        sent: (T, n) commands after the limiter.
    """
    out: list[Shortfall] = []
    at = [int(np.clip(np.searchsorted(times, f.at - 1e-9), 0, len(times) - 1)) for f in frames]
    if not at:
        return out
    model = face.model
    rest = model.landmarks(np.zeros(model.n))
    still = FaceSolver(face).still(curves[at, : len(ARKIT)].astype(np.float64), neck_of(curves[at]))
    best, got = model.landmarks(still) - rest, model.landmarks(sent[at]) - rest
    for k, pose in enumerate(poses):
        out += _short(face, k, pose, best[k], got[k], "speed")
        for axis, role in enumerate(NECK):
            if len(ARKIT) + axis in pose.values and role in face.face.roles:
                i = face.face.index(face.face.roles[role])
                goal, there = still[k, i], sent[at[k], i]
                if abs(goal - there) > (1.0 - REACHED) * max(abs(goal), _LEAST_TURN):
                    share = float(np.clip(there / goal, 0.0, 1.0)) if goal else 0.0
                    out.append(Shortfall(k, _axis(role), "speed", 100.0 * share, float("nan")))
    return out


def _axis(role: str) -> str:
    return f"head {role.removeprefix('neck_')}"


def _short(
    face: FittedFace, k: int, pose: HeldPose, asked: Floats, got: Floats, why: str
) -> list[Shortfall]:
    """Regions that shapes of a keyframe move, where displacements (478, 3) mm miss ``asked``."""
    reach, out = face.retarget.reach, []
    columns = [INDEX[name] for name in filter(pose.moves, pose.asked)]
    for i in np.flatnonzero(reach.visible[columns].any(axis=0)):
        at = list(REGIONS[reach.regions[i]])
        a, g = asked[at], got[at]
        whole = float(np.square(a).sum())
        mm = float(np.linalg.norm(a - g, axis=1).max())
        share = float(np.clip((a * g).sum() / whole, 0.0, 1.0)) if whole > 0.0 else 1.0
        if share < _LEAST[why] and mm >= _LEAST_TOGETHER_MM:
            out.append(Shortfall(k, reach.regions[i], why, 100.0 * share, mm))
    return out


def told(frames: Sequence[Keyframe], found: Sequence[Shortfall]) -> list[tuple[int, str]]:
    """Keyframe and sentence of what is short, worst first; the rest of many is counted."""
    heads = {
        "reach": "this face reaches",
        "together": "together its shapes reach",
        "speed": "the servos arrive in time at",
    }
    out = []
    for k, frame in enumerate(frames):
        for why, head in heads.items():
            mine = sorted((s for s in found if s.keyframe == k and s.why == why), key=_rank)
            if mine:
                more = f" and {len(mine) - _LISTED} more" if len(mine) > _LISTED else ""
                listed = ", ".join(map(str, mine[:_LISTED]))
                out.append((k, f"keyframe at {frame.at:g} s: {head} {listed}{more}"))
    return out


def _rank(short: Shortfall) -> float:
    return -short.mm if np.isfinite(short.mm) else short.percent - 1e3
