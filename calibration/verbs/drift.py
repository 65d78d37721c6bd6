"""``mien calibrate check`` and ``trim``: maintenance of a calibrated face."""

from __future__ import annotations

import numpy as np

from mien.calibration.capture import dataset
from mien.calibration.capture.open_rig import AUTO
from mien.calibration.identify import face_fit
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
from mien.calibration.verbs.session import open_session
from mien.calibration.verbs.workspace import Workspace, print_command
from mien.calibration.verify.trim import (
    CHECK_POSES,
    TRIM_POSES,
    Drift,
    assess_drift,
    baseline_shift,
    observe_poses,
    shifted,
)
from mien.robot.errors import DeviceError, InputError
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.verbs.options import Build, CameraDelay, Face, Faults, MeasuredPort

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
        drift = _assess(config, workspace, CHECK_POSES, robot, "check")
        workspace.merge({"check_verdict": drift.verdict, "check_rmse_mm": drift.rmse_mm})
        history.record(workspace, "check", _numbers(drift))
    print(
        f"{drift.verdict}: error {drift.rmse_mm:.2f} mm, {drift.expected_mm:.2f} mm when verified, "
        f"{drift.trimmed_rmse_mm:.2f} mm after the best shift"
    )
    _print_shifts(config, drift)
    if drift.verdict == "trim":
        workspace.print_next("trim")
    elif drift.verdict == "redo":
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
        history.record(workspace, "trim", _numbers(drift))
    print(f"error {drift.rmse_mm:.2f} -> {drift.trimmed_rmse_mm:.2f} mm")
    _print_shifts(config, drift)
    if ship:
        install(config, workspace)
    workspace.print_next("check")


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
    found = int(np.isfinite(seen).all((1, 2)).sum())
    if 2 * found < poses:
        raise DeviceError(
            f"only {found} of {poses} poses had a usable picture, at least half must",
            "show the camera the robot's whole face and no other face, well lit",
        )
    return assess_drift(face, model, sent, seen, float(expected), baseline)
