"""The bias of the face tracker: errors that belong to a pose of a face, whoever's face it is.

MediaPipe has learned what faces usually do. On a robot it errs in whole shapes: a shut lid drags
the iris, an open mouth lifts the cheek. The errors are alike on all robots, in all lights and with
all lenses, so they are learned once, on simulated robots whose true landmarks are known:

    error(s) = E' C s          s: observed displacement from the reference; C: 300 modes; E: errors

What lies outside the displacements that were learned is corrected less, and beyond twice the limit
not at all. The weights belong to one version of MediaPipe's model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.regions import COUNT

KIND = "tracker_bias"
PATH = checkpoint.WEIGHTS / "tracker_bias.safetensors"
TRACKER = checkpoint.WEIGHTS / "face_landmarker.task"

F64 = NDArray[np.float64]
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "codes": (3 * COUNT, "R"), "errors": ("R", 3 * COUNT), "residual": ("Q", 3 * COUNT),
    "limit": (1,),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class TrackerBias:
    """The learned bias.

    Attributes:
        codes: (1434, R) displacement (mm) -> codes, each of variance 1 over what was learned.
        errors: (R, 1434) mm, error of the tracker for a code of 1.
        residual: (Q, 1434) mm: Q' Q is the covariance of what the correction leaves.
        limit: mean squared code that one in a hundred observations of the learned robots exceeds.
        meta: metadata of the file.
    """

    codes: F64
    errors: F64
    residual: F64
    limit: float
    meta: dict[str, Any] = field(default_factory=dict)

    def corrected(self, landmarks: F64, reference: F64) -> F64:
        """Landmarks (..., 478, 3) mm without the tracker's bias; NaN stays NaN.

        Args:
            landmarks: (..., 478, 3) mm, as tracked.
            reference: (478, 3) mm, where the tracker puts this face at rest.
        """
        codes = self._codes(landmarks, reference)
        trust = np.clip(2.0 - np.square(codes).mean(-1) / self.limit, 0.0, 1.0)
        error = (trust[..., None] * codes) @ self.errors
        return np.asarray(landmarks - error.reshape(landmarks.shape))

    def outside(self, landmarks: F64, reference: F64) -> NDArray[np.bool_]:
        """Whether each observation (...) lies outside what was learned."""
        squares = np.square(self._codes(landmarks, reference)).mean(-1)
        return np.asarray(squares > self.limit)

    def _codes(self, landmarks: F64, reference: F64) -> F64:
        flat = (landmarks - reference).reshape(*landmarks.shape[:-2], 3 * COUNT)
        return np.asarray(flat @ self.codes)


def save(path: Path, bias: TrackerBias) -> None:
    """Write a bias as float16 safetensors, with the hash of the tracker that it belongs to."""
    tensors = {
        name: np.asarray(getattr(bias, name), np.float16)
        for name in ("codes", "errors", "residual")
    }
    tensors["limit"] = np.array([bias.limit], np.float32)
    layout = {
        "kind": KIND,
        "version": checkpoint.NEWEST[KIND],
        "tracker": checkpoint.content_hash(TRACKER),
    }
    checkpoint.save(path, tensors, bias.meta | layout)


def load(path: Path = PATH) -> TrackerBias:
    """Read a bias.

    Raises:
        ModelError: the file is missing or damaged, or belongs to another version of the tracker.
    """
    t, meta = checkpoint.load_shaped(path, KIND, _SHAPES)
    if meta.get("tracker") != checkpoint.content_hash(TRACKER):
        raise ModelError(
            f"{path.name} was learned with the face tracker {meta.get('tracker')}, this is "
            f"{checkpoint.content_hash(TRACKER)}",
            "mien train prior",
        )
    wide = {name: np.asarray(t[name], np.float64) for name in ("codes", "errors", "residual")}
    return TrackerBias(**wide, limit=float(t["limit"][0]), meta=meta)


@cache
def shipped() -> TrackerBias:
    """The bias that ships with the package."""
    return load()


@cache
def version() -> str:
    """Hash of the bias that ships: part of the identity of all observations made with it."""
    return checkpoint.content_hash(PATH)
