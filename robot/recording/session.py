"""Recording session of a run: the whole run, or a part that the panel starts and ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any, Final

from mien.robot.errors import InputError, MienError
from mien.robot.face.config import FaceConfig
from mien.robot.names import checked
from mien.robot.recording.recorder import Recorder

FOLDER: Final = Path("runs/recordings")
"""Folder of the recordings of the panel, below the working folder."""
SUFFIX: Final = ".mcap"


def path_of(name: str, folder: Path = FOLDER) -> Path:
    """File of a recording that was named in a browser. A name is never a path.

    Raises:
        InputError: not a plain name.
    """
    return folder / (checked(name.strip().removesuffix(SUFFIX), "recording") + SUFFIX)


class RecordingSession:
    """Recording of a run, if there is one.

    An error in a recording of the whole run ends the run, because the user would notice it too late
    otherwise. An error in a part is shown on the panel and the run goes on.

    Args:
        face: face of the run.
        about: build, faults, seed and the like.
        folder: folder of parts.
        persons: also record personal data (``recorder.PERSONAL``).
    """

    def __init__(
        self,
        face: FaceConfig,
        about: Mapping[str, Any] | None = None,
        folder: Path = FOLDER,
        persons: bool = False,
    ) -> None:
        self._persons = persons
        self._face, self._about, self._folder = face, dict(about or {}), folder
        self._recorder: Recorder | None = None
        self._whole = False
        self._since: float | None = None
        self._message = ""
        self._dropped = 0
        self._closing: Thread | None = None

    @property
    def on(self) -> bool:
        """Whether a recording is active."""
        return self._recorder is not None

    @property
    def dropped(self) -> int:
        """Records that the disk was too slow for."""
        return self._dropped + (self._recorder.dropped if self._recorder else 0)

    def whole(self, path: Path) -> None:
        """Record the whole run from here on.

        Raises:
            MienError: the file cannot be made.
            InputError: the file exists; no recording is overwritten.
        """
        if path.exists() and path.stat().st_size > 0 and path.is_file():
            raise InputError(f"there is a recording at {path} already", "--record ANOTHER.mcap")
        self.hold(Recorder(path, self._face, self._about, persons=self._persons))

    def hold(self, recorder: Recorder, whole: bool = True) -> None:
        """Record the whole run with this recorder, or a part."""
        self._recorder, self._whole = recorder, whole

    def begin(self, name: str, folder: Path | None = None) -> None:
        """Begin a part, until ``end``, in ``folder`` if it is given. Errors are in ``state``."""
        if self._recorder is not None:
            self._message = f"{self._recorder.path.name} is being recorded already"
            return
        try:
            path = path_of(name, folder or self._folder)
            if path.exists():
                raise InputError(f"there is a recording called {path.name} already: another name")
            path.parent.mkdir(parents=True, exist_ok=True)
            about = {**self._about, "piece": True}
            self._recorder = Recorder(path, self._face, about, persons=self._persons, waits=False)
        except OSError as e:
            self._message = f"cannot make {folder or self._folder}: {e.strerror}"
        except MienError as e:
            self._message = e.message
        else:
            self._since, self._message = None, ""

    def end(self) -> None:
        """End a part. A thread writes its last records, so the loop waits for no disk."""
        if self._recorder is None or self._whole:
            self._message = "the whole run is recorded, to its end" if self._whole else ""
            return
        recorder, self._recorder = self._recorder, None
        self._message = f"saving {recorder.path.name}"
        self._closing = Thread(
            target=self._close, args=(recorder,), name="recording session", daemon=True
        )
        self._closing.start()

    def put(self, topic: str, t: float, content: dict[str, Any]) -> None:
        """Write a record of ``recorder.TOPICS`` at ``t`` s of the run."""
        if self._recorder is not None:
            self._since = t if self._since is None else self._since
            self._recorder.put(topic, t, content)

    def check(self) -> None:
        """Check that the recording can be written.

        Raises:
            MienError: a recording of the whole run can no longer be written.
        """
        if self._recorder is None:
            return
        if self._whole:
            self._recorder.check()
        elif self._recorder.failed is not None:
            failed, name = self._recorder.failed, self._recorder.path.name
            self.end()
            self._message = f"{name} stopped: {failed.strerror or failed}"

    def state(self, t: float) -> dict[str, Any]:
        """State for the panel: name (empty without a recording), seconds, dropped, message."""
        on = self._recorder
        return {
            "name": on.path.name if on else "",
            "seconds": t - self._since if on and self._since is not None else 0.0,
            "dropped": self.dropped,
            "message": self._message,
        }

    def close(self) -> None:
        """Write the remaining records and end the file."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self._close(recorder)
        if self._closing is not None:
            self._closing.join(10.0)

    def _close(self, recorder: Recorder) -> None:
        recorder.close()
        self._dropped += recorder.dropped
        if recorder.failed is None:
            self._message = f"saved {recorder.path.name}"
        else:
            self._message = f"{recorder.path.name} is not whole: {recorder.failed.strerror}"
