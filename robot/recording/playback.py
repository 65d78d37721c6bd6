"""Playback of a recording on the live face, at the pace of the recording."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.recording.reading import Recording


def poses(
    path: Path, face: FaceConfig, report: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[float, Floats]]:
    """Time since the first tick in s and the commands (n,), for every tick of a recording.

    ``report`` is called at the end with what is missing.

    Raises:
        InputError: no recording, one of another face, or one without commands.
    """
    if not path.is_file():
        raise InputError(f"there is no recording called {path.name}")
    recording = Recording(path)
    theirs = recording.face
    if theirs.names != face.names:
        raise InputError(f"{path.name} was recorded on {theirs.name}, this is {face.name}")
    first: float | None = None
    for record in recording:
        if record.topic != "/tick" or record["t"] <= 0:
            continue
        t = float(record["t"])
        try:
            sent = np.array(record["sent"], np.float64)
        except (TypeError, ValueError):
            sent = np.full(len(face.names), np.nan)
        if sent.shape != (len(face.names),) or not np.isfinite([t, *sent]).all():
            raise InputError(f"{path.name} holds a pose that is none, at {t:.2f} s")
        first = t if first is None else first
        yield t - first, sent
    if not recording.missing.nothing:
        report(f"{path.name} is not whole: {recording.missing}")
    if first is None:
        raise InputError(f"{path.name} holds no poses")


class Playback:
    """Interpolates recorded poses in time. Holds the last pose while more are to come."""

    def __init__(self) -> None:
        self._rows: deque[tuple[float, Floats]] = deque()
        self._name = ""
        self._start: float | None = None
        self._whole = False
        self._at = 0.0
        self._message = ""

    def begin(self, name: str) -> None:
        """Begin playback of this recording. Its poses follow."""
        self.stop()
        self._name, self._message = name, ""

    def add(self, times: list[float], rows: list[list[float]]) -> None:
        """Add poses: times in s since the beginning, and commands."""
        if self._name:
            self._rows.extend((t, np.asarray(row)) for t, row in zip(times, rows, strict=True))

    def finish(self) -> None:
        """All poses were added."""
        self._whole = True

    def stop(self) -> None:
        """End playback. The voice controls the face again."""
        if self._name:
            self._message = f"{self._name} was stopped at {self._at:.1f} s"
        self._rows.clear()
        self._name, self._start, self._whole, self._at = "", None, False, 0.0

    def at(self, t: float) -> Floats | None:
        """The pose (n,) at ``t`` s; None without playback."""
        rows = self._rows
        if not rows:
            return None
        self._start = t if self._start is None else self._start
        self._at = t - self._start
        while len(rows) > 1 and rows[1][0] <= self._at:
            rows.popleft()
        (before, pose) = rows[0]
        if len(rows) == 1:
            if self._whole and self._at > before:
                message = f"{self._name} was played"
                self.stop()
                self._message = message
            return pose
        after, goal = rows[1]
        if after <= before:  # of two poses at one time, the later
            return goal
        share = min(max((self._at - before) / (after - before), 0.0), 1.0)
        return pose + share * (goal - pose)

    def state(self) -> dict[str, Any]:
        """State for the panel: name (empty without playback), seconds, message."""
        return {"name": self._name, "seconds": self._at, "message": self._message}
