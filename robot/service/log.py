"""The log of an unattended run: a file of bounded size, and some older ones."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from mien.robot.service.places import log_path
from mien.robot.service.rotation import MB
from mien.robot.service.settings import Log


class LogFile:
    """Lines with their times, in ``log_path`` and, for the journal, on stderr.

    The file is open only while a line is written: a disk that takes none disturbs nobody, and one
    that has room again takes the next.

    Args:
        limits: size and number of files.
    """

    def __init__(self, limits: Log) -> None:
        self._path, self._limits = log_path(), limits

    def say(self, what: str, at: datetime) -> None:
        """Write one line. Nothing is raised."""
        print(f"mien: {what}", file=sys.stderr, flush=True)
        line = f"{at:%Y-%m-%d %H:%M:%S} {' '.join(what.split())}\n".encode(errors="replace")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._size() + len(line) > self._limits.max_mb * MB:
                self._rotate()
            number = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(number, line)
            finally:
                os.close(number)

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.is_file() else 0

    def _rotate(self) -> None:
        for k in range(self._limits.keep, 0, -1):
            older = self._numbered(k - 1)
            with suppress(OSError):  # a folder of this name, say: the others go on
                if older.exists():
                    older.replace(self._numbered(k))
        self._path.unlink(missing_ok=True)  # where it could not be kept, it is not to grow

    def _numbered(self, k: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{k}") if k else self._path
