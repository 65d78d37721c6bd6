"""What a result depends on: version, commit, face and seed."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from mien.robot.face.config import FaceConfig


def origin(face: FaceConfig, seed: int) -> dict[str, Any]:
    """What a result depends on: version, commit, face and seed."""
    return {
        "mien": metadata.version("mien"),
        "commit": _commit(),
        "face": face.name,
        "face_hash": face.hash,
        "seed": seed,
    }


def _commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent, capture_output=True, text=True, check=True, timeout=5,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
