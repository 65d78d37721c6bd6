"""Installs a face's own self-model where every command finds it."""

from __future__ import annotations

from dataclasses import replace

from mien.calibration.identify.fit import MODEL
from mien.calibration.verbs.workspace import Place
from mien.models.self_model import model as self_model
from mien.robot.errors import InputError
from mien.robot.face.calibrated import unproven
from mien.robot.face.config import FaceConfig


def ship(face: FaceConfig, place: Place) -> None:
    """Put the folder's model beside the package's other weights, its numbers with it.

    Raises:
        InputError: held-out poses did not prove it.
    """
    model = self_model.load(place.folder / MODEL, face.name, face.hash)
    why, stage = unproven(model)
    if why:
        raise InputError(f"{place.folder / MODEL} is not installed: it {why}", place.command(stage))
    numbers = {k: v for k, v in place.metrics().items() if isinstance(v, float | int)}
    target = self_model.shipped(face.name)
    self_model.save(target, replace(model, meta=model.meta | {"metrics": numbers}))
    print(f"{target}: shipped")
