"""Babbles a plan before the camera and writes down what was seen; goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration import dataset
from calibration.dataset import Writer
from calibration.fit import quick_fit
from calibration.plan import KINDS, Plan, allowed, mixtures
from calibration.steady import steadied
from calibration.studio import Stage
from robot.config import FaceConfig, Floats
from robot.errors import DeviceError

PLAN = "plan.npz"
BLIND = 25  # poses in a row without a face: the camera looks elsewhere
_CANDIDATES = 2000
_ROUNDS = 2


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
) -> Collected:
    """Visit all poses of the folder's plan that are not in its data yet.

    Args:
        face: the face.
        stage: the robot and its camera.
        folder: holds ``plan.npz``; records are appended to ``poses.bin``.
        progress: hears (poses done, poses of the plan).
        stop_after: end early after so many new poses.

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
            sent = stage.go(plan.goals[i])
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
    """Fit what there is and plan the next poses where that model knows least; kept on disk."""
    data, _ = steadied(dataset.load(folder, face))
    count = -(-plan.active // _rounds_left(plan))
    model = quick_fit(face, data)
    pool = allowed(face, mixtures(face, _CANDIDATES, plan.seed + 104729 + len(plan)))
    phi = model.features(model.drive(pool))
    plan = plan.with_active(_least_known(phi, model.doubt, pool, count))
    plan.save(folder / PLAN)
    return plan


def _rounds_left(plan: Plan) -> int:
    chosen = int((plan.kind == KINDS.index("active")).sum())
    return max(1, round(_ROUNDS * plan.active / (chosen + plan.active)))


def _least_known(phi: Floats, doubt: Floats, pool: Floats, count: int) -> Floats:
    """Greedy D-optimal choice: each pose taken lowers the doubt about those like it."""
    cover = doubt.T @ doubt
    gain = np.einsum("if,fg,ig->i", phi, cover, phi)
    free = np.ones(len(pool), dtype=bool)
    taken = []
    for _ in range(min(count, len(pool))):
        best = int(np.argmax(np.where(free, gain, -np.inf)))
        taken.append(best)
        free[best] = False
        known = cover @ phi[best]
        shrink = 1.0 + float(phi[best] @ known)
        gain = gain - np.square(phi @ known) / shrink  # Sherman-Morrison
        cover = cover - np.outer(known, known) / shrink
    return pool[taken]
