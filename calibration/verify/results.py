"""Results of verification: metrics, and the arrays of the report's figures on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.models.formats import read_arrays, write_arrays
from mien.models.reading.arrays import check_finite
from mien.robot.errors import InputError
from mien.robot.face.config import Floats

FILE, VERSION = "verify.npz", 1
DRAWN = ("asked_sent", "self_model_sent")
"""Commands (P, n) that the figures of the report need."""


@dataclass(frozen=True, eq=False)
class VerificationResults:
    """Results of verification.

    Attributes:
        metrics: for ``metrics.json``.
        arrays: for the figures of the report.
    """

    metrics: dict[str, Any]
    arrays: dict[str, Floats]


def rmse(a: Floats, b: Floats) -> float:
    """RMS distance (mm) between landmarks a and b (..., 3)."""
    return float(np.sqrt(np.square(a - b).sum(-1).mean()))


def save_arrays(folder: Path, arrays: dict[str, Floats]) -> None:
    """Write the arrays whole or not at all."""
    write_arrays(folder / FILE, VERSION, arrays)


def load_arrays(folder: Path, again: str, actuators: int | None = None) -> dict[str, Floats]:
    """Read the arrays.

    Args:
        folder: of the calibration.
        again: command that makes the file; errors name it.
        actuators: number of actuators of the face; None: the arrays of the figures are not checked.

    Raises:
        InputError: the file is missing, damaged or of a newer Mien.
    """
    path = folder / FILE
    if not path.exists():
        raise InputError(f"{folder} was not verified", again)
    try:
        arrays = read_arrays(path, VERSION)
        if texts := [name for name, array in arrays.items() if array.dtype.kind not in "fiu"]:
            raise ValueError(f"{', '.join(texts)} must hold numbers")
        check_finite(path, arrays, *(k for k in arrays if k.endswith(("_sent", "_pct"))))
        shapes = {name: arrays[name].shape for name in DRAWN if name in arrays}
        if actuators is not None and {s[1:] for s in shapes.values()} != {(actuators,)}:
            raise ValueError(f"its commands have the shapes {shapes}, expected (P, {actuators})")
        if actuators is not None and len(set(shapes.values())) * len(shapes) != len(DRAWN):
            raise ValueError(f"it must hold {' and '.join(DRAWN)} of one shape")
    except (OSError, ValueError) as e:
        raise InputError(f"cannot read {path}: {e}", again) from e
    return arrays
