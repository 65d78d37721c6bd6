"""Folder of a run: ``runs/<date>-<verb>-<name>/``, never an existing one."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from mien.models.files import write_whole
from mien.models.formats import VERSION_KEY
from mien.robot.errors import MienError
from mien.robot.names import checked


def new_run(verb: str, name: str, out: Path | None = None) -> Path:
    """Make the folder of a new run and return its path. ``out`` names it instead.

    Raises:
        MienError: it cannot be made.
        InputError: ``verb`` or ``name`` is not a valid name.
    """
    checked(verb, "run")
    checked(name, "run")
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{verb}-{name}"
    path, k = out or Path("runs") / stem, 1
    while out is None and path.exists():
        path, k = Path("runs") / f"{stem}-{k}", k + 1
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise MienError(f"cannot make {path}: {e.strerror}", "--out FOLDER") from e
    return path


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all. Its version is 1 if ``content`` has none."""
    text = json.dumps({VERSION_KEY: 1} | content, indent=2, sort_keys=True)
    write_whole(path, text + "\n")
