"""``mien calibrate``: the stages of a calibration. Each reads and writes files of one folder.

This file imports neither torch, MuJoCo, MediaPipe nor matplotlib. The stages import what they need.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import typer

from mien.calibration.capture import dataset
from mien.calibration.capture.connect import AUTO
from mien.calibration.capture.frame_filter import describe_counts
from mien.calibration.capture.stabilise import stabilised
from mien.calibration.identify import dynamics as actuator_dynamics
from mien.calibration.identify import fit as fitting
from mien.calibration.identify.collect import PLAN
from mien.calibration.identify.collect import collect as run_collect
from mien.calibration.identify.latency import measure_latency
from mien.calibration.identify.wiring import read_findings, reference_model
from mien.calibration.plan.excitation import make_plan
from mien.calibration.verbs.drift import check, trim
from mien.calibration.verbs.install import install
from mien.calibration.verbs.options import (
    DELAY_MS,
    Build,
    Camera,
    Delay,
    Face,
    Faults,
    Minutes,
    Out,
    Port,
    Poses,
    Robot,
    Seed,
    Ship,
)
from mien.calibration.verbs.session import add_dropped, open_session
from mien.calibration.verbs.workspace import Workspace, print_command, progress
from mien.calibration.verify.acceptance import evaluate, unmet
from mien.calibration.verify.checks import check_all, learning_curve
from mien.calibration.verify.head_pose import check_head_pose
from mien.calibration.verify.results import VerificationResults, load_arrays, save_arrays
from mien.models.self_model import model as self_model
from mien.models.train.self_model.config import FitConfig
from mien.robot.errors import InputError, MienError
from mien.robot.face.config import load_face
from mien.robot.face.provenance import origin

HELP = "\n\n".join(
    (
        "Calibrate a face: learn how each motor moves the skin, and verify the result.",
        "Example: mien calibrate all --face morpheus33",
        "`all` plans the poses, collects observations, fits the self-model, verifies it on "
        "held-out faces and writes a report. Without further options it uses the simulated rig.",
        "For a real face add `--port auto --camera 0`. Fix its head. Show the camera the whole "
        "face and no other face, well lit.",
        "Every stage can be interrupted with Ctrl-C; the same command resumes it. Some weeks "
        "later, `mien calibrate check` tells whether to keep, trim or redo the calibration.",
    )
)
app = typer.Typer(help=HELP, no_args_is_help=True)
calibrate = app
POSES = 1490
"""Default number of poses."""


@app.command()
def plan(
    face: Face = "morpheus33",
    out: Out = None,
    poses: Poses = POSES,
    seed: Seed = 0,
    minutes: Minutes = None,
) -> None:
    """Plan the poses of the calibration, safe poses first.

    Example: mien calibrate plan --face morpheus33 --poses 1490
    """
    config, workspace = load_face(face), Workspace.of(face, out)
    if (workspace.folder / dataset.RECORDS).exists():
        raise InputError(
            f"{workspace.folder} already holds poses of another plan", workspace.command("collect")
        )
    with workspace.resumable("plan"):
        workspace.folder.mkdir(parents=True, exist_ok=True)
        made = make_plan(config, poses, seed, workspace.command("plan"), minutes or math.inf)
        made.save(workspace.folder / PLAN)
    print(f"{len(made)} poses are planned; {made.active} more will be chosen during collecting")
    workspace.print_next("collect")


@app.command()
def collect(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: Delay = DELAY_MS,
    fault: Faults = None,
) -> None:
    """Visit the planned poses and observe each. The command resumes an interrupted session.

    Example: mien calibrate collect --face morpheus33 --port auto --camera 0
    """
    config, workspace = load_face(face), Workspace.of(face, out)
    if not (workspace.folder / PLAN).exists():
        raise InputError(f"no plan in {workspace.folder}", workspace.command("plan"))
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    with workspace.resumable("collect"):
        began = time.monotonic()
        with (
            open_session(config, workspace, robot, "collect") as rig,
            progress("collect") as report_progress,
        ):
            done = run_collect(
                config,
                rig,
                workspace.folder,
                report_progress,
                known=reference_model(config),
                again=workspace.command("collect"),
            )
        add_dropped(workspace, "collect", done.dropped)  # of all sessions
        robot_s = dataset.load(workspace.folder, config).robot_s
        workspace.merge({"poses": done.poses, "robot_s": robot_s})
    print(
        f"{done.poses} poses, {done.new} of them new, {done.unseen} without a face; "
        f"{done.robot_s:.0f} s of robot time in {time.monotonic() - began:.0f} s"
    )
    if done.skipped:
        print(f"{done.skipped} mixtures were left out, because the plan's minutes are used up")
    print(f"pictures dropped: {describe_counts(done.dropped) or 'none'}")
    for finding in read_findings(workspace.folder):
        print(f"stopped: {finding}")
    workspace.print_next("fit")


@app.command()
def fit(face: Face = "morpheus33", out: Out = None, seed: Seed = 0) -> None:
    """Fit the self-model and the actuator dynamics to the collected observations.

    Example: mien calibrate fit --face morpheus33
    """
    config, workspace = load_face(face), Workspace.of(face, out)
    data, _ = stabilised(dataset.load(workspace.folder, config))
    began = time.monotonic()
    with workspace.resumable("fit"):
        with progress("fit") as report_progress:
            model = fitting.fit_face(config, data, FitConfig(seed=seed), report_progress)
        workspace.merge({"fit_s": time.monotonic() - began})
        dynamics = actuator_dynamics.identify_dynamics(config, model, workspace.folder)
        # The key is that of the first version of the files.
        more: dict[str, Any] = {"pace": actuator_dynamics.rows(dynamics)}
        path = fitting.save(workspace.folder, replace(model, meta=model.meta | more))
        workspace.merge(more)
    print(f"{path}: fitted to {model.meta['poses']} poses")
    hidden = model.meta["unseen_actuators"]
    if hidden:
        print(f"the camera does not see these actuators move: {', '.join(hidden)}")
    for warning in actuator_dynamics.warnings(dynamics):
        print(f"warning: {warning}; then {workspace.command('all', workspace.new_folder)}")
    workspace.print_next("verify")


@app.command()
def verify(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: Delay = DELAY_MS,
    fault: Faults = None,
) -> None:
    """Verify the self-model on held-out faces, by prediction and on the robot, against baselines.

    Example: mien calibrate verify --face morpheus33

    The command fails if the face does not meet the required criteria.
    """
    workspace = Workspace.of(face, out)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    missing = _verify(face, workspace, robot)
    workspace.print_next("report")
    if missing:
        raise _not_calibrated(face, workspace, missing)


def _verify(face: str, workspace: Workspace, robot: Robot) -> list[str]:
    """Verify a face, and return the required criteria that it does not meet."""
    config, folder, seed = load_face(face), workspace.folder, robot.seed
    data, stabiliser = stabilised(dataset.load(folder, config))
    workspace.require_model()
    model = self_model.load(folder / fitting.MODEL, config.name, config.hashes)
    with workspace.resumable("verify"):
        with (
            open_session(config, workspace, robot, "verify") as rig,
            progress("verify") as report_progress,
        ):
            try:
                dataset.check_setup(folder, rig.setup)
                rig.start()
                latency = measure_latency(config, model, rig)
                head = check_head_pose(config, model, rig, seed)
                results = check_all(config, data, stabiliser, model, rig, seed, report_progress)
            finally:
                rig.stop()
        missing = unmet(results.metrics)
        more: dict[str, Any] = {"lag_s": latency.mouth, "lag_by_region_s": latency.by_region}
        more["calibrated"] = not missing
        fitting.save(folder, replace(model, meta=model.meta | more))
        save_arrays(folder, results.arrays)
        more["curve"] = learning_curve(config, data, model)
        truth_known = rig.true_landmarks() is not None
        more["errors_against"] = "the simulated rig's landmarks" if truth_known else "the camera"
        metrics = results.metrics | head | more | origin(config, seed)
        seen_by = {"data_hash": data.hash, "camera": data.setup.camera, "build": robot.build}
        workspace.merge(metrics | seen_by)
    if not truth_known:
        print("the true landmarks of a real face are not known: errors are those the camera sees")
    for result in evaluate(workspace.metrics()):
        verdict = "met" if result.met else f"MISSED  {result.note}".rstrip()
        print(f"{result.name:<18} {result.value:8.4g}  {result.criterion:<14} {verdict}")
    if not missing:
        print(f"{face} is calibrated: its inverse reproduces held-out faces")
    return missing


def _not_calibrated(face: str, workspace: Workspace, missing: list[str]) -> MienError:
    again = workspace.command("all", workspace.new_folder)
    return MienError(f"{face} is not calibrated: {'; '.join(missing)}", again)


@app.command()
def report(face: Face = "morpheus33", out: Out = None) -> None:
    """Write the report, an HTML page with all metrics and figures.

    Example: mien calibrate report --face morpheus33
    """
    from mien.calibration.report.report import write_report  # it needs matplotlib

    config, workspace = load_face(face), Workspace.of(face, out)
    folder = workspace.folder
    data, _ = stabilised(dataset.load(folder, config))
    workspace.require_model()
    model = self_model.load(folder / fitting.MODEL, config.name, config.hashes)
    arrays = load_arrays(folder, workspace.command("verify"), len(config.names))
    results = VerificationResults(workspace.metrics(), arrays)
    findings = read_findings(folder)
    with workspace.resumable("report"):
        page = folder / "report.html"
        print(write_report(page, config, data, model, results, findings, reference_model(config)))
    missing = unmet(results.metrics)
    again = workspace.command("all", workspace.new_folder)
    print_command(again if missing else workspace.demo())


app.command()(check)
app.command()(trim)


@app.command(name="all")
def all_stages(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    poses: Poses = POSES,
    seed: Seed = 0,
    delay: Delay = DELAY_MS,
    fault: Faults = None,
    minutes: Minutes = None,
    ship: Ship = False,
) -> None:
    """Run all stages: plan, collect, fit, verify and report. An existing plan is resumed.

    Example: mien calibrate all --face morpheus33 --port auto --camera 0
    """
    workspace = Workspace.of(face, out)
    if not (workspace.folder / PLAN).exists():
        plan(face, out, poses, seed, minutes)
    collect(face, out, port, camera, build, seed, delay, fault)
    fit(face, out, seed)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    missing = _verify(face, workspace, robot)
    report(face, out)
    if missing:
        raise _not_calibrated(face, workspace, missing)
    if ship:
        install(load_face(face), workspace)
