"""``mien bench faces``: faces of one's own, from parts to speech."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from mien.robot.errors import MienError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.face.safety import Limiter
from mien.robot.sim.design.drawing import Design, design
from mien.robot.sim.design.library import library
from mien.robot.sim.design.writing import write
from mien.robot.sim.rig import Rig

_BUILDS: Final = 4
_POSES: Final = 8
_HOLD_S: Final = 0.16
EXAMPLES: Final = (6, 14, 21)
"""Servos of the three faces that are calibrated."""


def bench(
    faces: Annotated[int, typer.Option(help="Random faces that are moved on the rig.")] = 200,
    calibrate: Annotated[
        bool, typer.Option(help="Also calibrate three faces and let them speak, half an hour.")
    ] = True,
    poses: Annotated[int, typer.Option(help="Poses of a calibration.")] = 1490,
    build: Annotated[int, typer.Option(help="Seed of the robots that are calibrated.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the random faces.")] = 0,
) -> dict[str, Any]:
    """Measure faces that ``mien face new`` draws."""
    rng = np.random.default_rng(seed)
    failed = [why for k in range(faces) if (why := failure(random_design(rng), k % _BUILDS))]
    for why in failed:
        print(why, file=sys.stderr)
    out: dict[str, Any] = {"random": faces, "diverged": len(failed)}
    for servos in EXAMPLES if calibrate else ():
        minutes, r = _calibrated(servos, poses, build)
        out |= {f"minutes_to_calibrated.{servos}": minutes, f"lip_gap_r.{servos}": r}
    return out


def random_design(rng: np.random.Generator) -> Design:
    """A face that some options of ``mien face new`` draw."""
    parts = library().parts
    chosen: dict[str, int] = {}
    while not chosen:
        counts = {name: int(rng.choice([0, *part.variants])) for name, part in parts.items()}
        chosen = {name: count for name, count in counts.items() if count}
    large = [name for name in chosen if rng.uniform() < 0.15]
    return design("own", chosen, [], volts=round(float(rng.uniform(4.5, 8.4)), 1), large=large)


def failure(drawn: Design, build: int) -> str:
    """What the rig says of a face whose commands jump from one random pose to the next; empty if
    it can be computed."""
    with tempfile.TemporaryDirectory() as folder:
        face = load_face(write(drawn, Path(folder))[0])
        try:
            shake(Rig(face, build), face, build)
        except MienError as e:
            return f"{drawn.chosen} {drawn.volts:g} V, large {drawn.large}: {e.message}"
    return ""


def shake(rig: Rig, face: FaceConfig, seed: int) -> None:
    """Send all commands of a face to random places and to both ends at once, again and again.

    Raises:
        MienError: the rig left physics.
    """
    rng, limiter = np.random.default_rng(seed), Limiter(face)
    low, high = face.limits.T
    goals = [low, high, *rng.uniform(low, high, (_POSES, len(low)))]
    for goal in goals:
        pulses = to_pulses(face, np.asarray(limiter(goal, face.safe, 1e3).commands))
        for _ in range(round(_HOLD_S / rig.dt)):
            rig.step(pulses)


def _calibrated(servos: int, poses: int, build: int) -> tuple[float, float]:
    """Minutes from ``face new`` to a calibrated face, and how well its mouth follows speech."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        _mien(folder, "face", "new", "own", "--servos", str(servos))
        _mien(
            folder, "calibrate", "all", "--face", "own.yaml", "--poses", str(poses),
            "--build", str(build), "--ship",
        )  # fmt: skip
        minutes = (time.monotonic() - began) / 60.0
        _mien(
            folder, "demo", "--face", "own.yaml", "--build", str(build), "--no-film", "--out", "run"
        )
        metrics = json.loads((Path(folder) / "run" / "metrics.json").read_text())
    return round(minutes, 2), float(metrics["r_lip_gap"])


def _mien(folder: str, *words: str) -> None:
    own = os.environ | {"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
    subprocess.run(
        [sys.executable, "-m", "mien.robot.verbs.cli", *words],
        cwd=folder, env=own, check=True, stdout=sys.stderr,
    )  # fmt: skip
