"""``mien bench calibration``: calibrates simulated robots of the design, and prints the metrics."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mien.calibration.capture import dataset
from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.open_rig import open_rig
from mien.calibration.capture.stabilise import Stabiliser, stabilised
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import collect
from mien.calibration.identify.design_prior import prior_of
from mien.calibration.identify.face_fit import usable
from mien.calibration.identify.wiring import reference_model
from mien.calibration.plan.excitation import make_plan, mixtures
from mien.calibration.plan.stages import PLAN
from mien.calibration.verify.acceptance import CRITERIA
from mien.calibration.verify.baselines import ridge_forward
from mien.calibration.verify.checks import check_against_truth, check_all
from mien.calibration.verify.inverse_check import check_inverse
from mien.calibration.verify.results import rmse
from mien.models.self_model.model import SelfModel
from mien.models.train.self_model.fit_config import PARTS, FitConfig
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, Floats, load_face

TRUTH = ("truth_mm", "truth_vs_ridge", "truth_vs_nominal")
"""Metrics of the model against the simulated landmarks at poses of their own; see ``truth``."""
TRUTH_POSES = 80
MORE = (
    *TRUTH,
    "poses_learned",
    "model_rmse_mm",
    "noise_floor_mm",
    "repeat_mm",
    "model_over_repeat",
    "camera_error_mm",
    "model_over_camera",
    "model_true_rmse_mm",
    "inverse_seen_mean_pct",
    "noisy_inverse_mean_pct",
    "noisy_vs_ridge",
    "noisy_command_l1",
    "vs_direct",
    "vs_wide_ridge",
    "regions_inverse_mean_pct",
    "regions_command_l1",
    "command_l1_all",
    "command_l1_told",
    "unidentifiable_actuators",
    "untold_actuators",
    "memory_gain_clear",
    "memory_gain_mixtures",
    "memory_gain_seen",
)
"""Metrics beside those with a criterion; the largest value of the builds is printed."""
ABLATION = ("model_true_rmse_mm", "inverse_mean_pct", "inverse_p95_pct")
"""Metrics that are printed for each part of the fit that is left out."""


def calibration(
    face: Annotated[
        str, typer.Option(help="Name of the face, or path of its YAML file.")
    ] = "morpheus33",
    builds: Annotated[
        str, typer.Option(help="Seeds of the simulated robots, separated by commas.")
    ] = "1",
    cameras: Annotated[
        str, typer.Option(help="projected, rendered, markers, or several separated by commas.")
    ] = ("projected"),
    poses: Annotated[int, typer.Option(min=1, help="Number of poses, about.")] = 1490,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Part of the fit to leave out. It may be repeated; all: each alone."),
    ] = None,
) -> dict[str, float | int | str | None]:
    """Run whole calibrations in simulation. Each metric is the worst (largest) of the builds.

    Example: mien bench calibration --builds 1,2,3 --cameras projected,rendered

    With --without, the same observations are fitted again without each part. Only errors against
    the simulated landmarks are printed then, of the whole fit (without.nothing) and without each.

    Example: mien bench calibration --face hobby9 --poses 400 --without all

    On one idle core a build takes about 3 minutes with the projected camera and 15 with the
    rendered one.
    """
    try:
        seeds = [int(b) for b in builds.split(",")]
    except ValueError as e:
        raise InputError(
            f"builds must be numbers separated by commas, got {builds!r}",
            "mien bench calibration --builds 1,2",
        ) from e
    parts = _parts(without or [])
    out: dict[str, float | int | str | None] = {"face": face, "builds": builds, "poses": poses}
    if parts:
        out = {"poses": poses}
    for camera in cameras.split(","):
        if parts:
            out |= _largest([ablation(face, b, camera.strip(), poses, parts) for b in seeds])
            continue
        found = [one(face, build, camera.strip(), poses) for build in seeds]
        for name in (*CRITERIA, *MORE):
            values = [f[name] for f in found if name in f]
            if values:
                out[f"{camera.strip()}.{name}"] = float(np.max(values))
    return out


def _parts(named: list[str]) -> list[str]:
    """The parts of the fit that options name, each once.

    Raises:
        InputError: the fit has no such part.
    """
    if unknown := sorted(set(named) - PARTS.keys() - {"all"}):
        raise InputError(
            f"the fit has no part {', '.join(unknown)}; it has {', '.join(PARTS)}",
            "mien bench calibration --without all",
        )
    return list(PARTS) if "all" in named else [p for p in PARTS if p in named]


def ablation(
    face: str, build: int, camera: str, poses: int, parts: list[str]
) -> dict[str, dict[str, float]]:
    """Errors of one robot's fits: of the whole (``nothing``), and without each part alone.

    All are fitted to the same observations and reproduce the same held-out faces.
    """
    config = load_face(face)
    with tempfile.TemporaryDirectory() as name:
        data, stabiliser, _ = _collected(config, build, camera, poses, Path(name))
    rows = {}
    for part in ("nothing", *parts):
        settings = FitConfig(without=frozenset({part} & PARTS.keys()))
        began = time.process_time()
        model = face_fit.fit_face(config, data, settings)
        fit_s = time.process_time() - began
        with _started(config, build, camera) as rig:
            found = check_inverse(config, data, model, rig, stabiliser, compare=False)
        metrics = found.metrics | check_against_truth(model, model, found)
        rows[part] = {k: float(metrics[k]) for k in ABLATION if k in metrics} | {"fit_s": fit_s}
    return rows


def _largest(builds: list[dict[str, dict[str, float]]]) -> dict[str, float]:
    """The largest value of all builds, by ``without.PART.METRIC``."""
    return {
        f"without.{part}.{metric}": max(build[part][metric] for build in builds)
        for part, row in builds[0].items()
        for metric in row
    }


def one(face: str, build: int, camera: str, poses: int) -> dict[str, Any]:
    """Metrics of one calibration, in a temporary folder."""
    config = load_face(face)
    with tempfile.TemporaryDirectory() as name:
        data, stabiliser, robot_s = _collected(config, build, camera, poses, Path(name))
    began = time.perf_counter()
    model = face_fit.fit_face(config, data)
    fit_s = time.perf_counter() - began
    with _started(config, build, camera) as rig:
        true = truth(config, data, model, rig, build)
        results = check_all(config, data, stabiliser, model, rig, build)
    poses = int((data.pose >= 0).sum())
    return results.metrics | true | {"robot_s": robot_s, "fit_s": fit_s, "poses": poses}


def truth(
    face: FaceConfig, data: Dataset, model: SelfModel, rig: CaptureRig, seed: int
) -> dict[str, float]:
    """Errors of the model at mixtures that nobody observed, against the simulated landmarks.

    The mean over the poses is taken off, because the camera's constant error cannot be known.

    Returns:
        ``truth_mm``, and its ratio to the error of linear ridge regression on the same observations
        (``truth_vs_ridge``) and of the nominal model of the design (``truth_vs_nominal``).
    """
    rig.move_to(face.safe)
    goals = mixtures(face, TRUTH_POSES, 7000 + seed)
    true, commands = [], np.empty_like(goals)
    for k, goal in enumerate(goals):
        commands[k] = rig.move_to(goal)
        rig.observe()
        true.append(rig.true_landmarks())

    def error(predicted: Floats) -> float:
        off = predicted - np.array(true)
        return rmse(off - off.mean(0), np.zeros_like(off))

    learn = usable(data)
    ridge = ridge_forward(data.commands[learn], data.landmarks[learn])
    out = {"truth_mm": error(model.sequence(commands))}
    out["truth_vs_ridge"] = out["truth_mm"] / error(ridge(commands))
    prior = prior_of(face)
    if prior is not None:
        out["truth_vs_nominal"] = out["truth_mm"] / error(prior.nominal().sequence(commands))
    return out


def _collected(
    face: FaceConfig, build: int, camera: str, poses: int, folder: Path
) -> tuple[Dataset, Stabiliser, float]:
    """Observations of a robot, without the camera's drift, and the robot time in s."""
    known = prior_of(face) is not None
    make_plan(face, poses, seed=build, known=known).save(folder / PLAN)
    rig = open_rig(face, camera=camera, build=build, seed=build)
    robot_s = collect(face, rig, folder, known=reference_model(face)).robot_s
    return *stabilised(dataset.load(folder, face)), robot_s


@contextmanager
def _started(face: FaceConfig, build: int, camera: str) -> Iterator[CaptureRig]:
    rig = open_rig(face, camera=camera, build=build, seed=build)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()
