"""Installs a face's own self-model where every command finds it."""

from __future__ import annotations

from dataclasses import replace

from mien.calibration.identify.face_fit import MODEL
from mien.calibration.verbs.workspace import Workspace
from mien.models.self_model import model as self_model
from mien.robot.errors import InputError
from mien.robot.face.calibrated import unproven
from mien.robot.face.config import FaceConfig


def install(face: FaceConfig, workspace: Workspace) -> None:
    """Install the workspace's model, with its metrics.

    Raises:
        InputError: verification did not accept the model.
    """
    model = workspace.model(face)
    why, stage = unproven(model)
    if why:
        raise InputError(
            f"{workspace.folder / MODEL} is not installed: it {why}", workspace.command(stage)
        )
    numbers = {k: v for k, v in workspace.metrics().items() if isinstance(v, float | int)}
    target = self_model.installed(face.name)
    self_model.save(target, replace(model, meta=model.meta | {"metrics": numbers}))
    print(f"{target}: installed")
