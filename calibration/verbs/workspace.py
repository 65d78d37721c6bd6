"""What comes next, in every stage and after every error, and the numbers that stages hand on."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from rich.console import Console

from mien.calibration.capture.dataset import RECORDS
from mien.calibration.identify.fit import MODEL
from mien.robot.errors import DeviceError, InputError
from mien.robot.progress import Steps
from mien.robot.runs import write_json

METRICS = "metrics.json"
MOVING = ("collect", "verify", "check", "trim", "all")
OPENING = ("port", "camera", "camera-delay", "build", "seed", "fault")
log = Console(stderr=True, soft_wrap=True)


@dataclass(frozen=True)
class Place:
    """Where a face's calibration lies, as the user named both."""

    face: str
    folder: Path

    @classmethod
    def of(cls, face: str, out: Path | None) -> Place:
        """``--out``, or the usual place."""
        return cls(face, out or Path("runs") / f"calibration-{Path(face).stem}")

    def metrics(self) -> dict[str, Any]:
        """What is known so far.

        Raises:
            InputError: the file is damaged.
        """
        path = self.folder / METRICS
        if not path.exists():
            return {}
        try:
            content: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as e:
            again = f"mien calibrate verify --face {self.face} --out {self.folder}"
            raise InputError(f"cannot read {path}: {e}", f"rm {path}, then {again}") from e
        return content

    def merge(self, more: dict[str, Any]) -> None:
        """Add to what is known."""
        write_json(self.folder / METRICS, self.metrics() | more)

    def need_model(self) -> None:
        """Raises:
        InputError: nothing was fitted here.
        """
        if not (self.folder / MODEL).exists():
            collected = (self.folder / RECORDS).exists()
            raise InputError(
                f"{self.folder} holds no self-model ({MODEL})",
                self.command("fit" if collected else "all"),
            )

    @property
    def another(self) -> Path:
        """A folder for a new calibration."""
        return self.folder.with_name(f"{self.folder.name}-2")

    def command(self, stage: str, folder: Path | None = None) -> str:
        """The command of a stage; one that moves the robot says which, as it was said before."""
        out = str(folder or self.folder)
        words = ["mien", "calibrate", stage, "--face", self.face, "--out", out]
        if stage in MOVING:
            said = self.metrics().get("opened", {})
            for option in OPENING:
                values = said.get(option, [])
                for value in values if isinstance(values, list) else [values]:
                    words += [f"--{option}", str(value)]
        return " ".join(words)

    def demo(self) -> str:
        """The command that shows what was learned."""
        return f"mien demo --face {self.face} --calibration {self.folder / MODEL}"

    def say_next(self, stage: str) -> None:
        """Print the next command, on stderr."""
        say(self.command(stage))

    @contextmanager
    def going_on_with(self, stage: str) -> Iterator[None]:
        """Errors, Ctrl-C and SIGTERM inside name the command that goes on from there."""

        def asked_to_end(*_: object) -> NoReturn:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, asked_to_end)
        try:
            yield
        except DeviceError as e:
            again = self.command(stage)
            hint = f"{e.hint}, then {again}" if e.hint else again
            raise DeviceError(e.message, e.hint if again in e.hint else hint) from e
        except OSError as e:
            where = e.filename or self.folder
            raise InputError(
                f"cannot use {where}: {e.strerror or e}; what was collected is kept",
                self.command(stage),
            ) from e
        except KeyboardInterrupt:
            say(self.command(stage))
            raise
        finally:
            signal.signal(signal.SIGTERM, before)


def say(command: str) -> None:
    """Print a next command, on stderr and in one line, so that it can be copied."""
    log.print(f"next: {command}", markup=False, highlight=False)


class Tell(Protocol):
    """Hears how far a stage is."""

    def __call__(self, done: int, whole: int, note: str = "") -> None:
        """``done`` of ``whole``."""


@contextmanager
def progress(verb: str) -> Iterator[Tell]:
    """A bar with the time left and a note, on a terminal only."""
    with Steps() as steps:
        share = steps.start(verb)

        def tell(done: int, whole: int, note: str = "") -> None:
            share(done / max(whole, 1), note)

        yield tell
