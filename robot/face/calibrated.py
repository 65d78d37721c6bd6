"""What calibration knows of a face, ready to be used: self-model, its inverse, retargeting, lag."""

from __future__ import annotations

import logging
from functools import cached_property
from multiprocessing import parent_process
from pathlib import Path
from shlex import quote

from mien.models.self_model.inverse import Inverse
from mien.models.self_model.model import SelfModel, installed, load, shipped
from mien.robot.face.areas import areas
from mien.robot.face.config import FaceConfig
from mien.robot.face.retarget import Retarget, limits_of

_log = logging.getLogger(__name__)


class FittedFace:
    """A face and a self-model of it.

    Args:
        face: the face.
        model: fitted to it.
    """

    def __init__(self, face: FaceConfig, model: SelfModel) -> None:
        self.face, self.model = face, model

    def inverse(self) -> Inverse:
        """A fresh inverse, at neutral."""
        return Inverse(
            self.model,
            limits_of(self.face),
            direct=self.retarget.direct_actuators,
            areas=areas(self.face, self.model),
        )

    @cached_property
    def retarget(self) -> Retarget:
        """Blendshapes to landmarks of this face."""
        return Retarget(self.model, limits_of(self.face), roles=self.face.roles)

    @property
    def lag_s(self) -> float:
        """How late the skin follows the pulses, as calibration measured it; 0 when it did not."""
        return float(self.model.meta.get("lag_s", 0.0))


class Calibrated(FittedFace):
    """A face that has learned itself. One that did not prove it is used with a warning.

    Args:
        face: the face.
        path: its self-model. By default the one that the user installed (``mien calibrate ...
            --ship``), else the one that ships for the nominal build.

    Raises:
        ModelError: no such file, or made for another face: both hashes are named.
    """

    def __init__(self, face: FaceConfig, path: Path | None = None) -> None:
        own = installed(face.name)
        ours = shipped(face.name)
        self.path = path or (ours if ours.is_file() and not own.is_file() else own)
        super().__init__(face, load(self.path, face.name, face.hashes, calibrate_command(face)))
        if parent_process() is None:  # the parent process has printed it
            for warning in filter(None, (self.caveat, unmoved(face))):
                _log.warning("%s", warning)

    @property
    def caveat(self) -> str:
        """Why this is not to be called calibrated, and the next command; empty if it is."""
        why, stage = unproven(self.model)
        return why and (
            f"{self.path} {why}: mien calibrate {stage} "
            f"--face {quote(self.face.given)} --out {quote(str(self.path.parent))}"
        )


def calibrate_command(face: FaceConfig) -> str:
    """The command that makes a self-model of a face and installs it: on the simulated robot, or on
    the real one if the face has no mechanism."""
    where = "" if face.mechanism else " --port auto --camera 0"
    return f"mien calibrate all --face {quote(face.given)}{where} --ship"


def unmoved(face: FaceConfig) -> str:
    """Which actuators nothing ever moves, and the command that says why; empty if none."""
    if not face.idle:
        return ""
    names, verb = ", ".join(face.idle), "have" if len(face.idle) > 1 else "has"
    return (
        f"{names} (region neck) {verb} no role and will not move: "
        f"mien face check {quote(face.given)}"
    )


def unproven(model: SelfModel) -> tuple[str, str]:
    """Why a model is not one of a calibrated face, and the stage with the reason; both empty if it
    is."""
    # Before verification recorded it, only what had been verified knew its lag.
    if model.meta.get("calibrated", "lag_s" in model.meta):
        return "", ""
    if "calibrated" in model.meta:
        return "did not find held-out faces again", "report"
    return "was not verified", "verify"
