"""``mien bench calibration``: calibrates simulated robots of the design, and prints the metrics."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mien.calibration.capture import dataset
from mien.calibration.capture.open_rig import open_rig
from mien.calibration.capture.stabilise import stabilised
from mien.calibration.identify import face_fit
from mien.calibration.identify.collect import PLAN, collect
from mien.calibration.identify.wiring import reference_model
from mien.calibration.plan.excitation import make_plan
from mien.calibration.verify.acceptance import CRITERIA
from mien.calibration.verify.checks import check_all
from mien.robot.errors import InputError
from mien.robot.face.config import load_face

MORE = (
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


def calibration(
    face: Annotated[
        str, typer.Option(help="Name of the face, or path of its YAML file.")
    ] = "morpheus33",
    builds: Annotated[
        str, typer.Option(help="Seeds of the simulated robots, separated by commas.")
    ] = "1",
    cameras: Annotated[
        str, typer.Option(help="projected, rendered, or both separated by a comma.")
    ] = ("projected"),
    poses: Annotated[int, typer.Option(min=1, help="Number of poses, about.")] = 1490,
) -> dict[str, float | int | str | None]:
    """Run whole calibrations in simulation. Each metric is the worst (largest) of the builds.

    Example: mien bench calibration --builds 1,2,3 --cameras projected,rendered

    On one idle core a build takes about 3 minutes with the projected camera and 15 with the
    rendered one.
    """
    try:
        seeds = [int(b) for b in builds.split(",")]
    except ValueError as e:
        raise InputError(f"builds must be numbers separated by commas, got {builds!r}") from e
    out: dict[str, float | int | str | None] = {"face": face, "builds": builds, "poses": poses}
    for camera in cameras.split(","):
        found = [one(face, build, camera.strip(), poses) for build in seeds]
        for name in (*CRITERIA, *MORE):
            values = [f[name] for f in found if name in f]
            if values:
                out[f"{camera.strip()}.{name}"] = float(np.max(values))
    return out


def one(face: str, build: int, camera: str, poses: int) -> dict[str, Any]:
    """Metrics of one calibration, in a temporary folder."""
    config = load_face(face)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_plan(config, poses, seed=build).save(folder / PLAN)
        rig = open_rig(config, camera=camera, build=build, seed=build)
        robot_s = collect(config, rig, folder, known=reference_model(config)).robot_s
        data, stabiliser = stabilised(dataset.load(folder, config))
    began = time.perf_counter()
    model = face_fit.fit_face(config, data)
    fit_s = time.perf_counter() - began
    rig = open_rig(config, camera=camera, build=build, seed=build)
    try:
        rig.start()
        results = check_all(config, data, stabiliser, model, rig, build)
    finally:
        rig.stop()
    poses = int((data.pose >= 0).sum())
    return results.metrics | {"robot_s": robot_s, "fit_s": fit_s, "poses": poses}
