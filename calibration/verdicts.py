"""What verification leaves for the report's figures, on disk."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from robot.config import Floats
from robot.errors import InputError

FILE = "verify.npz"


def save_arrays(folder: Path, arrays: dict[str, Floats]) -> None:
    """Write them whole or not at all."""
    part = (folder / FILE).with_suffix(".part")
    with part.open("wb") as f:
        np.savez(f, **arrays)  # type: ignore[arg-type]  # numpy takes any array by name
    part.replace(folder / FILE)


def load_arrays(folder: Path, again: str) -> dict[str, Floats]:
    """Read them.

    Raises:
        InputError: not there or damaged; ``again`` is the command that makes them.
    """
    path = folder / FILE
    if not path.exists():
        raise InputError(f"{folder} was not verified", again)
    try:
        with path.open("rb") as f, np.load(f) as z:
            return {k: z[k] for k in z.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as e:
        raise InputError(f"cannot read {path}: {e}", again) from e
