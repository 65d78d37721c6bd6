"""``mien calibrate``: every stage reads files and writes files, and says what comes next."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import typer

from mien.calibration.capture import dataset
from mien.calibration.capture.connect import AUTO
from mien.calibration.capture.frame_filter import said
from mien.calibration.capture.stabilise import steadied
from mien.calibration.identify import dynamics as pacing
from mien.calibration.identify import fit as fitting
from mien.calibration.identify.collect import PLAN
from mien.calibration.identify.collect import collect as run_collect
from mien.calibration.identify.latency import measure
from mien.calibration.identify.wiring import known_robot, read_findings
from mien.calibration.plan.excitation import make_plan
from mien.calibration.report.report import write_report
from mien.calibration.verbs.drift import check, trim
from mien.calibration.verbs.install import ship as install
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
from mien.calibration.verbs.session import drop, session
from mien.calibration.verbs.workspace import Place, progress, say
from mien.calibration.verify.acceptance import judged, wanting
from mien.calibration.verify.checks import check_all, learning_curve
from mien.calibration.verify.head_pose import check_head
from mien.calibration.verify.results import Verdict, load_arrays, save_arrays
from mien.models.self_model import model as self_model
from mien.models.train.self_model.config import FitConfig
from mien.robot.errors import InputError, MienError
from mien.robot.face.config import load_face
from mien.robot.face.provenance import origin

HELP = """Lets a face learn itself, and prove it.

Begin with `mien calibrate all`: it plans, collects, fits, verifies and reports, on the simulated
rig. For a real face add `--port auto --camera 0`, its head fixed, alone and whole in the picture,
well lit. Stopped at any time, the same command goes on where it was. Weeks later `check` says
whether to keep, trim or redo.
"""
app = typer.Typer(help=HELP, no_args_is_help=True)
calibrate = app
POSES = 1490


@app.command()
def plan(
    face: Face = "morpheus33",
    out: Out = None,
    poses: Poses = POSES,
    seed: Seed = 0,
    minutes: Minutes = None,
) -> None:
    """Decide what to babble, safe poses first."""
    config, place = load_face(face), Place.of(face, out)
    if (place.folder / dataset.RECORDS).exists():
        raise InputError(
            f"{place.folder} already holds poses of another plan", place.command("collect")
        )
    with place.going_on_with("plan"):
        place.folder.mkdir(parents=True, exist_ok=True)
        made = make_plan(config, poses, seed, place.command("plan"), minutes or math.inf)
        made.save(place.folder / PLAN)
    print(f"{len(made)} poses planned, {made.active} more to be chosen on the way")
    place.say_next("collect")


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
    """Move and watch. Stopped at any time, it goes on where it was."""
    config, place = load_face(face), Place.of(face, out)
    if not (place.folder / PLAN).exists():
        raise InputError(f"no plan in {place.folder}", place.command("plan"))
    robot = Robot(port, camera, build, seed, delay, tuple(fault or ()))
    with place.going_on_with("collect"):
        began = time.monotonic()
        with session(config, place, robot, "collect") as stage, progress("collect") as tell:
            done = run_collect(
                config,
                stage,
                place.folder,
                tell,
                known=known_robot(config),
                again=place.command("collect"),
            )
        drop(place, "collect", done.dropped)  # of all sessions
        place.merge({"poses": done.poses, "robot_s": dataset.load(place.folder, config).robot_s})
    print(
        f"{done.poses} poses, {done.new} of them new, {done.unseen} without a face; "
        f"{done.robot_s:.0f} s of robot time in {time.monotonic() - began:.0f} s"
    )
    if done.spared:
        print(f"{done.spared} mixtures were left out: the plan's minutes are used up")
    print(f"pictures dropped: {said(done.dropped) or 'none'}")
    for finding in read_findings(place.folder):
        print(f"stopped: {finding}")
    place.say_next("fit")


@app.command()
def fit(face: Face = "morpheus33", out: Out = None, seed: Seed = 0) -> None:
    """Train the self-model on what was collected."""
    config, place = load_face(face), Place.of(face, out)
    data, _ = steadied(dataset.load(place.folder, config))
    began = time.monotonic()
    with place.going_on_with("fit"):
        with progress("fit") as tell:
            model = fitting.fit_face(config, data, FitConfig(seed=seed), tell)
        place.merge({"fit_s": time.monotonic() - began})
        paces = pacing.measure(config, model, place.folder)
        late: dict[str, Any] = {"pace": pacing.rows(paces)}
        path = fitting.save(place.folder, replace(model, meta=model.meta | late))
        place.merge(late)
    print(f"{path}: fitted to {model.meta['poses']} poses")
    blind = model.meta["unseen_actuators"]
    if blind:
        print(f"the landmarks do not show: {', '.join(blind)}")
    for warning in pacing.warnings(paces):
        print(f"warning: {warning}; then {place.command('all', place.another)}")
    place.say_next("verify")


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
    """Ask for held-out faces, by prediction and on the robot, against the baselines.

    A face that does not find them again is not called calibrated, and the command fails.
    """
    place = Place.of(face, out)
    missing = _verified(face, place, Robot(port, camera, build, seed, delay, tuple(fault or ())))
    place.say_next("report")
    if missing:
        raise _not_calibrated(face, place, missing)


def _verified(face: str, place: Place, robot: Robot) -> list[str]:
    """Verifies, and returns what keeps the face from being called calibrated."""
    config, folder, seed = load_face(face), place.folder, robot.seed
    data, steady = steadied(dataset.load(folder, config))
    place.need_model()
    model = self_model.load(folder / fitting.MODEL, config.name, config.hash)
    with place.going_on_with("verify"):
        with session(config, place, robot, "verify") as stage, progress("verify") as tell:
            try:
                dataset.check_setup(folder, stage.setup)
                stage.start()
                lag = measure(config, model, stage)
                turned = check_head(config, model, stage, seed)
                verdict = check_all(config, data, steady, model, stage, seed, tell)
            finally:
                stage.stop()
        missing = wanting(verdict.metrics)
        late: dict[str, Any] = {"lag_s": lag.mouth, "lag_by_region_s": lag.by_region}
        late["calibrated"] = not missing
        fitting.save(folder, replace(model, meta=model.meta | late))
        save_arrays(folder, verdict.arrays)
        late["curve"] = learning_curve(config, data, model)
        late["errors_against"] = "the camera" if stage.truth() is None else "the rig itself"
        metrics = verdict.metrics | turned | late | origin(config, seed)
        seen_by = {"data_hash": data.hash, "camera": data.setup.camera, "build": robot.build}
        place.merge(metrics | seen_by)
    if stage.truth() is None:
        print("what the face really does is not known here: errors are as the camera sees them")
    for row in judged(place.metrics()):
        standing = "met" if row.met else f"MISSED  {row.note}".rstrip()
        print(f"{row.name:<18} {row.value:8.4g}  {row.goal:<14} {standing}")
    if not missing:
        print(f"{face} is calibrated: held-out faces are found again")
    return missing


def _not_calibrated(face: str, place: Place, missing: list[str]) -> MienError:
    return MienError(
        f"{face} is not calibrated: {'; '.join(missing)}", place.command("all", place.another)
    )


@app.command()
def report(face: Face = "morpheus33", out: Out = None) -> None:
    """Write the page with figures."""
    config, place = load_face(face), Place.of(face, out)
    folder = place.folder
    data, _ = steadied(dataset.load(folder, config))
    place.need_model()
    model = self_model.load(folder / fitting.MODEL, config.name, config.hash)
    verdict = Verdict(place.metrics(), load_arrays(folder, place.command("verify")))
    findings = read_findings(folder)
    with place.going_on_with("report"):
        before = known_robot(config)
        page = folder / "report.html"
        print(write_report(page, config, data, model, verdict, findings, before))
    missing = wanting(verdict.metrics)
    say(place.command("all", place.another) if missing else place.demo())


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
    """All stages; a plan that is there is kept, and its collecting goes on where it was."""
    place = Place.of(face, out)
    if not (place.folder / PLAN).exists():
        plan(face, out, poses, seed, minutes)
    collect(face, out, port, camera, build, seed, delay, fault)
    fit(face, out, seed)
    missing = _verified(face, place, Robot(port, camera, build, seed, delay, tuple(fault or ())))
    report(face, out)
    if missing:
        raise _not_calibrated(face, place, missing)
    if ship:
        install(load_face(face), place)
