"""The workspace of a calibration: its folder, its metrics, and the next command to run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from rich.console import Console

from mien.calibration.capture.dataset import RECORDS
from mien.calibration.identify.fit import MODEL
from mien.models.reading.bounded import FileError
from mien.models.reading.json_file import read_object
from mien.robot.errors import DeviceError, InputError
from mien.robot.progress import Steps
from mien.robot.runs import write_json

METRICS = "metrics.json"
MAX_METRICS_BYTES = 4 << 20
MOVING_STAGES = ("collect", "verify", "check", "trim", "all")
RIG_OPTIONS = ("port", "camera", "camera-delay", "build", "seed", "fault")
log = Console(stderr=True, soft_wrap=True)


@dataclass(frozen=True)
class Workspace:
    """Folder of a face's calibration.

    Attributes:
        face: name or YAML file, as the user gave it.
        folder: as the user gave it.
    """

    face: str
    folder: Path

    @classmethod
    def of(cls, face: str, out: Path | None) -> Workspace:
        """The workspace at ``out``, or at the default folder."""
        return cls(face, out or Path("runs") / f"calibration-{Path(face).stem}")

    def metrics(self) -> dict[str, Any]:
        """Metrics that the stages have written so far.

        Raises:
            InputError: the file is damaged.
        """
        path = self.folder / METRICS
        if not path.exists():
            return {}
        try:
            content = read_object(path, MAX_METRICS_BYTES)
        except (OSError, FileError) as e:
            again = f"mien calibrate verify --face {self.face} --out {self.folder}"
            raise InputError(f"cannot read {path}: {e}", f"rm {path}, then {again}") from e
        return content

    def merge(self, more: dict[str, Any]) -> None:
        """Add metrics, and write all to disk."""
        write_json(self.folder / METRICS, self.metrics() | more)

    def require_model(self) -> None:
        """Check that the folder holds a self-model.

        Raises:
            InputError: it holds none.
        """
        if not (self.folder / MODEL).exists():
            collected = (self.folder / RECORDS).exists()
            raise InputError(
                f"{self.folder} holds no self-model ({MODEL})",
                self.command("fit" if collected else "all"),
            )

    @property
    def new_folder(self) -> Path:
        """A folder for another calibration."""
        return self.folder.with_name(f"{self.folder.name}-2")

    def command(self, stage: str, folder: Path | None = None) -> str:
        """The command of a stage. If it moves the robot, it has the options of the last session."""
        out = str(folder or self.folder)
        words = ["mien", "calibrate", stage, "--face", self.face, "--out", out]
        if stage in MOVING_STAGES:
            options = self.metrics().get("opened", {})
            for option in RIG_OPTIONS:
                values = options.get(option, []) if isinstance(options, dict) else []
                for value in values if isinstance(values, list) else [values]:
                    words += [f"--{option}", str(value)]
        return " ".join(words)

    def demo(self) -> str:
        """The command that shows the calibrated face."""
        return f"mien demo --face {self.face} --calibration {self.folder / MODEL}"

    def print_next(self, stage: str) -> None:
        """Print the command of the next stage on stderr."""
        print_command(self.command(stage))

    @contextmanager
    def resumable(self, stage: str) -> Iterator[None]:
        """Context in which errors, Ctrl-C and SIGTERM name the command that resumes the stage."""

        def on_sigterm(*_: object) -> NoReturn:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, on_sigterm)
        try:
            yield
        except DeviceError as e:
            again = self.command(stage)
            hint = f"{e.hint}, then {again}" if e.hint else again
            raise DeviceError(e.message, e.hint if again in e.hint else hint) from e
        except OSError as e:
            where = e.filename or self.folder
            raise InputError(
                f"cannot use {where}: {e.strerror or e}; collected poses are kept",
                self.command(stage),
            ) from e
        except KeyboardInterrupt:
            print_command(self.command(stage))
            raise
        finally:
            signal.signal(signal.SIGTERM, before)


def print_command(command: str) -> None:
    """Print a next command on stderr, in one line, so that it can be copied."""
    log.print(f"next: {command}", markup=False, highlight=False)


class ReportProgress(Protocol):
    """Callback of a stage's progress."""

    def __call__(self, done: int, whole: int, note: str = "") -> None:
        """``done`` of ``whole`` steps are done; ``note`` is shown beside."""


@contextmanager
def progress(verb: str) -> Iterator[ReportProgress]:
    """Progress bar with remaining time and note; shown on a terminal only."""
    with Steps() as steps:
        share = steps.start(verb)

        def report(done: int, whole: int, note: str = "") -> None:
            share(done / max(whole, 1), note)

        yield report
