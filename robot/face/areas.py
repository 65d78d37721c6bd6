"""Where each actuator is at work by design: landmarks of its region of the face."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import COUNT, REGIONS
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig
from mien.robot.face.entries import Region

AREAS: Final[dict[Region, tuple[str, ...]]] = {
    "eyes": ("lids", "irises"),
    "brows": ("brows",),
    "mouth": ("lips", "jaw"),
    "nose": ("nose", "cheeks", "lips"),
    "cheeks": ("cheeks", "lips", "nose", "lids"),
    "jaw": ("jaw", "lips"),
    "neck": tuple(REGIONS),
}
"""Region of an actuator -> regions of landmarks that it moves."""


def areas(face: FaceConfig, model: SelfModel) -> NDArray[np.bool_]:
    """Landmarks (m, 478) at which each network input is at work."""
    out = np.zeros((len(model.inputs), COUNT), dtype=bool)
    for row, at in zip(out, model.inputs, strict=True):
        for region in AREAS[face.actuators[face.names[at]].region]:
            row[list(REGIONS[region])] = True
    return out
