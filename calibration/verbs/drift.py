"""``mien calibrate check`` and ``trim``: maintenance of a calibrated face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.calibration.capture import dataset
from mien.calibration.capture.open_rig import AUTO
from mien.calibration.capture.stabilise import stabilised
from mien.calibration.identify import face_fit
from mien.calibration.identify.face_fit import noise_floor
from mien.calibration.plan.check_poses import check_poses
from mien.calibration.plan.excitation import limited, mixtures
from mien.calibration.verbs import history
from mien.calibration.verbs.install import install
from mien.calibration.verbs.options import (
    DELAY_MS,
    Camera,
    Out,
    Robot,
    Seed,
    Ship,
)
from mien.calibration.verbs.ready import warn
from mien.calibration.verbs.session import open_session
from mien.calibration.verbs.workspace import Workspace, print_command
from mien.calibration.verify.diagnosis import ActuatorFault, diagnose
from mien.calibration.verify.trim import (
    CHECK_POSES,
    TRIM_POSES,
    Drift,
    assess_drift,
    baseline_shift,
    observe_poses,
    shifted,
)
from mien.calibration.verify.watched_poses import FILE as WATCHED
from mien.calibration.verify.watched_poses import (
    forget_watched,
    load_watched,
    same_poses,
    watch_poses,
)
from mien.robot.errors import DeviceError, InputError
from mien.robot.face.config import FaceConfig, Floats, load_face
from mien.robot.verbs.options import Build, CameraDelay, Face, Faults, MeasuredPort

MAX_SEEN_OTHERWISE_MM = 0.6
"""Change that all poses have in common (RMS) above which the camera sees the face otherwise."""
NEEDS_REPAIR = frozenset({"still", "slow", "slack"})
"""Faults that no shift of the commands makes good."""
MAX_LISTED = 8
"""Actuators that are listed, those with the largest shift first."""


def check(
    face: Face = "morpheus33",
    out: Out = None,
    port: MeasuredPort = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: CameraDelay = DELAY_MS,
    fault: Faults = None,
) -> None:
    """Check for drift with 20 poses: keep the calibration, trim it, or redo it.

    Example: mien calibrate check --face morpheus33 --port auto --camera 0
    """
    config, workspace = load_face(face), Workspace.of(face, out)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    with workspace.resumable("check"):
        drift, faults = _checked(config, workspace, robot)
        verdict = "repair" if any(f.kind in NEEDS_REPAIR for f in faults) else drift.verdict
        found = [{"actuator": f.actuator, "kind": f.kind, "amount": f.amount} for f in faults]
        workspace.merge(
            {"check_verdict": verdict, "check_rmse_mm": drift.rmse_mm, "check_faults": found}
        )
        history.record(workspace, "check", _numbers(drift) | {"verdict": verdict})
    print(
        f"{verdict}: error {drift.rmse_mm:.2f} mm, {drift.expected_mm:.2f} mm when verified, "
        f"{drift.trimmed_rmse_mm:.2f} mm after the best shift"
    )
    for found_fault in faults:
        print(found_fault)
    if verdict != "repair":
        _print_shifts(config, drift)
    if verdict == "repair":
        workspace.print_next("check")
    elif verdict == "trim":
        workspace.print_next("trim")
    elif verdict == "redo":
        print_command(workspace.command("all", workspace.new_folder))
    else:
        print_command(workspace.demo())


def trim(
    face: Face = "morpheus33",
    out: Out = None,
    port: MeasuredPort = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: CameraDelay = DELAY_MS,
    fault: Faults = None,
    ship: Ship = False,
) -> None:
    """Trim a calibration: shift its commands to the present zero points of servos and tendons.

    Example: mien calibrate trim --face morpheus33 --port auto --camera 0
    """
    config, workspace = load_face(face), Workspace.of(face, out)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    with workspace.resumable("trim"):
        drift = _assess(config, workspace, TRIM_POSES, robot, "trim")
        if drift.verdict != "trim":
            history.record(workspace, "trim", _numbers(drift))
        if drift.verdict == "redo":
            _print_shifts(config, drift)
            raise InputError(
                f"no shift of the commands trims this face: error {drift.rmse_mm:.2f} mm, "
                f"{drift.trimmed_rmse_mm:.2f} mm after the best shift, {drift.expected_mm:.2f} mm "
                "when verified; nothing was changed",
                workspace.command("all", workspace.new_folder),
            )
        if drift.verdict == "keep":
            print(f"nothing to trim: error {drift.rmse_mm:.2f} mm, no shift is significant")
            print_command(workspace.demo())
            return
        model = workspace.model(config)
        face_fit.save(workspace.folder, shifted(model, drift.shift[model.inputs]))
        forget_watched(workspace.folder)
        history.record(workspace, "trim", _numbers(drift))
    print(f"error {drift.rmse_mm:.2f} -> {drift.trimmed_rmse_mm:.2f} mm")
    _print_shifts(config, drift)
    if ship:
        install(config, workspace)
    workspace.print_next("verify")


def _numbers(drift: Drift) -> dict[str, float | str]:
    """What the history keeps of a check."""
    named = {"moved": drift.moved, "broken": drift.broken}
    return {
        "verdict": drift.verdict,
        "rmse_mm": drift.rmse_mm,
        "trimmed_rmse_mm": drift.trimmed_rmse_mm,
        "expected_mm": drift.expected_mm,
    } | {key: " ".join(names) for key, names in named.items() if names}


def _print_shifts(face: FaceConfig, drift: Drift) -> None:
    """Print the actuators with a significant shift, and those that hardly respond."""
    moved = sorted(drift.moved, key=lambda n: -abs(drift.shift[face.index(n)]))
    for name in moved[:MAX_LISTED]:
        i = face.index(name)
        print(f"{name:<20} shifted by {drift.shift[i]:+.3f} +- {drift.error[i]:.3f} of a command")
    if len(moved) > MAX_LISTED:
        print(f"and {len(moved) - MAX_LISTED} more")
    for name in drift.broken:
        print(f"{name:<20} hardly responds: check whether it is stuck, slack or not connected")


def _checked(
    face: FaceConfig, workspace: Workspace, robot: Robot
) -> tuple[Drift, list[ActuatorFault]]:
    """Drift and faulty actuators, by what verification saw of the same poses.

    Where verification kept nothing, only the drift is judged, by the model alone.
    """
    folder = workspace.folder
    healthy, goals = load_watched(folder, face), check_poses(face, CHECK_POSES)
    if not healthy:
        warn(
            f"{folder} has no record of the healthy face ({WATCHED}), so faulty actuators are not "
            f"named; {workspace.command('verify')} makes one"
        )
        return _assess(face, workspace, CHECK_POSES, robot, "check"), []
    model, data = workspace.model(face), stabilised(dataset.load(folder, face))[0]
    with open_session(face, workspace, robot, "check") as rig:
        try:
            dataset.check_setup(folder, rig.setup, face)
            rig.start()
            poses = watch_poses(face, rig, goals)
        finally:
            rig.stop()
    sent = np.array([p.sent for p in poses])
    if not same_poses(healthy, poses):
        raise InputError(
            f"{folder / WATCHED} was recorded with other limits than {face.given} has now",
            workspace.command("verify"),
        )
    change = np.array([now.seen - then.seen for now, then in zip(poses, healthy, strict=True)])
    _require_seen(change)
    expected = float(np.sqrt(2.0)) * noise_floor(data)
    faults = diagnose(face, model, data, healthy, poses)
    drift = assess_drift(face, model, sent, change + model.sequence(sent), expected)
    off, least = seen_otherwise_mm(change), 3.0 * expected / np.sqrt(len(poses))
    # A single slipped horn is a fault. Many at once are a camera that sees the face otherwise.
    apart = len(faults) != 1 and all(f.kind == "slipped" for f in faults)
    if apart and off > max(MAX_SEEN_OTHERWISE_MM, least):
        warn(
            f"the camera sees the whole face {off:.2f} mm (RMS) from where it was when verified, "
            "in all poses alike: if light, lens or camera have changed, change them back, then "
            f"{workspace.command('check')}"
        )
        return replace(drift, verdict="redo", moved=[], broken=[]), []
    return drift, faults


def seen_otherwise_mm(change: Floats) -> float:
    """RMS (mm) of what all poses have in common of a change (P, 478, 3), shifts of all landmarks
    together left out."""
    common = np.nanmean(change, axis=0)
    return float(np.sqrt(np.square(common - common.mean(0)).sum(-1).mean()))


def _require_seen(seen: Floats) -> None:
    """Raise ``DeviceError`` where less than half of the poses (P, 478, 3) had a picture."""
    found, poses = int(np.isfinite(seen).all((1, 2)).sum()), len(seen)
    if 2 * found < poses:
        raise DeviceError(
            f"only {found} of {poses} poses had a usable picture, at least half must",
            "show the camera the robot's whole face and no other face, well lit",
        )


def _assess(face: FaceConfig, workspace: Workspace, poses: int, robot: Robot, stage: str) -> Drift:
    """Observe some poses and compare them with the folder's calibration.

    The robot need not be the calibrated one; this is what the check decides.
    """
    model = workspace.model(face)
    expected = workspace.metrics().get("model_rmse_mm")
    if not isinstance(expected, float | int):
        raise InputError(f"{workspace.folder} was not verified", workspace.command("verify"))
    baseline = baseline_shift(model, dataset.load(workspace.folder, face))
    with open_session(face, workspace, robot, stage) as rig:
        try:
            rig.start()
            goals = limited(face, mixtures(face, poses, robot.seed + 15485863))
            sent, seen = observe_poses(rig, goals)
        finally:
            rig.stop()
    _require_seen(seen)
    return assess_drift(face, model, sent, seen, float(expected), baseline)
