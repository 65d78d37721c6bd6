"""``mien calibrate``: the stages of a calibration. Each reads and writes files of one folder.

This file imports neither torch, MuJoCo, MediaPipe nor matplotlib. The stages import what they need.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.calibration.capture import dataset
from mien.calibration.capture.frame_filter import describe_counts
from mien.calibration.capture.open_rig import AUTO
from mien.calibration.identify import dynamics as actuator_dynamics
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import collect as run_collect
from mien.calibration.identify.design_prior import prior_of
from mien.calibration.identify.wiring import read_findings, reference_model
from mien.calibration.plan.excitation import make_plan
from mien.calibration.plan.plan import Plan
from mien.calibration.plan.stages import PLAN
from mien.calibration.verbs import history
from mien.calibration.verbs.drift import check, trim
from mien.calibration.verbs.install import install
from mien.calibration.verbs.options import (
    DELAY_MS,
    Camera,
    Minutes,
    Out,
    Poses,
    RegionOnly,
    Robot,
    Seed,
    Ship,
)
from mien.calibration.verbs.ready import MIN_HELD_OUT, data_for, warn
from mien.calibration.verbs.region import recalibrate_region
from mien.calibration.verbs.session import add_dropped, open_session
from mien.calibration.verbs.verification import not_calibrated, report, verified, verify
from mien.calibration.verbs.workspace import Workspace, progress
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.verbs.options import Build, CameraDelay, Face, Faults, MeasuredPort

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
    workspace = Workspace.of(face, out)
    _plan(face, workspace, poses, seed, minutes, _with_seed(workspace.command("plan"), seed))
    workspace.print_next("collect")


def _plan(
    face: str, workspace: Workspace, poses: int, seed: int, minutes: float | None, again: str
) -> None:
    """Write a plan; ``again`` is the command that errors name."""
    config, folder = load_face(face), workspace.folder
    with workspace.resumable("plan"):
        if dataset.has_records(folder):
            _require_plan(config, workspace)
            raise InputError(
                f"{folder} already holds poses of a plan", workspace.command("collect")
            )
        folder.mkdir(parents=True, exist_ok=True)
        made = make_plan(
            config, poses, seed, again, minutes or math.inf, known=prior_of(config) is not None
        )
        made.save(folder / PLAN)
    print(f"{len(made)} poses are planned; {made.active} more will be chosen during collecting")


def _with_seed(command: str, seed: int) -> str:
    return f"{command} --seed {seed}" if seed else command


def _require_plan(face: FaceConfig, workspace: Workspace) -> None:
    """Check that the folder's plan can be continued.

    Raises:
        InputError: there is no plan, it is damaged, or it is of another face.
        ConfigError: the data is of another face.
    """
    folder = workspace.folder
    if (folder / PLAN).exists():
        Plan.load(folder / PLAN, face)
        return
    if not dataset.has_records(folder):
        raise InputError(f"no plan in {folder}", workspace.command("plan"))
    data = dataset.load(folder, face)
    enough = data.held_out.sum() >= MIN_HELD_OUT
    raise InputError(
        f"{folder} holds {int(data.observed.sum())} observations and no plan ({PLAN}): no more can "
        "be added",
        workspace.command("fit") if enough else workspace.command("all", workspace.new_folder),
    )


@app.command()
def collect(
    face: Face = "morpheus33",
    out: Out = None,
    port: MeasuredPort = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: CameraDelay = DELAY_MS,
    fault: Faults = None,
) -> None:
    """Visit the planned poses and observe each. The command resumes an interrupted session.

    Example: mien calibrate collect --face morpheus33 --port auto --camera 0
    """
    config, workspace = load_face(face), Workspace.of(face, out)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    with workspace.resumable("collect"):
        _require_plan(config, workspace)
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
        data = dataset.load(workspace.folder, config)
        workspace.merge({"poses": done.poses, "robot_s": data.robot_s})
        numbers = {"poses": done.poses, "new": done.new, "robot_s": done.robot_s}
        history.record(workspace, "collect", numbers)
    print(
        f"{done.poses} poses, {done.new} of them new, {done.unseen} without a face; "
        f"{done.robot_s:.0f} s of robot time in {time.monotonic() - began:.0f} s"
    )
    if done.skipped:
        print(f"{done.skipped} mixtures were left out, because the plan's minutes are used up")
    print(f"pictures dropped: {describe_counts(done.dropped) or 'none'}")
    for finding in read_findings(workspace.folder):
        print(f"stopped: {finding}")
    if data.damaged:
        print(f"{data.damaged} damaged records are left out; their poses were visited again")
    workspace.print_next("fit")


@app.command()
def fit(face: Face = "morpheus33", out: Out = None, seed: Seed = 0) -> None:
    """Fit the self-model and the actuator dynamics to the collected observations.

    Example: mien calibrate fit --face morpheus33
    """
    config, workspace = load_face(face), Workspace.of(face, out)
    began = time.monotonic()
    with workspace.resumable("fit"):
        data, _ = data_for("fit", config, workspace)
        with progress("fit") as report_progress:
            model = face_fit.fit_face(config, data, FitConfig(seed=seed), report_progress)
        workspace.merge({"fit_s": time.monotonic() - began})
        dynamics = actuator_dynamics.identify_dynamics(config, model, workspace.folder)
        # The key is that of the first version of the files.
        more: dict[str, Any] = {"pace": actuator_dynamics.rows(dynamics)}
        path = face_fit.save(workspace.folder, replace(model, meta=model.meta | more))
        workspace.merge(more)
        history.record(workspace, "fit", {"poses": int(model.meta["poses"])})
        damaged = actuator_dynamics.damaged_traces(config, workspace.folder)
    print(f"{path}: fitted to {model.meta['poses']} poses")
    hidden = model.meta["unseen_actuators"]
    if hidden:
        print(f"the camera does not see these actuators move: {', '.join(hidden)}")
    if damaged:
        warn(f"the step responses of {', '.join(damaged)} are damaged: their speeds are not known")
    for warning in actuator_dynamics.warnings(dynamics):
        print(f"warning: {warning}; then {workspace.command('all', workspace.new_folder)}")
    workspace.print_next("verify" if data.held_out.sum() >= MIN_HELD_OUT else "collect")


app.command()(verify)
app.command()(report)
app.command()(check)
app.command()(trim)
app.command()(history.history)


@app.command()
def markers_sheet(
    out: Annotated[Path, typer.Option("--out", help="PDF file to write.")] = Path("markers.pdf"),
) -> None:
    """Write the printable sheet of the dots for --camera markers: places, sizes, instructions.

    Example: mien calibrate markers-sheet --out markers.pdf
    """
    from mien.calibration.report.markers_sheet import write_sheet  # it needs matplotlib

    try:
        print(write_sheet(out))
    except OSError as e:
        raise InputError(
            f"cannot write {out}: {e.strerror or e}", "mien calibrate markers-sheet --out FILE.pdf"
        ) from e


def _say_planned(face: str, workspace: Workspace, poses: int) -> None:
    """Say that a number of poses comes too late for a plan that is there."""
    plan = Plan.load(workspace.folder / PLAN, load_face(face))
    planned = len(plan) + plan.active
    if planned != poses:
        warn(
            f"{workspace.folder} has a plan of {planned} poses, which is resumed; --poses {poses} "
            "is for a new folder: --out FOLDER"
        )


@app.command(name="all")
def all_stages(
    face: Face = "morpheus33",
    out: Out = None,
    port: MeasuredPort = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    poses: Poses = POSES,
    seed: Seed = 0,
    delay: CameraDelay = DELAY_MS,
    fault: Faults = None,
    minutes: Minutes = None,
    ship: Ship = False,
    region: RegionOnly = None,
) -> None:
    """Run all stages: plan, collect, fit, verify and report. An existing plan is resumed.

    Example: mien calibrate all --face morpheus33 --port auto --camera 0

    With --region, a calibrated face is kept, and only the actuators of that region are moved and
    fitted again.

    Example: mien calibrate all --face morpheus33 --region mouth
    """
    workspace = Workspace.of(face, out)
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    if region is not None:
        changed = recalibrate_region(face, workspace, robot, region)
        if ship and changed:
            install(load_face(face), workspace)
        workspace.print_next("check")
        return
    if not (workspace.folder / PLAN).exists():
        again = workspace.command("all", opened=robot.to_options())
        _plan(face, workspace, poses, seed, minutes, again)
    elif poses != POSES:
        _say_planned(face, workspace, poses)
    collect(face, out, port, camera, build, seed, delay, fault)
    fit(face, out, seed)
    missing = verified(face, workspace, robot)
    report(face, out)
    if missing:
        raise not_calibrated(face, workspace, missing)
    if ship:
        install(load_face(face), workspace)
