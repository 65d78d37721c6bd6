"""Poses of a check, watched: where a face comes to rest, and how it gets there.

Verification watches the poses of a healthy face and keeps what it saw. A check watches the same
poses again. Errors of the model and of the face tracker that belong to a pose are the same both
times, so that the difference shows changes of the robot only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig, ObservedRun
from mien.models.face.regions import COUNT
from mien.models.formats import read_arrays, write_arrays
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter

FILE, VERSION = "healthy.npz", 1
RATE_HZ = 60.0
HEALTHY_ROUNDS = 2
"""Times that a healthy face goes through the poses."""
_SAME_S = 1e-3
_RUN = ("sent_at", "sent", "seen_at", "seen", "head")
_POSE = ("sent", "seen", "head")


@dataclass(frozen=True, eq=False)
class WatchedPose:
    """One pose and the way to it.

    Attributes:
        run: commands and frames of the way, at the speed limits; None: it was there already.
        sent: (n,) commands of the pose.
        seen: (478, 3) mm, the settled face; NaN without a usable frame.
        head: (4, 4) pose of the settled head in the camera frame, mm.
    """

    run: ObservedRun | None
    sent: Floats
    seen: Floats
    head: Floats


def watch_poses(face: FaceConfig, rig: CaptureRig, goals: Floats) -> list[WatchedPose]:
    """Move a started rig to each of the poses (P, n), and observe the ways and the poses."""
    rig.move_to(face.safe)
    limit, at, out = Limiter(face), face.safe.copy(), list[WatchedPose]()
    for goal in goals:
        path = [at]
        while True:
            before, at = at, limit(goal, at, 1.0 / RATE_HZ).commands
            if np.array_equal(at, before):
                break
            path.append(at)
        run = None
        if len(path) > 1:
            run = rig.run_trajectory(np.array(path), RATE_HZ, every=2)
        at = rig.move_to(goal)
        observation = rig.observe()
        out.append(WatchedPose(run, at, observation.landmarks, observation.head))
    return out


def watch_healthy(face: FaceConfig, rig: CaptureRig, goals: Floats) -> list[WatchedPose]:
    """The poses (P, n) of a healthy face, each the mean of ``HEALTHY_ROUNDS`` rounds.

    Every later check is compared with them, so their noise would be in all of these.
    """
    rounds = [watch_poses(face, rig, goals) for _ in range(HEALTHY_ROUNDS)]
    return [_mean(list(each)) for each in zip(*rounds, strict=True)]


def _mean(poses: list[WatchedPose]) -> WatchedPose:
    """Mean of what was seen of one pose. Frames on the way count where they have the same times."""
    first, run = poses[0], poses[0].run
    runs = [p.run for p in poses if p.run is not None]
    if run is not None and all(_in_step(run, other) for other in runs):
        run = replace(run, seen=np.mean([r.seen for r in runs], axis=0))
    known = [p.seen for p in poses if np.isfinite(p.seen).all()]
    return replace(first, run=run, seen=np.mean(known, axis=0) if known else first.seen)


def _in_step(one: ObservedRun, other: ObservedRun) -> bool:
    """Whether two runs have frames at the same times since their first command."""
    times = [run.seen_at - run.sent_at[0] for run in (one, other)]
    return times[0].shape == times[1].shape and bool(np.abs(times[0] - times[1]).max() < _SAME_S)


def save_watched(folder: Path, poses: list[WatchedPose]) -> None:
    """Write what was seen of a healthy face, whole or not at all."""
    arrays: dict[str, Floats] = {}
    for name in _POSE:
        arrays[name] = np.array([getattr(p, name) for p in poses])
    runs = [p.run for p in poses if p.run is not None]
    for name in _RUN:
        arrays[f"run_{name}"] = np.concatenate([getattr(r, name) for r in runs])
    arrays["commands"] = np.array([0 if p.run is None else len(p.run.sent) for p in poses])
    arrays["frames"] = np.array([0 if p.run is None else len(p.run.seen) for p in poses])
    write_arrays(
        folder / FILE,
        VERSION,
        {k: a.astype(np.float32) if k.endswith("seen") else a for k, a in arrays.items()},
    )


def load_watched(folder: Path, face: FaceConfig) -> list[WatchedPose]:
    """What was seen of the healthy face; empty where nothing usable is there."""
    n = len(face.names)
    try:
        arrays = read_arrays(folder / FILE, VERSION)
        pose, run = {k: arrays[k] for k in _POSE}, {k: arrays[f"run_{k}"] for k in _RUN}
        ends = {k: np.cumsum(arrays[k].astype(int)) for k in ("commands", "frames")}
        shapes = [(pose["sent"], n), (run["sent"], n), (pose["seen"], COUNT), (run["seen"], COUNT)]
        if (
            any(array.shape[1] != size for array, size in shapes)
            or len(run["sent"]) != (ends["commands"][-1])
        ):
            return []
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return []
    out = []
    for k in range(len(pose["sent"])):
        before = {name: end[k - 1] if k else 0 for name, end in ends.items()}
        c, f = (slice(before[name], end[k]) for name, end in ends.items())
        of = {name: run[name][c if name.startswith("sent") else f] for name in _RUN}
        way = None if ends["commands"][k] == before["commands"] else ObservedRun(**of, dropped={})
        out.append(WatchedPose(way, *(pose[name][k].astype(np.float64) for name in _POSE)))
    return out


def forget_watched(folder: Path) -> None:
    """Delete what was seen: the robot is another one since."""
    (folder / FILE).unlink(missing_ok=True)


def same_poses(one: list[WatchedPose], other: list[WatchedPose]) -> bool:
    """Whether two series of watched poses were sent the same commands."""
    return len(one) == len(other) and all(
        np.abs(a.sent - b.sent).max() < 1e-6 for a, b in zip(one, other, strict=True)
    )
