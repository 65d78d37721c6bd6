"""Recordings without end, as the loop sees them: begins a file, and the next one after its time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from mien.robot.recording.session import SUFFIX, RecordingSession
from mien.robot.service.rotation import name_at
from mien.robot.service.settings import Recordings

RETRY_S: Final = 10.0
"""Time in s from a recording that failed to the next try."""
_SOUND_S: Final = 5.0
"""A recording that goes on for so long in s is one that works."""


class Rolling:
    """One recording after the other while the face may move. Errors never end a run.

    Args:
        limits: length of a file.
        folder: where the files go.

    Attributes:
        current: name of the file that is being written; empty without one.
        problem: why the last recording failed; empty while they work.
    """

    def __init__(self, limits: Recordings, folder: Path) -> None:
        self._length_s, self._folder = 60.0 * limits.minutes, folder
        self._began = self._tried = -float("inf")
        self.current = self.problem = ""

    def step(self, session: RecordingSession, t: float, moving: bool, now: datetime) -> None:
        """Begin or end a file at ``t`` s. ``now`` is its name. Must be called often."""
        if self._length_s <= 0.0:
            return
        state = session.state(t)
        if self.current and state["name"] != self.current:
            self._ended(state["message"])
        if self.current:
            if t - self._began >= _SOUND_S:
                self.problem = ""
            if not moving or t - self._began >= self._length_s:
                session.end()
                self.current = ""
        if moving and not session.on and t - self._tried >= RETRY_S * bool(self.problem):
            self._begin(session, t, now)

    def _begin(self, session: RecordingSession, t: float, now: datetime) -> None:
        name = name_at(now)
        if self._folder.joinpath(name + SUFFIX).exists():  # the second is not over
            return
        self._tried = t
        session.begin(name, self._folder)
        if session.on:
            self._began, self.current = t, name + SUFFIX
        else:
            self.problem = session.state(t)["message"]

    def _ended(self, message: str) -> None:
        """The file ended without us: by the panel, which is fine, or by the disk."""
        self.current = ""
        if " stopped: " in message:
            self.problem = message
