"""Record and replay in the panel. What goes wrong is shown, and the face lives on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final

from robot.config import FaceConfig
from robot.errors import MienError
from robot.live.playback import poses
from robot.live.tape import FOLDER, SUFFIX, path_of
from robot.panel.meters import tape

PIECE: Final = 60
"""Poses in a message to the loop."""
AHEAD_S: Final = 5.0
"""How much of a recording is on its way before it is shown."""
NONE: Final = "(none yet)"


class Recordings:
    """A tab with a name, buttons, and a line that says what goes on.

    Args:
        gui: of the server. say: hears ("record", name or None), ("replay", name or None), pieces.
        folder: where recordings lie.
    """

    def __init__(
        self,
        gui: Any,
        say: Callable[[tuple[Any, ...]], None],
        face: FaceConfig,
        folder: Path = FOLDER,
    ) -> None:
        self._say, self._face, self._folder = say, face, folder
        self._wrong = ""
        self._shown = ""
        self._player = Player(say)
        gui.add_markdown("**Record** everything that the face does")
        self._name = gui.add_text("name", self._free())
        begin = gui.add_button("● record", color="red")
        end = gui.add_button("■ stop and save")
        gui.add_divider()
        gui.add_markdown("**Replay** on the face, instead of the voice")
        self._choice = gui.add_dropdown("recording", self._names())
        play = gui.add_button("▶ replay")
        stop = gui.add_button("■ stop replay")
        gui.add_divider()
        self._status = gui.add_markdown("")
        begin.on_click(lambda _: self._begin())
        end.on_click(lambda _: self._say(("record", None)))
        play.on_click(lambda _: self._play())
        stop.on_click(lambda _: self._stop())

    def show(self, state: dict[str, Any]) -> None:
        """What the loop says of its recording, with what went wrong here."""
        wrong = self._player.wrong or self._wrong
        text = tape(state) + (f"\n\n**error:** {wrong}" if wrong else "")
        if text == self._shown:
            return
        self._shown = self._status.content = text
        names = self._names()
        if names != tuple(self._choice.options):
            self._choice.options = names
            self._choice.value = names[-1]
        if not state["tape"]["name"] and path_of(self._name.value, self._folder).exists():
            self._name.value = self._free()

    def _begin(self) -> None:
        self._wrong = ""
        try:
            path_of(self._name.value, self._folder)
        except MienError as e:
            self._wrong = e.message
        else:
            self._say(("record", self._name.value))

    def _play(self) -> None:
        self._wrong = ""
        name = self._choice.value
        if name == NONE:
            self._wrong = "nothing was recorded yet"
        else:
            self._player.play(path_of(name, self._folder), self._face)

    def _stop(self) -> None:
        self._player.stop()
        self._say(("replay", None))

    def _names(self) -> tuple[str, ...]:
        found = sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda p: p.stat().st_mtime)
        return tuple(p.name.removesuffix(SUFFIX) for p in found) or (NONE,)

    def _free(self) -> str:
        taken, k = self._names(), 1
        while f"take-{k}" in taken:
            k += 1
        return f"take-{k}"


class Player:
    """Reads a recording in a thread and hands it to the loop in pieces, a little ahead of time."""

    def __init__(self, say: Callable[[tuple[Any, ...]], None]) -> None:
        self._say = say
        self._lock = Lock()
        self._over = Event()
        self.wrong = ""

    def play(self, path: Path, face: FaceConfig) -> None:
        """Begin with this one; another that is being played ends."""
        self.stop()
        self._over, self.wrong = Event(), ""
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
                    self._tell(over, ("replay", path.name))
                times.append(t)
                rows.append(pose.tolist())
                if len(rows) == PIECE:
                    self._tell(over, ("piece", times, rows))
                    times, rows = [], []
                    if over.wait(max(0.0, t - AHEAD_S - (time.monotonic() - began))):
                        return
            self._tell(over, ("piece", times, rows))
        except MienError as e:
            self.wrong = e.message
        self._tell(over, ("played",))

    def _note(self, what: str) -> None:
        self.wrong = what

    def _tell(self, over: Event, message: tuple[Any, ...]) -> None:
        with self._lock:
            if not over.is_set():
                self._say(message)
