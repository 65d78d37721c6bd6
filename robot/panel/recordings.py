"""Record and replay in the panel. What goes wrong is shown, and the face lives on."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final

from mien.robot.errors import InputError, MienError
from mien.robot.face.config import FaceConfig
from mien.robot.panel.messages import (
    PlaybackPoses,
    PlaybackSent,
    Request,
    Send,
    SetPlayback,
    SetRecording,
)
from mien.robot.panel.meters import recording_lines
from mien.robot.recording.playback import poses
from mien.robot.recording.session import FOLDER, SUFFIX, path_of

PIECE: Final = 60
"""Poses in a message to the loop."""
AHEAD_S: Final = 5.0
"""How much of a recording is on its way before it is shown."""
MOST: Final = 200
"""Recordings that the page offers: the newest."""


class Recordings:
    """What the page's tab does and shows. Nothing here blocks: a recording is read in a thread.

    Args:
        send: sends ``SetRecording``, ``SetPlayback`` and the poses of a recording to the loop.
        folder: where recordings lie.
    """

    def __init__(self, send: Send, face: FaceConfig, folder: Path = FOLDER) -> None:
        self._send, self._face, self._folder = send, face, folder
        self._player = Player(send)

    def record(self, name: str | None) -> None:
        """Record under a name; None ends it.

        Raises:
            InputError: not a plain name.
        """
        if name is not None:
            path_of(name, self._folder)
        self._send(SetRecording(name))

    def replay(self, name: str | None) -> None:
        """Play a recording on the face; None ends it.

        Raises:
            InputError: not a plain name, or there is no recording of that name.
        """
        if name is None:
            self._player.stop()
            self._send(SetPlayback(None))
            return
        path = path_of(name, self._folder)
        if not path.is_file():
            raise InputError(f"there is no recording called {path.name}")
        self._player.play(path, self._face)

    def summary(self, state: dict[str, Any]) -> dict[str, Any]:
        """State of recording and playback, errors, and the recordings that there are."""
        names = self.names()
        return {
            "lines": recording_lines(state),
            "wrong": self._player.error,
            "names": names,
            "free": free(names),
            "recording": bool(state["recording"]["name"]),
            "playing": bool(state["playback"]["name"]),
        }

    def names(self) -> list[str]:
        """The recordings in the folder, the newest last."""
        dated = []
        for path in self._folder.glob(f"*{SUFFIX}"):
            with suppress(OSError):  # it may have gone since
                dated.append((path.stat().st_mtime, path.name.removesuffix(SUFFIX)))
        return [name for _, name in sorted(dated)][-MOST:]


def free(names: list[str]) -> str:
    """A name that no recording has."""
    k = 1
    while f"take-{k}" in names:
        k += 1
    return f"take-{k}"


class Player:
    """Reads a recording in a thread and hands it to the loop in pieces, a little ahead of time."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = Lock()
        self._over = Event()
        self.error = ""

    def play(self, path: Path, face: FaceConfig) -> None:
        """Begin with this one; another that is being played ends."""
        self.stop()
        self._over, self.error = Event(), ""
        Thread(target=self._run, args=(path, face, self._over), daemon=True).start()

    def stop(self) -> None:
        """Send no more."""
        self._over.set()

    def _run(self, path: Path, face: FaceConfig, over: Event) -> None:
        began: float | None = None
        times: list[float] = []
        rows: list[list[float]] = []
        try:
            for t, pose in poses(path, face, self._note):
                if began is None:
                    began = time.monotonic()
                    self._pass_on(over, SetPlayback(path.name))
                times.append(t)
                rows.append(pose.tolist())
                if len(rows) == PIECE:
                    self._pass_on(over, PlaybackPoses(times, rows))
                    times, rows = [], []
                    if over.wait(max(0.0, t - AHEAD_S - (time.monotonic() - began))):
                        return
            self._pass_on(over, PlaybackPoses(times, rows))
        except MienError as e:
            self.error = e.message
        self._pass_on(over, PlaybackSent())

    def _note(self, what: str) -> None:
        self.error = what

    def _pass_on(self, over: Event, message: Request) -> None:
        with self._lock:
            if not over.is_set():
                self._send(message)
