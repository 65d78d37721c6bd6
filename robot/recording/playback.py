"""A recording played on the live face: its poses come in pieces and are shown at their own pace."""

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
    path: Path, face: FaceConfig, say: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[float, Floats]]:
    """Seconds since its first tick and the commands (n,) sent then, for every tick of a recording.

    What is missing of it is said at the end.

    Raises:
        InputError: no recording, one of another face, or one in which nothing was sent.
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
        say(f"{path.name} is not whole: {recording.missing}")
    if first is None:
        raise InputError(f"{path.name} holds no poses")


class Playback:
    """Shows poses between their neighbours in time; the last one is held while more are to come."""

    def __init__(self) -> None:
        self._rows: deque[tuple[float, Floats]] = deque()
        self._name = ""
        self._start: float | None = None
        self._whole = False
        self._at = 0.0
        self._message = ""

    def begin(self, name: str) -> None:
        """Poses of this recording follow."""
        self.stop()
        self._name, self._message = name, ""

    def add(self, times: list[float], rows: list[list[float]]) -> None:
        """Some more: seconds since the recording's beginning, and the commands then."""
        if self._name:
            self._rows.extend((t, np.asarray(row)) for t, row in zip(times, rows, strict=True))

    def finish(self) -> None:
        """No more will come."""
        self._whole = True

    def stop(self) -> None:
        """The voice has the face again."""
        if self._name:
            self._message = f"{self._name} was stopped at {self._at:.1f} s"
        self._rows.clear()
        self._name, self._start, self._whole, self._at = "", None, False, 0.0

    def at(self, t: float) -> Floats | None:
        """The pose for ``t`` s; None when nothing is played."""
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
                said = f"{self._name} was played"
                self.stop()
                self._message = said
            return pose
        after, goal = rows[1]
        if after <= before:  # of two poses at one time, the later
            return goal
        share = min(max((self._at - before) / (after - before), 0.0), 1.0)
        return pose + share * (goal - pose)

    def state(self) -> dict[str, Any]:
        """For the panel: name (empty when nothing is played), seconds, and what there is to say."""
        return {"name": self._name, "seconds": self._at, "said": self._message}
