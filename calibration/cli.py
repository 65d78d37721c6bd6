"""``mien calibrate``: every stage reads files and writes files, and says what comes next."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import typer

from calibration import dataset
from calibration import fit as fitting
from calibration.collect import PLAN
from calibration.collect import collect as run_collect
from calibration.faults import known_robot, read_findings
from calibration.frames import said
from calibration.guidance import Place, progress, say
from calibration.lag import measure
from calibration.live_studio import LiveStudio
from calibration.options import (
    DELAY_MS,
    Build,
    Camera,
    Delay,
    Face,
    Out,
    Port,
    Poses,
    Robot,
    Seed,
    Ship,
)
from calibration.plan import allowed, make_plan, mixtures
from calibration.ports import AUTO, open_studio
from calibration.report import judged, write_report
from calibration.steady import steadied
from calibration.studio import Studio
from calibration.trim import CHECK_POSES, TRIM_POSES, Drift, judge, shifted, watch
from calibration.verdicts import Verdict, load_arrays, save_arrays
from calibration.verify import check_all, learning_curve
from models import self_model
from models.train.self_model import FitConfig
from robot.config import FaceConfig, load_face
from robot.errors import DeviceError, InputError
from robot.runs import origin

app = typer.Typer(help="Lets a face learn itself, and prove it.", no_args_is_help=True)
calibrate = app
POSES = 1490


@app.command()
def plan(face: Face = "morpheus33", out: Out = None, poses: Poses = POSES, seed: Seed = 0) -> None:
    """Decide what to babble, safe poses first."""
    config, place = load_face(face), Place.of(face, out)
    if (place.folder / dataset.RECORDS).exists():
        raise InputError(
            f"{place.folder} already holds poses of another plan", place.command("collect")
        )
    with place.going_on_with("plan"):
        place.folder.mkdir(parents=True, exist_ok=True)
        made = make_plan(config, poses, seed)
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
) -> None:
    """Move and watch. Stopped at any time, it goes on where it was."""
    config, place = load_face(face), Place.of(face, out)
    if not (place.folder / PLAN).exists():
        raise InputError(f"no plan in {place.folder}", place.command("plan"))
    robot = Robot(port, camera, build, seed, delay)
    with place.going_on_with("collect"):
        stage = _open(config, place, robot)
        began = time.monotonic()
        with progress("collect") as tell:
            done = run_collect(
                config,
                stage,
                place.folder,
                tell,
                known=known_robot(config),
                again=place.command("collect"),
            )
        place.merge({f"dropped_{k}": n for k, n in done.dropped.items()} | _counts(stage))
        place.merge({"poses": done.poses, "robot_s": dataset.load(place.folder, config).robot_s})
    print(
        f"{done.poses} poses, {done.new} of them new, {done.unseen} without a face; "
        f"{done.robot_s:.0f} s of robot time in {time.monotonic() - began:.0f} s"
    )
    print(f"pictures dropped: {said(done.dropped) or 'none'}")
    for finding in read_findings(place.folder):
        print(f"stopped: {finding}")
    place.say_next("fit")


@app.command()
def fit(face: Face = "morpheus33", out: Out = None, seed: Seed = 0, ship: Ship = False) -> None:
    """Train the self-model on what was collected."""
    config, place = load_face(face), Place.of(face, out)
    data, _ = steadied(dataset.load(place.folder, config))
    began = time.monotonic()
    with place.going_on_with("fit"):
        with progress("fit") as tell:
            model = fitting.fit_face(config, data, FitConfig(seed=seed), tell)
        path = fitting.save(place.folder, model)
        place.merge({"fit_s": time.monotonic() - began})
    print(f"{path}: fitted to {model.meta['poses']} poses")
    blind = model.meta["unseen_actuators"]
    if blind:
        print(f"the landmarks do not show: {', '.join(blind)}")
    if ship:
        _ship(config, place)
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
) -> None:
    """Ask for held-out faces, by prediction and on the robot, against the baselines."""
    config, place = load_face(face), Place.of(face, out)
    folder = place.folder
    data, steady = steadied(dataset.load(folder, config))
    model = self_model.load(folder / fitting.MODEL, config.name, config.hash)
    with place.going_on_with("verify"):
        stage = _open(config, place, Robot(port, camera, build, seed, delay))
        with progress("verify") as tell:
            try:
                dataset.check_setup(folder, stage.setup)
                stage.start()
                lag = measure(config, model, stage)
                verdict = check_all(config, data, steady, model, stage, seed, tell)
            finally:
                stage.stop()
        late: dict[str, Any] = {"lag_s": lag.mouth, "lag_by_region_s": lag.by_region}
        fitting.save(folder, replace(model, meta=model.meta | late))
        save_arrays(folder, verdict.arrays)
        late["curve"] = learning_curve(config, data, model)
        late["errors_against"] = "the camera" if stage.truth() is None else "the rig itself"
        metrics = verdict.metrics | late | origin(config, seed) | _counts(stage)
        place.merge(metrics | {"data_hash": data.hash, "camera": data.setup.camera, "build": build})
    if stage.truth() is None:
        print("what the face really does is not known here: errors are as the camera sees them")
    for row in judged(place.metrics()):
        print(f"{row.name:<18} {row.value:8.4g}  {row.goal:<14} {'met' if row.met else 'MISSED'}")
    place.say_next("report")


@app.command()
def report(face: Face = "morpheus33", out: Out = None) -> None:
    """Write the page with figures."""
    config, place = load_face(face), Place.of(face, out)
    folder = place.folder
    data, _ = steadied(dataset.load(folder, config))
    model = self_model.load(folder / fitting.MODEL, config.name, config.hash)
    verdict = Verdict(place.metrics(), load_arrays(folder, place.command("verify")))
    findings = read_findings(folder)
    with place.going_on_with("report"):
        print(write_report(folder / "report.html", config, data, model, verdict, findings))
    say(place.demo())


@app.command()
def check(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: Delay = DELAY_MS,
) -> None:
    """Twenty poses: is the calibration still true? Keep it, trim it, or redo it."""
    config, place = load_face(face), Place.of(face, out)
    with place.going_on_with("check"):
        drift = _drift(config, place, CHECK_POSES, Robot(port, camera, build, seed, delay))
        place.merge({"check_verdict": drift.verdict, "check_rmse_mm": drift.rmse_mm})
    print(
        f"{drift.verdict}: error {drift.rmse_mm:.2f} mm, {drift.expected_mm:.2f} when verified, "
        f"{drift.trimmed_rmse_mm:.2f} after the best shift"
    )
    if drift.verdict == "trim":
        place.say_next("trim")
    elif drift.verdict == "redo":
        say(place.command("all", place.another))
    else:
        say(place.demo())


@app.command()
def trim(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = AUTO,
    build: Build = 0,
    seed: Seed = 0,
    delay: Delay = DELAY_MS,
    ship: Ship = False,
) -> None:
    """Shift the commands of a calibrated face to where its servos and strings are now."""
    config, place = load_face(face), Place.of(face, out)
    with place.going_on_with("trim"):
        drift = _drift(config, place, TRIM_POSES, Robot(port, camera, build, seed, delay))
        if drift.trimmed_rmse_mm >= drift.rmse_mm:
            print(f"nothing to trim: error {drift.rmse_mm:.2f} mm")
            say(place.demo())
            return
        model = self_model.load(place.folder / fitting.MODEL, config.name, config.hash)
        fitting.save(place.folder, shifted(model, drift.shift[model.inputs]))
    print(f"error {drift.rmse_mm:.2f} -> {drift.trimmed_rmse_mm:.2f} mm")
    for i in np.argsort(-np.abs(drift.shift))[:5]:
        print(f"{config.names[i]:<20} {drift.shift[i]:+.3f}")
    if ship:
        _ship(config, place)
    place.say_next("check")


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
    ship: Ship = False,
) -> None:
    """All stages; a plan that is there is kept, and its collecting goes on where it was."""
    place = Place.of(face, out)
    if not (place.folder / PLAN).exists():
        plan(face, out, poses, seed)
    collect(face, out, port, camera, build, seed, delay)
    fit(face, out, seed)
    verify(face, out, port, camera, build, seed, delay)
    if ship:
        _ship(load_face(face), place)
    report(face, out)


def _open(face: FaceConfig, place: Place, robot: Robot) -> Studio:
    """See ``open_studio``; later commands are told with the same options."""
    place.merge({"opened": robot.said()})
    delay_s = 1e-3 * robot.delay_ms
    return open_studio(
        face, robot.port, robot.camera, robot.build, robot.seed, place.folder, delay_s
    )


def _drift(face: FaceConfig, place: Place, poses: int, robot: Robot) -> Drift:
    """Poses the robot and compares it with the folder's calibration.

    The robot need not be the one that was calibrated: that is what is asked.
    """
    model = self_model.load(place.folder / fitting.MODEL, face.name, face.hash)
    expected = place.metrics().get("model_rmse_mm")
    if expected is None:
        raise InputError(f"{place.folder} was not verified", place.command("verify"))
    stage = _open(face, place, robot)
    try:
        stage.start()
        sent, seen = watch(stage, allowed(face, mixtures(face, poses, robot.seed + 15485863)))
    finally:
        stage.stop()
    found = int(np.isfinite(seen).all((1, 2)).sum())
    if 2 * found < poses:
        raise DeviceError(
            f"only {found} of {poses} poses were seen, at least half are needed",
            "the robot's face alone and whole before the camera, well lit",
        )
    return judge(face, model, sent, seen, float(expected))


def _counts(stage: Studio) -> dict[str, float]:
    """What a real robot's link and camera have to say; the rig's are of no interest."""
    return stage.report() if isinstance(stage, LiveStudio) else {}


def _ship(face: FaceConfig, place: Place) -> None:
    """Install the folder's model beside the package's other weights, its numbers with it."""
    model = self_model.load(place.folder / fitting.MODEL, face.name, face.hash)
    numbers = {k: v for k, v in place.metrics().items() if isinstance(v, float | int)}
    target = self_model.shipped(face.name)
    self_model.save(target, replace(model, meta=model.meta | {"metrics": numbers}))
    print(f"{target}: shipped")
