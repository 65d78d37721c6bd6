"""``mien calibrate``: every stage reads files and writes files, and says what comes next."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import typer
from rich.console import Console

from calibration import dataset
from calibration import fit as fitting
from calibration.collect import PLAN
from calibration.collect import collect as run_collect
from calibration.faults import known_robot, read_findings
from calibration.lag import measure
from calibration.plan import allowed, make_plan, mixtures
from calibration.ports import open_studio
from calibration.report import judged, write_report
from calibration.steady import steadied
from calibration.trim import CHECK_POSES, TRIM_POSES, Drift, judge, shifted, watch
from calibration.verify import Verdict, check_inverse, check_model, check_truth, learning_curve
from models import self_model
from models.train.self_model import FitConfig
from robot.config import FaceConfig, load_face
from robot.errors import InputError
from robot.progress import Steps
from robot.runs import origin, write_json

app = typer.Typer(help="Lets a face learn itself, and prove it.", no_args_is_help=True)
calibrate = app
POSES = 1100

Face = Annotated[str, typer.Option("--face", help="Name or YAML file of the face.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of this calibration.")]
Port = Annotated[str, typer.Option("--port", help="Where the board is; sim is the rig.")]
Camera = Annotated[str, typer.Option("--camera", help="projected or rendered (rig only).")]
Build = Annotated[int, typer.Option("--build", help="Which robot of this design (rig only).")]
Poses = Annotated[int, typer.Option("--poses", help="Budget of poses.", min=1)]
Seed = Annotated[int, typer.Option("--seed", help="Of plan, camera noise and fit.")]
Ship = Annotated[bool, typer.Option("--ship", help="Install the model as the face's own.")]

_log = Console(stderr=True)


@app.command()
def plan(face: Face = "morpheus33", out: Out = None, poses: Poses = POSES, seed: Seed = 0) -> None:
    """Decide what to babble, safe poses first."""
    config, folder = load_face(face), _folder(face, out)
    if (folder / dataset.RECORDS).exists():
        raise InputError(
            f"{folder} already holds poses of another plan", _next("collect", face, folder)
        )
    folder.mkdir(parents=True, exist_ok=True)
    made = make_plan(config, poses, seed)
    made.save(folder / PLAN)
    print(f"{len(made)} poses planned, {made.active} more to be chosen on the way")
    _say_next("collect", face, folder)


@app.command()
def collect(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = "projected",
    build: Build = 0,
    seed: Seed = 0,
) -> None:
    """Move and watch. Stopped at any time, it goes on where it was."""
    config, folder = load_face(face), _folder(face, out)
    if not (folder / PLAN).exists():
        raise InputError(f"no plan in {folder}", _next("plan", face, folder))
    stage = open_studio(config, port, camera, build, seed)
    began = time.monotonic()
    with _progress("collect") as tell:
        done = run_collect(config, stage, folder, tell, known=known_robot(config))
    print(
        f"{done.poses} poses, {done.new} of them new, {done.unseen} without a face; "
        f"{done.robot_s:.0f} s of robot time in {time.monotonic() - began:.0f} s"
    )
    for finding in read_findings(folder):
        print(f"stopped: {finding}")
    _merge(folder, {"robot_s": done.robot_s + _metrics(folder).get("robot_s", 0.0)})
    _say_next("fit", face, folder)


@app.command()
def fit(face: Face = "morpheus33", out: Out = None, seed: Seed = 0, ship: Ship = False) -> None:
    """Train the self-model on what was collected."""
    config, folder = load_face(face), _folder(face, out)
    data, _ = steadied(dataset.load(folder, config))
    began = time.monotonic()
    with _progress("fit") as tell:
        model = fitting.fit_face(config, data, FitConfig(seed=seed), tell)
    path = fitting.save(folder, model)
    _merge(folder, {"fit_s": time.monotonic() - began})
    print(f"{path}: fitted to {model.meta['poses']} poses")
    blind = model.meta["unseen_actuators"]
    if blind:
        print(f"the landmarks do not show: {', '.join(blind)}")
    if ship:
        _ship(config, folder)
    _say_next("verify", face, folder)


@app.command()
def verify(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = "projected",
    build: Build = 0,
    seed: Seed = 0,
) -> None:
    """Ask for held-out faces, by prediction and on the robot, against the baselines."""
    config, folder = load_face(face), _folder(face, out)
    data, steady = steadied(dataset.load(folder, config))
    model = self_model.load(folder / fitting.MODEL, config.name, config.hash)
    verdict = check_model(config, data, model)
    stage = open_studio(config, port, camera, build, seed)
    dataset.check_setup(folder, stage.setup)
    with _progress("verify") as tell:
        try:
            stage.start()
            lag = measure(config, model, stage)
            shown = check_inverse(config, data, model, stage, steady, tell)
        finally:
            stage.stop()
    late: dict[str, Any] = {"lag_s": lag.mouth, "lag_by_region_s": lag.by_region}
    fitting.save(folder, replace(model, meta=model.meta | late))
    arrays: dict[str, Any] = verdict.arrays | shown.arrays
    np.savez(folder / "verify.npz", **arrays)
    late |= check_truth(config, data, model, shown)
    late["curve"] = learning_curve(config, data, model)
    metrics = verdict.metrics | shown.metrics | late | origin(config, seed)
    _merge(folder, metrics | {"data_hash": data.hash, "camera": camera, "build": build})
    for row in judged(_metrics(folder)):
        print(f"{row.name:<18} {row.value:8.4g}  {row.goal:<14} {'met' if row.met else 'MISSED'}")
    _say_next("report", face, folder)


@app.command()
def report(face: Face = "morpheus33", out: Out = None) -> None:
    """Write the page with figures."""
    config, folder = load_face(face), _folder(face, out)
    data, _ = steadied(dataset.load(folder, config))
    model = self_model.load(folder / fitting.MODEL, config.name, config.hash)
    if not (folder / "verify.npz").exists():
        raise InputError(f"{folder} was not verified", _next("verify", face, folder))
    with np.load(folder / "verify.npz") as z:
        arrays = {k: z[k] for k in z.files}
    verdict = Verdict(_metrics(folder), arrays)
    findings = read_findings(folder)
    print(write_report(folder / "report.html", config, data, model, verdict, findings))
    _log.print(f"next: mien demo --face {face}")


@app.command()
def check(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = "projected",
    build: Build = 0,
    seed: Seed = 0,
) -> None:
    """Twenty poses: is the calibration still true? Keep it, trim it, or redo it."""
    config, folder = load_face(face), _folder(face, out)
    drift = _drift(config, folder, CHECK_POSES, port, camera, build, seed)
    print(
        f"{drift.verdict}: error {drift.rmse_mm:.2f} mm, {drift.expected_mm:.2f} when verified, "
        f"{drift.trimmed_rmse_mm:.2f} after the best shift"
    )
    _merge(folder, {"check_verdict": drift.verdict, "check_rmse_mm": drift.rmse_mm})
    if drift.verdict == "trim":
        _say_next("trim", face, folder)
    elif drift.verdict == "redo":
        _log.print(f"next: mien calibrate all --face {face} --out ANOTHER_FOLDER")


@app.command()
def trim(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = "projected",
    build: Build = 0,
    seed: Seed = 0,
    ship: Ship = False,
) -> None:
    """Shift the commands of a calibrated face to where its servos and strings are now."""
    config, folder = load_face(face), _folder(face, out)
    drift = _drift(config, folder, TRIM_POSES, port, camera, build, seed)
    if drift.trimmed_rmse_mm >= drift.rmse_mm:
        print(f"nothing to trim: error {drift.rmse_mm:.2f} mm")
        return
    model = self_model.load(folder / fitting.MODEL, config.name, config.hash)
    fitting.save(folder, shifted(model, drift.shift[model.inputs]))
    print(f"error {drift.rmse_mm:.2f} -> {drift.trimmed_rmse_mm:.2f} mm")
    for i in np.argsort(-np.abs(drift.shift))[:5]:
        print(f"{config.names[i]:<20} {drift.shift[i]:+.3f}")
    if ship:
        _ship(config, folder)
    _say_next("check", face, folder)


@app.command(name="all")
def all_stages(
    face: Face = "morpheus33",
    out: Out = None,
    port: Port = "sim",
    camera: Camera = "projected",
    build: Build = 0,
    poses: Poses = POSES,
    seed: Seed = 0,
    ship: Ship = False,
) -> None:
    """All stages; a plan that is there is kept, and its collecting goes on where it was."""
    folder = _folder(face, out)
    if not (folder / PLAN).exists():
        plan(face, out, poses, seed)
    collect(face, out, port, camera, build, seed)
    fit(face, out, seed, ship)
    verify(face, out, port, camera, build, seed)
    if ship:
        _ship(load_face(face), folder)
    report(face, out)


def _drift(
    face: FaceConfig, folder: Path, poses: int, port: str, camera: str, build: int, seed: int
) -> Drift:
    """Poses the robot and compares it with the folder's calibration.

    The robot need not be the one that was calibrated: that is what is asked.
    """
    model = self_model.load(folder / fitting.MODEL, face.name, face.hash)
    expected = _metrics(folder).get("model_rmse_mm")
    if expected is None:
        raise InputError(f"{folder} was not verified", _next("verify", face.name, folder))
    stage = open_studio(face, port, camera, build, seed)
    try:
        stage.start()
        sent, seen = watch(stage, allowed(face, mixtures(face, poses, seed + 15485863)))
    finally:
        stage.stop()
    return judge(face, model, sent, seen, float(expected))


def _ship(face: FaceConfig, folder: Path) -> None:
    """Install the folder's model beside the package's other weights, its numbers with it."""
    model = self_model.load(folder / fitting.MODEL, face.name, face.hash)
    numbers = {k: v for k, v in _metrics(folder).items() if isinstance(v, float | int)}
    target = self_model.shipped(face.name)
    self_model.save(target, replace(model, meta=model.meta | {"metrics": numbers}))
    print(f"{target}: shipped")


def _folder(face: str, out: Path | None) -> Path:
    return out or Path("runs") / f"calibration-{Path(face).stem}"


def _metrics(folder: Path) -> dict[str, Any]:
    path = folder / "metrics.json"
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _merge(folder: Path, more: dict[str, Any]) -> None:
    write_json(folder / "metrics.json", _metrics(folder) | more)


def _next(stage: str, face: str, folder: Path) -> str:
    return f"mien calibrate {stage} --face {face} --out {folder}"


def _say_next(stage: str, face: str, folder: Path) -> None:
    _log.print(f"next: {_next(stage, face, folder)}")


class _Tell(Protocol):
    def __call__(self, done: int, whole: int, note: str = "") -> None:
        """``done`` of ``whole``."""


@contextmanager
def _progress(verb: str) -> Iterator[_Tell]:
    """A bar with the time left and a note, on a terminal only."""
    with Steps() as steps:
        share = steps.start(verb)

        def tell(done: int, whole: int, note: str = "") -> None:
            share(done / max(whole, 1), note)

        yield tell
