"""Faults of single actuators: does a check name them, and does a proof refuse a broken robot?"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.calibration.capture import dataset
from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.open_rig import open_rig
from mien.calibration.capture.stabilise import stabilised
from mien.calibration.identify import dynamics, face_fit
from mien.calibration.identify.collect import collect
from mien.calibration.identify.design_prior import prior_of
from mien.calibration.identify.wiring import reference_model
from mien.calibration.plan.check_poses import check_poses
from mien.calibration.plan.excitation import make_plan
from mien.calibration.plan.stages import PLAN
from mien.calibration.verify.acceptance import unmet
from mien.calibration.verify.asked_check import check_asked
from mien.calibration.verify.diagnosis import ActuatorFault, diagnose
from mien.calibration.verify.fault_search import FaultKind
from mien.calibration.verify.trim import CHECK_POSES
from mien.calibration.verify.watched_poses import WatchedPose, watch_healthy, watch_poses
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats, load_face
from tests.bench.calibration.captured_sets import captured

FACES = ("morpheus33", "hobby9")
KINDS: Final[dict[str, FaultKind]] = {
    "stuck": "still",
    "dead": "still",
    "torn": "still",
    "slow": "slow",
    "slack": "slack",
    "slip": "slipped",
}
"""Kind of fault -> what a check calls it. No camera tells a jammed gear from a burned motor."""
TENDON = ("torn", "slack")
RENDERED_SHARE = 1 / 3
"""Of the faulty robots that are seen through the rendered camera, which takes ten times as long."""
HEALTHY_SHARE = 0.2
"""Sessions with a healthy robot, as a share of those with a faulty one."""


@dataclass(frozen=True)
class Broken:
    """One faulty robot."""

    face: str
    build: int
    kind: str
    actuator: str


def sample(builds: list[int], count: int, seed: int = 0) -> list[Broken]:
    """Faulty robots: the kinds in turn, face, build and actuator by chance."""
    rng, out = np.random.default_rng([seed, 0xFA]), list[Broken]()
    while len(out) < count:
        name, kind = FACES[int(rng.integers(len(FACES)))], list(KINDS)[len(out) % len(KINDS)]
        face = load_face(name)
        able = [n for n, a in face.actuators.items() if kind not in TENDON or a.kind.can_go_slack]
        if able:
            build = builds[int(rng.integers(len(builds)))]
            out.append(Broken(name, build, kind, able[int(rng.integers(len(able)))]))
    return out


@dataclass(frozen=True, eq=False)
class KnownRobot:
    """A calibrated robot, and what verification saw of it."""

    face: FaceConfig
    model: SelfModel
    data: dataset.Dataset
    healthy: list[WatchedPose]


def sized(camera: str, count: int) -> int:
    """Number of faulty robots of a camera's sample."""
    return count if camera == "projected" else max(1, round(RENDERED_SHARE * count))


def checks(
    folder: Path, builds: list[int], camera: str, poses: int, count: int
) -> dict[str, float]:
    """``check_caught``: share of faulty robots whose check names the actuator and its fault;
    ``check_named``: whose check names the actuator; ``check_false``: share of all checks that name
    a healthy actuator. Each fault occurs after one shared calibration of its robot."""
    known: dict[tuple[str, int], KnownRobot] = {}

    def found(name: str, build: int, seed: int, fault: str = "") -> list[ActuatorFault]:
        if (name, build) not in known:
            known[name, build] = known_robot(folder, load_face(name), build, camera, poses)
        of = known[name, build]
        now = watched(of.face, build, camera, seed, fault)
        return diagnose(of.face, of.model, of.data, of.healthy, now)

    caught, named, false, wrong = 0, 0, 0, list[str]()
    broken = sample(builds, sized(camera, count))
    healthy = max(1, round(HEALTHY_SHARE * len(broken)))
    for k, one in enumerate(broken):
        seen = found(one.face, one.build, 1000 + k, f"{one.kind}:{one.actuator}")
        right = [f for f in seen if f.actuator == one.actuator]
        named += bool(right)
        caught += any(f.kind == KINDS[one.kind] for f in right)
        false += len(right) < len(seen)
        if [f.kind for f in seen] != [KINDS[one.kind]] or not right:
            wrong.append(f"{one.face}:{one.build}:{one.kind}:{one.actuator}")
    for k in range(healthy):
        false += bool(found(FACES[k % len(FACES)], builds[k % len(builds)], 2000 + k))
    for text in wrong:
        print(f"not named as it is: {text}", file=sys.stderr)
    return {
        "check_caught": caught / len(broken),
        "check_named": named / len(broken),
        "check_false": false / (len(broken) + healthy),
    }


def proofs(
    folder: Path, builds: list[int], camera: str, poses: int, count: int
) -> dict[str, float]:
    """``proof_refused_broken``: share of robots that were broken before their calibration and are
    refused; ``proof_accepted_healthy``: of healthy ones that are accepted."""
    broken = sample(builds, sized(camera, count), seed=1)
    refused = [bool(_refusal(folder, b, camera, poses)) for b in broken]
    for b in (b for b, no in zip(broken, refused, strict=True) if not no):
        print(f"not refused: {b.face}:{b.build}:{b.kind}:{b.actuator}", file=sys.stderr)
    healthy = [
        not _refusal(folder, Broken(name, build, "", ""), camera, poses)
        for name in FACES
        for build in builds
    ]
    return {
        "proof_refused_broken": float(np.mean(refused)),
        "proof_accepted_healthy": float(np.mean(healthy)),
    }


def known_robot(folder: Path, face: FaceConfig, build: int, camera: str, poses: int) -> KnownRobot:
    """A robot, calibrated, and the poses of a check of it while it is healthy."""
    data = captured(folder, face, build, camera, poses).data
    healthy = watched(face, build, camera, 500, see=watch_healthy)
    return KnownRobot(face, face_fit.fit_face(face, data), data, healthy)


def watched(
    face: FaceConfig,
    build: int,
    camera: str,
    seed: int,
    fault: str = "",
    see: Callable[[FaceConfig, CaptureRig, Floats], list[WatchedPose]] = watch_poses,
) -> list[WatchedPose]:
    """The poses of a check, of a robot whose fault (empty: none) occurred before."""
    faults = (fault,) if fault else ()
    rig = open_rig(face, camera=camera, build=build, seed=seed, faults=faults)
    try:
        rig.start()
        return see(face, rig, check_poses(face, CHECK_POSES))
    finally:
        rig.stop()


def _refusal(folder: Path, of: Broken, camera: str, poses: int) -> list[str]:
    """Why a robot is refused that was broken before it was calibrated; empty: it is accepted.

    Only the criteria of what a face is asked count, not those of its own held-out poses.
    """
    face = load_face(of.face)
    fault = f"{of.kind}:{of.actuator}" if of.kind else ""
    own = folder / "_".join(
        filter(None, (of.face, str(of.build), camera, str(poses), of.kind, of.actuator))
    )
    if not (own / PLAN).exists():
        own.mkdir(parents=True, exist_ok=True)
        make_plan(face, poses, seed=of.build, known=prior_of(face) is not None).save(own / PLAN)
    known, faults = reference_model(face), (fault,) if fault else ()
    rig = open_rig(face, camera=camera, build=of.build, seed=of.build, faults=faults)
    collect(face, rig, own, known=known)
    data = stabilised(dataset.load(own, face))[0]
    model = face_fit.fit_face(face, data)
    pace = dynamics.rows(dynamics.identify_dynamics(face, model, own))
    model = replace(model, meta=model.meta | {"pace": pace})
    rig = open_rig(face, camera=camera, build=of.build, seed=of.build, faults=faults)
    try:
        rig.start()
        found: dict[str, Any] = check_asked(face, model, rig, known)
    finally:
        rig.stop()
    met = dict.fromkeys(("inverse_mean_pct", "inverse_p95_pct", "vs_nearest"), 0.0)
    return unmet(met | found)
