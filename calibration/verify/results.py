"""Results of verification: metrics, and the arrays of the report's figures on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.models.files import whole
from mien.models.reading.arrays import check_finite, check_shapes, read_npz
from mien.models.reading.bounded import FileError
from mien.robot.errors import InputError
from mien.robot.face.config import Floats

FILE = "verify.npz"


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
    with whole(folder / FILE) as part, part.open("wb") as f:
        np.savez(f, **arrays)  # type: ignore[arg-type]  # numpy takes any array by name


def load_arrays(folder: Path, again: str, actuators: int) -> dict[str, Floats]:
    """Read the arrays of a face with a number of actuators.

    Raises:
        InputError: the file is missing or damaged; ``again`` is the command that makes it.
    """
    path = folder / FILE
    if not path.exists():
        raise InputError(f"{folder} was not verified", again)
    try:
        arrays = read_npz(path)
        layout = {k: ("poses", actuators) for k in arrays if k.endswith("_sent")}
        check_shapes(path, arrays, {"asked_sent": ("poses", actuators), **layout})
        check_finite(path, arrays, *layout, *(k for k in arrays if k.endswith("_pct")))
        return arrays
    except (OSError, FileError) as e:
        raise InputError(f"cannot read {path}: {e}", again) from e
