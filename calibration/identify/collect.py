"""Visits the poses of a plan, stores the observations, and resumes an interrupted session."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.calibration.capture import dataset
from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.dataset import RecordWriter
from mien.calibration.capture.frame_filter import describe_counts
from mien.calibration.capture.stabilise import stabilised
from mien.calibration.identify.dynamics import record_step_responses
from mien.calibration.identify.face_fit import quick_fit
from mien.calibration.identify.tendons import TENDON_KINDS, slack_tendons
from mien.calibration.identify.wiring import Finding, check_wiring, save_findings
from mien.calibration.plan.active import choose_poses
from mien.calibration.plan.plan import FIRST_PASS, KINDS, POSE_S, Plan
from mien.calibration.plan.stages import PLAN as PLAN
from mien.calibration.plan.stages import StageCommand
from mien.models.formats import read_json
from mien.models.self_model.model import SelfModel
from mien.robot.errors import DeviceError, InputError, MienError
from mien.robot.face.config import FaceConfig
from mien.robot.runs import write_json

DROPPED = "dropped.json"
ACTIVE_ROUNDS = 3
"""Fits by which the active poses are chosen, one part after each fit."""
_RECENT = 50  # poses whose median duration predicts the time that is needed


@dataclass(frozen=True)
class CollectionSummary:
    """Summary of a session of collecting.

    Attributes:
        poses: number of poses in the data set now.
        new: number of them that this session added.
        unseen: number of poses without a usable frame in two attempts.
        robot_s: robot time of this session, s.
        dropped: number of frames not used in all sessions, by reason.
        skipped: number of mixtures left out because the budget of minutes was used up.
    """

    poses: int
    new: int
    unseen: int
    robot_s: float
    dropped: dict[str, int]
    skipped: int = 0


def collect(
    face: FaceConfig,
    rig: CaptureRig,
    folder: Path,
    progress: Callable[[int, int, str], None] = lambda _done, _all, _note: None,
    stop_after: int | None = None,
    known: SelfModel | None = None,
    again: str = "",
) -> CollectionSummary:
    """Visit all poses of the folder's plan that are not in its data yet.

    A pose without a usable frame is tried once more after the others. Until then its record counts
    as a movement of the tendons and not as a pose, so that a later session visits the pose again.

    Args:
        face: the face.
        rig: the robot and its camera.
        folder: holds ``plan.npz``; records are appended to ``poses.bin``.
        progress: called with (poses done, poses of the plan, a note).
        stop_after: number of new poses after which the session ends early; None: no limit.
        known: self-model of a robot of the same design. The wiring check compares with it, and
            actuators that fail the check stay at their safe command.
        again: command that resumes this session; errors name it.

    Raises:
        InputError: there is no plan, or the disk is full.
        ConfigError: the folder's data is of another robot.
        DeviceError: too many poses in a row had no usable frame, or robot or camera is gone.
    """
    again = again or StageCommand.of("collect", face, folder)
    try:
        plan = _plan(folder, face)
        writer = RecordWriter(folder, rig.setup, face)
    except MienError:
        rig.stop()
        raise
    new = unseen = 0
    time, durations = 0.0, deque([POSE_S], maxlen=_RECENT)
    done, missed = set(writer.done), set[int]()
    dropped = read_dropped(folder)
    faulty: NDArray[np.bool_] | None = None
    findings: list[Finding] = []
    tendons_checked = False
    try:
        before = dataset.load(folder, face).robot_s if done else 0.0
        short = _short(plan, done, before, POSE_S)
        if not plan.remaining(done, short) and not plan.needs_more_poses(done, short):
            return CollectionSummary(len(done), 0, 0, 0.0, dropped, _skipped(plan, done))
        rig.start()
        writer.add(-1, "start", 0.0, face.safe)
        while True:
            short = _short(plan, done, before + time, float(np.median(durations)))
            todo = plan.remaining(done, short)
            if not todo and plan.needs_more_poses(done, short):
                plan = _choose_more(face, folder, plan)
                continue
            if not todo or (stop_after is not None and new >= stop_after):
                break
            i = next((i for i in todo if i not in missed), todo[0])
            kind = KINDS[plan.kind[i]]
            if faulty is None and kind not in FIRST_PASS:
                findings = check_wiring(face, stabilised(dataset.load(folder, face))[0], known)
                save_findings(folder, findings)
                faulty = _faulty(face, findings)
                for name, run in record_step_responses(face, rig, folder, faulty):
                    time += float(run.sent_at[-1] - run.sent_at[0])
                    # No poses, but commands that the tendons' hysteresis depends on.
                    for sent in (run.sent[np.abs(run.sent).sum(1).argmax()], run.sent[-1]):
                        writer.add(-1, "single", time, sent)
                    dropped = _add_dropped(folder, dropped, run.dropped)
                    progress(len(done), len(plan) + plan.active, f"step response of {name}")
            if not tendons_checked and kind not in (*FIRST_PASS, *TENDON_KINDS):
                tendons_checked = True
                findings += slack_tendons(face, stabilised(dataset.load(folder, face))[0], known)
                save_findings(folder, findings)
                faulty = _faulty(face, findings)
            goal = plan.goals[i]
            sent = rig.move_to(goal if faulty is None else np.where(faulty, face.safe, goal))
            observation = rig.observe()
            durations.append(observation.time - time)
            time = observation.time
            seen = bool(np.isfinite(observation.landmarks).all())
            final = seen or i in missed
            writer.add(
                i if final else -1,
                kind,
                time,
                sent,
                observation.landmarks,
                observation.head,
                observation.spread,
            )
            dropped = _add_dropped(folder, dropped, observation.dropped)
            if final:
                done.add(i)
                new += 1
                unseen += not seen
            else:
                missed.add(i)
            total = len(plan) + plan.active
            if short:
                total = len(done) + len(plan.remaining(done, True))
            progress(len(done), total, describe_counts(dropped))
    except DeviceError as e:
        hint = f"{e.hint}, then {again}" if e.hint else again
        raise DeviceError(f"{e.message}; {len(done)} poses are kept", hint) from e
    except MienError as e:  # the simulated rig left physics, or a fit failed
        kept = f"{e.message}; {len(done)} poses are kept"
        raise type(e)(kept, e.hint or again) from e
    except OSError as e:
        raise InputError(
            f"cannot write to {folder}: {e.strerror or e}; {len(done)} poses are kept", again
        ) from e
    finally:
        rig.stop()
        writer.close()
    return CollectionSummary(len(done), new, unseen, time, dropped, _skipped(plan, done))


def _faulty(face: FaceConfig, findings: list[Finding]) -> NDArray[np.bool_]:
    wrong = {f.actuator for f in findings}
    return np.array([n in wrong for n in face.names]) | face.absent


def read_dropped(folder: Path) -> dict[str, int]:
    """Number of frames dropped so far, by reason; empty if the file is missing or damaged."""
    try:
        return {k: int(v) for k, v in read_json(folder / DROPPED).items()}
    except (OSError, ValueError, TypeError, OverflowError):
        return {}


def _add_dropped(folder: Path, before: dict[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Add counts to those so far, and write the sums to disk."""
    if not more:
        return before
    dropped = dict(Counter(before) + Counter(more))
    write_json(folder / DROPPED, dropped)
    return dropped


def _plan(folder: Path, face: FaceConfig) -> Plan:
    """Read the folder's plan, and check that the folder's data was collected by it.

    Raises:
        InputError: the plan is missing or damaged, or it is for another face or other data.
    """
    plan = Plan.load(folder / PLAN, face)
    if (folder / dataset.SETUP).exists():
        data = dataset.load(folder, face)
        visited = data.pose >= 0
        if not plan.made_these(data.pose[visited], data.kind[visited], data.commands[visited]):
            raise InputError(
                f"the {visited.sum()} poses in {folder} were not visited by its plan {PLAN}: they "
                "are kept, and cannot be continued by this plan",
                StageCommand.of("all", face, folder, elsewhere=True),
            )
    return plan


def _short(plan: Plan, done: AbstractSet[int], spent_s: float, pose_s: float) -> bool:
    """Whether the poses that are no mixtures need all the time left of the plan's minutes."""
    return spent_s + pose_s * len(plan.remaining(done, short=True)) > 60.0 * plan.minutes


def _skipped(plan: Plan, done: AbstractSet[int]) -> int:
    """Number of mixtures left out for lack of time, with those never chosen."""
    return len(plan) - len(done) + plan.active if np.isfinite(plan.minutes) else 0


def _choose_more(face: FaceConfig, folder: Path, plan: Plan) -> Plan:
    """Fit the data so far, choose the next poses, and write the longer plan to disk."""
    data, _ = stabilised(dataset.load(folder, face))
    chosen = int((plan.kind == KINDS.index("active")).sum())
    rounds_left = max(1, round(ACTIVE_ROUNDS * plan.active / (chosen + plan.active)))
    count = -(-plan.active // rounds_left)
    plan = plan.with_active(choose_poses(face, quick_fit(face, data), count, plan.seed + chosen))
    plan.save(folder / PLAN)
    return plan
