"""Babbles a plan before the camera and writes down what was seen; goes on where it was stopped."""

from __future__ import annotations

import json
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.calibration.capture import dataset
from mien.calibration.capture.dataset import Writer
from mien.calibration.capture.frame_filter import said
from mien.calibration.capture.rig import Stage
from mien.calibration.capture.stabilise import steadied
from mien.calibration.identify.dynamics import watch_all
from mien.calibration.identify.fit import quick_fit
from mien.calibration.identify.tendons import WALK, loose_strings
from mien.calibration.identify.wiring import Finding, first_pass, write_findings
from mien.calibration.plan.active import choose
from mien.calibration.plan.excitation import FIRST_PASS, KINDS, POSE_S, Plan
from mien.models.self_model.model import SelfModel
from mien.robot.errors import DeviceError, InputError, MienError
from mien.robot.face.config import FaceConfig
from mien.robot.runs import write_json

PLAN, DROPPED = "plan.npz", "dropped.json"
ROUNDS = 3
"""How often the poses still to be chosen are chosen by a better model."""
_RECENT = 50  # poses that tell how long one takes


@dataclass(frozen=True)
class Collected:
    """What a session of collecting did.

    Attributes:
        poses: poses in the data set now.
        new: of them written by this session.
        unseen: poses that were tried twice and not seen.
        robot_s: seconds of robot time of this session.
        dropped: pictures that were not used, by reason, of all sessions.
        spared: mixtures left out, for the plan's minutes were used up.
    """

    poses: int
    new: int
    unseen: int
    robot_s: float
    dropped: dict[str, int]
    spared: int = 0


def collect(
    face: FaceConfig,
    stage: Stage,
    folder: Path,
    progress: Callable[[int, int, str], None] = lambda _done, _all, _note: None,
    stop_after: int | None = None,
    known: SelfModel | None = None,
    again: str = "",
) -> Collected:
    """Visit all poses of the folder's plan that are not in its data yet.

    A pose without a usable picture is tried once more after the others; until then its record
    counts as a way that was gone, not as a pose, so that a later session visits it again.

    Args:
        face: the face.
        stage: the robot and its camera.
        folder: holds ``plan.npz``; records are appended to ``poses.bin``.
        progress: hears (poses done, poses of the plan, what was dropped).
        stop_after: end early after so many new poses.
        known: a robot of the same design; what responds unlike it in the first pass is stopped.
        again: the command that goes on here, for errors.

    Raises:
        InputError: no plan, or the disk is full.
        ConfigError: the folder's data is of another robot.
        DeviceError: too many poses in a row without a usable picture, or robot or camera is gone.
    """
    again = again or f"mien calibrate collect --face {face.name} --out {folder}"
    try:
        plan = _plan(folder, face)
        writer = Writer(folder, stage.setup, len(face.names))
    except MienError:
        stage.stop()
        raise
    new = unseen = 0
    time, paces = 0.0, deque([POSE_S], maxlen=_RECENT)
    done, missed = set(writer.done), set[int]()
    dropped = read_dropped(folder)
    stopped: NDArray[np.bool_] | None = None
    findings: list[Finding] = []
    walked = False
    try:
        before = dataset.load(folder, face).robot_s if done else 0.0
        short = _short(plan, done, before, POSE_S)
        if not plan.left(done, short) and not plan.choosing(done, short):
            return Collected(len(done), 0, 0, 0.0, dropped, _spared(plan, done))
        stage.start()
        writer.add(-1, "start", 0.0, face.safe)
        while True:
            short = _short(plan, done, before + time, float(np.median(paces)))
            todo = plan.left(done, short)
            if not todo and plan.choosing(done, short):
                plan = _choose_more(face, folder, plan)
                continue
            if not todo or (stop_after is not None and new >= stop_after):
                break
            i = next((i for i in todo if i not in missed), todo[0])
            kind = KINDS[plan.kind[i]]
            if stopped is None and kind not in FIRST_PASS:
                findings = first_pass(face, steadied(dataset.load(folder, face))[0], known)
                write_findings(folder, findings)
                stopped = _stopped(face, findings)
                for name, run in watch_all(face, stage, folder, stopped):
                    time += float(run.sent_at[-1] - run.sent_at[0])
                    # No poses, but ways that were gone: what strings have been through.
                    for sent in (run.sent[np.abs(run.sent).sum(1).argmax()], run.sent[-1]):
                        writer.add(-1, "single", time, sent)
                    dropped = _counted(folder, dropped, run.dropped)
                    progress(len(done), len(plan) + plan.active, f"pace of {name}")
            if not walked and kind not in (*FIRST_PASS, *WALK):
                walked = True
                findings += loose_strings(face, steadied(dataset.load(folder, face))[0], known)
                write_findings(folder, findings)
                stopped = _stopped(face, findings)
            goal = plan.goals[i]
            sent = stage.go(goal if stopped is None else np.where(stopped, face.safe, goal))
            look = stage.look()
            paces.append(look.time - time)
            time = look.time
            seen = bool(np.isfinite(look.landmarks).all())
            final = seen or i in missed
            writer.add(i if final else -1, kind, time, sent, look.landmarks, look.head, look.spread)
            dropped = _counted(folder, dropped, look.dropped)
            if final:
                done.add(i)
                new += 1
                unseen += not seen
            else:
                missed.add(i)
            whole = len(plan) + plan.active if not short else len(done) + len(plan.left(done, True))
            progress(len(done), whole, said(dropped))
    except DeviceError as e:
        hint = f"{e.hint}, then {again}" if e.hint else again
        raise DeviceError(f"{e.message}; {len(done)} poses are kept", hint) from e
    except OSError as e:
        raise InputError(
            f"cannot write to {folder}: {e.strerror or e}; {len(done)} poses are kept", again
        ) from e
    finally:
        stage.stop()
        writer.close()
    return Collected(len(done), new, unseen, time, dropped, _spared(plan, done))


def _stopped(face: FaceConfig, findings: list[Finding]) -> NDArray[np.bool_]:
    wrong = {f.actuator for f in findings}
    return np.array([n in wrong for n in face.names])


def read_dropped(folder: Path) -> dict[str, int]:
    """How many pictures were dropped so far, by reason; empty where nothing is known of it."""
    try:
        counts = json.loads((folder / DROPPED).read_text(encoding="utf-8"))
        return {str(k): int(v) for k, v in counts.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _counted(folder: Path, before: dict[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """All pictures dropped so far, also on disk."""
    if not more:
        return before
    dropped = dict(Counter(before) + Counter(more))
    write_json(folder / DROPPED, dropped)
    return dropped


def _plan(folder: Path, face: FaceConfig) -> Plan:
    """The folder's plan.

    Raises:
        InputError: missing, damaged, or of another face.
    """
    try:
        return Plan.load(folder / PLAN, face)
    except zipfile.BadZipFile as e:
        again = f"mien calibrate plan --face {face.name} --out {folder}"
        records = folder / dataset.RECORDS
        raise InputError(
            f"cannot read the plan {folder / PLAN}: {e}",
            f"mien calibrate all --face {face.name} --out {folder}-2"
            if records.exists()
            else again,
        ) from e


def _short(plan: Plan, done: AbstractSet[int], spent_s: float, pose_s: float) -> bool:
    """Whether what is left of the plan's minutes is needed for poses that are no mixtures."""
    return spent_s + pose_s * len(plan.left(done, short=True)) > 60.0 * plan.minutes


def _spared(plan: Plan, done: AbstractSet[int]) -> int:
    """How many mixtures were left out for want of time, those never chosen included."""
    return len(plan) - len(done) + plan.active if np.isfinite(plan.minutes) else 0


def _choose_more(face: FaceConfig, folder: Path, plan: Plan) -> Plan:
    """Fit what there is and plan the next poses by it; the longer plan is on disk first."""
    data, _ = steadied(dataset.load(folder, face))
    chosen = int((plan.kind == KINDS.index("active")).sum())
    rounds_left = max(1, round(ROUNDS * plan.active / (chosen + plan.active)))
    count = -(-plan.active // rounds_left)
    plan = plan.with_active(choose(face, quick_fit(face, data), count, plan.seed + chosen))
    plan.save(folder / PLAN)
    return plan
