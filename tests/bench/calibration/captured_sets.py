"""Captured sets: what a simulated robot showed of itself, collected once and kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mien.calibration.capture import dataset
from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.open_rig import open_rig
from mien.calibration.capture.stabilise import Stabiliser, stabilised
from mien.calibration.identify.collect import collect
from mien.calibration.identify.design_prior import prior_of
from mien.calibration.identify.wiring import reference_model
from mien.calibration.plan.excitation import make_plan
from mien.calibration.plan.stages import PLAN
from mien.robot.face.config import FaceConfig
from mien.robot.sim.builds import Build


@dataclass(frozen=True, eq=False)
class CapturedSet:
    """Observations of one simulated robot.

    Attributes:
        data: observations, without the camera's drift.
        stabiliser: removes the drift from further observations.
        robot_s: robot time, s.
    """

    data: Dataset
    stabiliser: Stabiliser
    robot_s: float


def captured(
    folder: Path,
    face: FaceConfig,
    build: int | Build,
    camera: str,
    poses: int,
    faults: tuple[str, ...] = (),
    name: str = "",
) -> CapturedSet:
    """The observations of one robot; collected where ``folder`` does not hold them yet.

    Args:
        folder: of all sets. A set that was interrupted is continued.
        face: the face.
        build: the robot; its seed is that of its tolerances, of its camera and of the plan.
        camera: ``projected`` or ``rendered``.
        poses: number of poses, about.
        faults: of the robot, as in ``mien.robot.sim.faults``.
        name: tells robots of one seed apart.

    Raises:
        ConfigError: the folder's set is of another mechanism, or of another tracker's bias.
    """
    seed = _seed(build)
    own = folder / "_".join([face.name, str(seed), *([name] if name else []), camera, str(poses)])
    if not (own / PLAN).exists():
        own.mkdir(parents=True, exist_ok=True)
        make_plan(face, poses, seed=seed, known=prior_of(face) is not None).save(own / PLAN)
    rig = open_rig(face, camera=camera, build=build, seed=seed, faults=faults)
    collect(face, rig, own, known=reference_model(face))
    data, stabiliser = stabilised(dataset.load(own, face))
    return CapturedSet(data, stabiliser, data.robot_s)


@contextmanager
def kept_in(folder: Path | None) -> Iterator[Path]:
    """The folder of all sets; None: a temporary one."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def started(
    face: FaceConfig, build: int | Build, camera: str, faults: tuple[str, ...] = ()
) -> Iterator[CaptureRig]:
    """The rig of a captured set's robot, armed at its safe pose."""
    seed = _seed(build)
    rig = open_rig(face, camera=camera, build=build, seed=seed, faults=faults)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()


def _seed(build: int | Build) -> int:
    return build.seed if isinstance(build, Build) else build
