"""``mien calibrate verify`` and ``report``: how good a fitted face is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mien.calibration.capture import dataset
from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.open_rig import AUTO, mechanism_hash
from mien.calibration.identify import face_fit
from mien.calibration.identify.latency import measure_latency
from mien.calibration.identify.wiring import read_findings, reference_model
from mien.calibration.plan.check_poses import check_poses
from mien.calibration.verbs import history
from mien.calibration.verbs.options import (
    DELAY_MS,
    Camera,
    Out,
    Robot,
    Seed,
)
from mien.calibration.verbs.ready import data_for, model_of, warn
from mien.calibration.verbs.session import open_session
from mien.calibration.verbs.workspace import Workspace, print_command, progress
from mien.calibration.verify.acceptance import evaluate, unmet
from mien.calibration.verify.checks import check_all, learning_curve
from mien.calibration.verify.head_pose_check import check_head_pose
from mien.calibration.verify.results import VerificationResults, load_arrays, save_arrays
from mien.calibration.verify.trim import CHECK_POSES
from mien.calibration.verify.watched_poses import save_watched, watch_healthy
from mien.models.self_model.model import SelfModel
from mien.robot.errors import DeviceError, InputError, MienError
from mien.robot.face.calibrated import unproven
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.face.provenance import origin
from mien.robot.verbs.options import Build, CameraDelay, Face, Faults, MeasuredPort

SENTENCE_FRAMES = 6
"""Frames of the demo sentence on the report's contact sheet."""


def verify(
    face: Face = "morpheus33",
    out: Out = None,
    port: MeasuredPort = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: CameraDelay = DELAY_MS,
    fault: Faults = None,
) -> None:
    """Verify the self-model on held-out faces, by prediction and on the robot, against baselines.

    Example: mien calibrate verify --face morpheus33

    The command fails if the face does not meet the required criteria.
    """
    workspace = Workspace.of(face, out)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    missing = verified(face, workspace, robot)
    workspace.print_next("report")
    if missing:
        raise not_calibrated(face, workspace, missing)


def verified(face: str, workspace: Workspace, robot: Robot) -> list[str]:
    """Verify a face, and return the required criteria that it does not meet."""
    config, folder, seed = load_face(face), workspace.folder, robot.seed
    with workspace.resumable("verify"):
        data, stabiliser = data_for("verify", config, workspace)
        model = model_of(data, config, workspace)
        with (
            open_session(config, workspace, robot, "verify") as rig,
            progress("verify") as report_progress,
        ):
            try:
                dataset.check_setup(folder, rig.setup, config)
                rig.start()
                latency = measure_latency(config, model, rig)
                head = check_head_pose(config, model, rig, seed)
                results = check_all(config, data, stabiliser, model, rig, seed, report_progress)
                watched = watch_healthy(config, rig, check_poses(config, CHECK_POSES))
            finally:
                rig.stop()
        missing = unmet(results.metrics)
        more: dict[str, Any] = {"lag_s": latency.mouth, "lag_by_region_s": latency.by_region}
        more["calibrated"] = not missing
        face_fit.save(folder, replace(model, meta=model.meta | more))
        save_arrays(folder, results.arrays)
        save_watched(folder, watched)
        more["curve"] = learning_curve(config, data, model)
        truth_known = rig.true_landmarks() is not None
        more["errors_against"] = "the simulated rig's landmarks" if truth_known else "the camera"
        metrics = results.metrics | head | more | origin(config, seed)
        seen_by = {"data_hash": data.hash, "camera": data.setup.camera, "build": robot.build}
        workspace.merge(metrics | seen_by)
        kept = ("calibrated", "inverse_mean_pct", "inverse_p95_pct", "model_rmse_mm")
        numbers = {k: float(metrics[k]) for k in kept if metrics.get(k) is not None}
        history.record(workspace, "verify", numbers)
    if not truth_known:
        print("the true landmarks of a real face are not known: errors are those the camera sees")
    for result in evaluate(workspace.metrics()):
        verdict = "met" if result.met else f"missed  {result.note}".rstrip()
        print(f"{result.name:<30} {result.value:8.4g}  {result.criterion:<14} {verdict}")
    if not missing:
        print(
            f"{face} is calibrated: its inverse reproduces held-out faces. "
            "A missed criterion does not decide this; the report says what it means"
        )
    return missing


def not_calibrated(face: str, workspace: Workspace, missing: list[str]) -> MienError:
    """The error of a face that misses required criteria."""
    again = workspace.command("all", workspace.new_folder)
    return MienError(f"{face} is not calibrated: {'; '.join(missing)}", again)


def _sheet(face: FaceConfig, data: Dataset, model: SelfModel, known: SelfModel | None) -> bytes:
    """The contact sheet of a simulated robot, empty where nothing can be drawn."""
    from mien.calibration.report.contact_sheet import contact_sheet  # it needs OpenGL
    from mien.robot.api import blendshapes
    from mien.robot.media.audio import LJ_DEMO

    simulated = face.mechanism and data.setup.mechanism == mechanism_hash(face)
    if known is None or not simulated:
        return b""
    spoken = np.asarray(blendshapes(LJ_DEMO))
    frames = spoken[np.linspace(0, len(spoken) - 1, SENTENCE_FRAMES + 2).astype(int)[1:-1]]
    nominal = int(known.meta.get("build", 0))
    robots = (("calibrated", model, data.setup.build), ("nominal", known, nominal))
    try:
        return contact_sheet(face, robots, frames)
    except DeviceError as e:
        warn(f"the report has no pictures of the face: {e.message}")
        return b""


def report(face: Face = "morpheus33", out: Out = None) -> None:
    """Write the report, an HTML page with all metrics and figures.

    Example: mien calibrate report --face morpheus33
    """
    from mien.calibration.report.report import write_report  # it needs matplotlib

    config, workspace = load_face(face), Workspace.of(face, out)
    folder = workspace.folder
    with workspace.resumable("report"):
        data, _ = data_for("report", config, workspace)
        model = model_of(data, config, workspace)
        why, stage = unproven(model)
        if stage == "verify":
            raise InputError(
                f"the self-model in {folder} {why} since it was fitted", workspace.command(stage)
            )
        arrays = load_arrays(folder, workspace.command("verify"), len(config.names))
        results = VerificationResults(workspace.metrics(), arrays)
        findings = read_findings(folder)
        page = folder / "report.html"
        known = reference_model(config)
        sheet = _sheet(config, data, model, known)
        print(write_report(page, config, data, model, results, findings, known, sheet))
    missing = unmet(results.metrics)
    again = workspace.command("all", workspace.new_folder)
    print_command(again if missing else workspace.demo())
