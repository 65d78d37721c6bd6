"""Commands of the stages, as errors name them: complete enough to be pasted into a shell."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Self

from mien.robot.face.config import FaceConfig

PLAN, RECORDS = "plan.npz", "poses.bin"
"""Files of a calibration folder: the poses to visit, and what was observed."""


class StageCommand(str):
    """The command of a stage that a user should run next.

    The text alone works on the simulated rig. ``mien calibrate`` adds the options of the robot that
    the user has opened (``mien.calibration.verbs.workspace``).

    Attributes:
        stage: its name, such as ``collect``.
        elsewhere: True: in another folder, because this one holds something else.
    """

    __slots__ = ("elsewhere", "stage")
    stage: str
    elsewhere: bool

    @classmethod
    def of(cls, stage: str, face: FaceConfig | str, folder: Path, elsewhere: bool = False) -> Self:
        """The command of ``stage`` for a face, or for its name or YAML, and a folder."""
        given = face if isinstance(face, str) else face.given
        out = another_folder(folder) if elsewhere else folder
        words = ("mien", "calibrate", stage, "--face", given, "--out", str(out))
        command = cls(shlex.join(words))
        command.stage, command.elsewhere = stage, elsewhere
        return command


def another_folder(folder: Path) -> Path:
    """A folder beside ``folder`` that does not exist yet: its name and a number from 2."""
    named = folder if folder.name not in ("", "..") else folder.resolve()
    stem, k = named.name or "calibration", 2
    while (made := named.parent / f"{stem}-{k}").exists():
        k += 1
    return made
