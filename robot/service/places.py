"""Where an unattended run keeps its files, and how much room is there."""

from __future__ import annotations

import shutil
from pathlib import Path

from mien.models.user_folders import data_folder, state_folder
from mien.robot.service.rotation import MB


def recordings_folder() -> Path:
    """Folder of the recordings without end."""
    return data_folder() / "recordings"


def log_path() -> Path:
    """The log file."""
    return state_folder() / "service.log"


def free_mb() -> float:
    """Free space in megabytes where the recordings go. Unknown counts as infinite."""
    path = recordings_folder()
    try:
        while not path.exists() and path != path.parent:
            path = path.parent
        return shutil.disk_usage(path).free / MB
    except OSError:
        return float("inf")
