"""Babbles a plan before the camera and writes down what was seen; goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration import dataset
from calibration.active import choose
from calibration.dataset import Writer
from calibration.faults import first_pass, write_findings
from calibration.fit import quick_fit
from calibration.plan import FIRST_PASS, KINDS, Plan
from calibration.steady import steadied
from calibration.studio import Stage
from models.self_model import SelfModel
from robot.config import FaceConfig
from robot.errors import DeviceError

PLAN = "plan.npz"
BLIND = 25  # poses in a row without a face: the camera looks elsewhere
ROUNDS = 3
"""How often the poses still to be chosen are chosen by a better model."""


@dataclass(frozen=True)
class Collected:
    """What a session of collecting did.

    Attributes:
        poses: poses in the data set now.
        new: of them written by this session.
        unseen: poses whose face was not seen.
        robot_s: seconds of robot time of this session.
    """

    poses: int
    new: int
    unseen: int
    robot_s: float


def collect(
    face: FaceConfig,
    stage: Stage,
    folder: Path,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    stop_after: int | None = None,
    known: SelfModel | None = None,
) -> Collected:
    """Visit all poses of the folder's plan that are not in its data yet.

    Args:
        face: the face.
        stage: the robot and its camera.
        folder: holds ``plan.npz``; records are appended to ``poses.bin``.
        progress: hears (poses done, poses of the plan).
        stop_after: end early after so many new poses.
        known: a robot of the same design; what responds unlike it in the first pass is stopped.

    Raises:
        InputError: no plan, or the disk is full.
        ConfigError: the folder's data is of another robot.
        DeviceError: no face in view for ``BLIND`` poses in a row, or the robot is gone.
    """
    plan = Plan.load(folder / PLAN, face)
    writer = Writer(folder, stage.setup, len(face.names))
    new = unseen = blind = 0
    time = 0.0
    done = set(writer.done)
    stopped: NDArray[np.bool_] | None = None
    try:
        if len(done) == len(plan) and not plan.active:
            return Collected(len(done), 0, 0, 0.0)
        stage.start()
        writer.add(-1, "start", 0.0, face.safe)
        while True:
            todo = [i for i in range(len(plan)) if i not in done and _ripe(plan, i)]
            if not todo and plan.active:
                plan = _choose_more(face, folder, plan)
                continue
            if not todo or (stop_after is not None and new >= stop_after):
                break
            i = todo[0]
            kind = KINDS[plan.kind[i]]
            if stopped is None and kind not in FIRST_PASS:
                findings = first_pass(face, steadied(dataset.load(folder, face))[0], known)
                write_findings(folder, findings)
                wrong = {f.actuator for f in findings}
                stopped = np.array([n in wrong for n in face.names])
            goal = plan.goals[i]
            sent = stage.go(goal if stopped is None else np.where(stopped, face.safe, goal))
            look = stage.look()
            time = look.time
            writer.add(i, kind, time, sent, look.landmarks, look.head, look.spread)
            done.add(i)
            new += 1
            lost = not np.isfinite(look.landmarks).all()
            unseen += lost
            blind = blind + 1 if lost else 0
            if blind >= BLIND:
                raise DeviceError(
                    f"no face in view for {blind} poses in a row; {len(done)} poses are kept",
                    f"point the camera at the face, then mien calibrate collect --out {folder}",
                )
            progress(len(done), len(plan) + plan.active)
    finally:
        stage.stop()
        writer.close()
    return Collected(len(done), new, unseen, time)


def _ripe(plan: Plan, i: int) -> bool:
    """Held poses come last, so that the active ones can still be put in before them."""
    return not plan.active or KINDS[plan.kind[i]] != "held"


def _choose_more(face: FaceConfig, folder: Path, plan: Plan) -> Plan:
    """Fit what there is and plan the next poses by it; the longer plan is on disk first."""
    data, _ = steadied(dataset.load(folder, face))
    chosen = int((plan.kind == KINDS.index("active")).sum())
    rounds_left = max(1, round(ROUNDS * plan.active / (chosen + plan.active)))
    count = -(-plan.active // rounds_left)
    plan = plan.with_active(choose(face, quick_fit(face, data), count, plan.seed + chosen))
    plan.save(folder / PLAN)
    return plan
