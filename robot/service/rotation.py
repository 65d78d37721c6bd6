"""Recordings without end: files with a date as a name, of which the newest are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from mien.robot.recording.session import SUFFIX
from mien.robot.service.settings import Recordings

_OURS: Final = re.compile(r"unattended-\d{8}-\d{6}" + re.escape(SUFFIX))
"""Names of files that may be deleted. Nothing else in the folder is touched."""
MB: Final = 1e6


@dataclass(frozen=True)
class Kept:
    """A recording on the disk: its path and its size in bytes."""

    path: Path
    size: int


def name_at(now: datetime) -> str:
    """Name of a recording that begins at ``now``. The order of names is that of their times."""
    return f"unattended-{now:%Y%m%d-%H%M%S}"


def recordings(folder: Path) -> list[Kept]:
    """Recordings of earlier and present runs, the oldest first."""
    found = []
    for path in sorted(folder.glob(f"unattended-*{SUFFIX}")) if folder.is_dir() else ():
        if _OURS.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            with suppress(OSError):  # somebody else was faster, or may not be asked
                found.append(Kept(path, path.stat().st_size))
    return found


def too_many(found: Sequence[Kept], limits: Recordings, short_mb: float = 0.0) -> list[Path]:
    """Which of them have to go, the oldest first.

    Args:
        found: all that may go, the oldest first.
        limits: how many, and how large together, may stay.
        short_mb: megabytes that the disk lacks.
    """
    count, total = len(found), sum(one.size for one in found)
    out, freed = [], 0
    for one in found:
        if count <= limits.keep and total <= limits.max_mb * MB and freed >= short_mb * MB:
            break
        out.append(one.path)
        count, total, freed = count - 1, total - one.size, freed + one.size
    return out


def rotate(folder: Path, limits: Recordings, short_mb: float = 0.0, current: str = "") -> int:
    """Delete the recordings that are too many. Returns how many were deleted.

    The file that is being written, ``current`` by name, always stays and counts for one. One that
    cannot be deleted is left where it is.
    """
    found = [one for one in recordings(folder) if one.path.name != current]
    room = limits.model_copy(update={"keep": limits.keep - 1}) if current else limits
    deleted = 0
    for path in too_many(found, room, short_mb):
        with suppress(OSError):
            path.unlink()
            deleted += 1
    return deleted
