"""``mien bench calibration``: calibrates simulated robots of the design, and prints the metrics."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from mien.calibration.identify import face_fit
from mien.calibration.verify.acceptance import CRITERIA
from mien.calibration.verify.checks import check_against_truth, check_all
from mien.calibration.verify.inverse_check import check_inverse
from mien.models.train.self_model.fit_config import PARTS, FitConfig
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, load_face
from tests.bench.calibration.asked import ASKED, asked
from tests.bench.calibration.captured_sets import captured, kept_in, started
from tests.bench.calibration.faults import checks, proofs
from tests.bench.calibration.foreign_robots import foreign
from tests.bench.calibration.truth import TRUTH, truth

MORE = (
    *TRUTH,
    *ASKED,
    "noiseless_inverse_mean_pct",
    "noiseless_inverse_p95_pct",
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
    "command_l1_all",
    "unidentifiable_actuators",
    "memory_gain_clear",
    "memory_gain_mixtures",
    "memory_gain_seen",
)
"""Metrics beside those with a criterion; the largest value of the builds is printed."""
AS_IT_RUNS = ("inverse_mean_pct", "inverse_p95_pct")
"""Metrics that are those of the inverse that runs, on single observations. ``noiseless_*`` are
those of the inverse that knows nothing of a running face, on observations without noise."""
ABLATION = ("model_true_rmse_mm", "inverse_mean_pct", "inverse_p95_pct")
"""Metrics that are printed for each part of the fit that is left out."""


def calibration(
    face: Annotated[
        str, typer.Option(help="Name of the face, or path of its YAML file.")
    ] = "morpheus33",
    builds: Annotated[
        str, typer.Option(help="Seeds of the simulated robots, separated by commas.")
    ] = "1,2,3",
    cameras: Annotated[
        str, typer.Option(help="projected, rendered, markers, or several separated by commas.")
    ] = "projected,rendered",
    poses: Annotated[int, typer.Option(min=1, help="Number of poses, about.")] = 150,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Part of the fit to leave out. It may be repeated; all: each alone."),
    ] = None,
    faults: Annotated[
        int,
        typer.Option(
            min=0,
            help="Number of faulty robots, for the keys check_* and proof_*; 0: these are left "
            "out. A third of them before the rendered camera.",
        ),
    ] = 60,
    outside: Annotated[
        bool,
        typer.Option(help="Also robots of the first build that differ from the drawing."),
    ] = True,
    reuse: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps the observations. Those that it holds are not collected again."
        ),
    ] = None,
) -> dict[str, float | int | str | None]:
    """Run whole calibrations in simulation. Each metric is the worst (largest) of the builds.

    Example: mien bench calibration --builds 1,2,3 --reuse runs/captured

    With --without, the same observations are fitted again without each part. Only errors against
    the simulated landmarks are printed then, of the whole fit (without.nothing) and without each.

    Example: mien bench calibration --face hobby9 --poses 400 --without all

    With --reuse, builds whose observations are kept are only fitted and verified again.
    """
    try:
        seeds = [int(b) for b in builds.split(",")]
    except ValueError as e:
        raise InputError(
            f"builds must be numbers separated by commas, got {builds!r}",
            "mien bench calibration --builds 1,2",
        ) from e
    parts, config = _parts(without or []), load_face(face)
    out: dict[str, float | int | str | None] = {"face": face, "builds": builds, "poses": poses}
    if parts:
        out = {"poses": poses}
    with kept_in(reuse) as folder:
        for camera in (name.strip() for name in cameras.split(",")):
            sets = ((folder, config, build, camera, poses) for build in seeds)
            if parts:
                out |= _largest([ablation(*of, parts) for of in sets])
                continue
            found = [one(*of) for of in sets]
            for name in (*CRITERIA, *MORE):
                values = [f[name] for f in found if name in f]
                if values:
                    out[f"{camera}.{name}"] = float(np.max(values))
            if outside:
                for name, value in foreign(folder, config, seeds[0], camera, poses).items():
                    out[f"{camera}.{name}"] = value
            if faults:
                robots = (folder, seeds, camera, poses, faults)
                broken = checks(*robots) | proofs(*robots)
                out |= {f"{camera}.{name}": value for name, value in broken.items()}
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
    folder: Path, face: FaceConfig, build: int, camera: str, poses: int, parts: list[str]
) -> dict[str, dict[str, float]]:
    """Errors of one robot's fits: of the whole (``nothing``), and without each part alone.

    All are fitted to the same observations and reproduce the same held-out faces.
    """
    of = captured(folder, face, build, camera, poses)
    rows = {}
    for part in ("nothing", *parts):
        settings = FitConfig(without=frozenset({part} & PARTS.keys()))
        began = time.process_time()
        model = face_fit.fit_face(face, of.data, settings)
        fit_s = time.process_time() - began
        with started(face, build, camera) as rig:
            found = check_inverse(face, of.data, model, rig, of.stabiliser, compare=False)
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


def one(folder: Path, face: FaceConfig, build: int, camera: str, poses: int) -> dict[str, Any]:
    """Metrics of one calibration."""
    of = captured(folder, face, build, camera, poses)
    began = time.perf_counter()
    model = face_fit.fit_face(face, of.data)
    fit_s = time.perf_counter() - began
    with started(face, build, camera) as rig:
        true = truth(face, of.data, model, rig, build) | asked(face, model, rig)
        results = check_all(face, of.data, of.stabiliser, model, rig, build)
    metrics = results.metrics | {
        f"noiseless_{name}": results.metrics[name] for name in AS_IT_RUNS if name in results.metrics
    }
    metrics |= {name: results.metrics[f"noisy_running_{name}"] for name in AS_IT_RUNS}
    visited = int((of.data.pose >= 0).sum())
    return metrics | true | {"robot_s": of.robot_s, "fit_s": fit_s, "poses": visited}
