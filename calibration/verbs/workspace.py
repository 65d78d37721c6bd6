"""The workspace of a calibration: its folder, its metrics, and the next command to run."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from rich.console import Console

from mien.calibration.capture.dataset import has_records
from mien.calibration.identify.face_fit import MODEL
from mien.calibration.plan.stages import StageCommand, another_folder
from mien.models.formats import read_json
from mien.models.self_model import model as self_model
from mien.models.self_model.model import SelfModel
from mien.robot.errors import DeviceError, InputError, MienError
from mien.robot.face.config import FaceConfig
from mien.robot.progress import Steps
from mien.robot.runs import write_json

METRICS = "metrics.json"
MOVING_STAGES = ("collect", "verify", "check", "trim", "all")
RIG_OPTIONS = ("port", "camera", "camera-delay", "build", "seed", "fault")
OBJECTS = {"opened": 1, "dropped": 2, "pace": 2, "curve": 1, "reach": 1}
"""Metrics that are JSON objects, and their depth."""
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
            InputError: the file is damaged or of a newer Mien.
        """
        path = self.folder / METRICS
        try:
            content = read_json(path)
            for name, depth in OBJECTS.items():
                if not _is_object(content.get(name, {}), depth):
                    raise ValueError(f"{name!r} must be an object{' of objects' * (depth - 1)}")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as e:
            kept = shlex.join(["mv", str(path), f"{path}.damaged"])
            again = shlex.join(self._words("fit", self.folder))
            raise InputError(f"cannot read {path}: {e}", f"{kept} && {again}") from e
        return content

    def merge(self, more: dict[str, Any]) -> None:
        """Add metrics, and write all to disk."""
        write_json(self.folder / METRICS, self.metrics() | more)

    def model(self, face: FaceConfig) -> SelfModel:
        """The folder's self-model.

        Raises:
            InputError: there is none, it is damaged, or it is of another face.
        """
        path = self.folder / MODEL
        stage = "fit" if has_records(self.folder, face) else "all"
        if not path.exists():
            raise InputError(f"{self.folder} holds no self-model ({MODEL})", self.command(stage))
        try:
            return self_model.load(path, face.name, face.hashes)
        except MienError as e:
            raise InputError(e.message, self.command(stage)) from e

    @property
    def new_folder(self) -> Path:
        """A folder for another calibration; it does not exist yet."""
        return another_folder(self.folder)

    def command(
        self, stage: str, folder: Path | None = None, opened: Mapping[str, Any] | None = None
    ) -> str:
        """The command of a stage, for a shell.

        A stage that moves the robot gets ``opened``, the options of the robot; None: those of the
        last session.
        """
        words = self._words(stage, folder or self.folder)
        if stage in MOVING_STAGES:
            options = self.metrics().get("opened", {}) if opened is None else opened
            for option in RIG_OPTIONS:
                values = options.get(option, [])
                for value in values if isinstance(values, list) else [values]:
                    words += [f"--{option}", str(value)]
        return shlex.join(words)

    def _words(self, stage: str, folder: Path) -> list[str]:
        return ["mien", "calibrate", stage, "--face", self.face, "--out", str(folder)]

    def _completed(self, hint: str) -> str:
        """The hint of an error; a stage's command gets the options of the last session."""
        if not isinstance(hint, StageCommand):
            return hint
        return self.command(hint.stage, self.new_folder if hint.elsewhere else None)

    def demo(self) -> str:
        """The command that shows the calibrated face."""
        model = str(self.folder / MODEL)
        return shlex.join(["mien", "demo", "--face", self.face, "--calibration", model])

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
        except MienError as e:
            e.hint = self._completed(e.hint or self.command(stage))
            raise
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


def _is_object(value: object, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) and depth > 1 else ()
    return isinstance(value, dict) and all(_is_object(v, depth - 1) for v in inner)


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
