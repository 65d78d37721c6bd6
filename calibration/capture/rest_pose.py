"""How a real face looked at rest when its calibration began: later sessions must find it again."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.calibration.capture.frame_filter import REASONS, Frame, middle, moved
from mien.robot.errors import ConfigError, DeviceError, InputError
from mien.robot.face.config import Floats

FILE = "rest.npz"
OTHER_MM = 3.5
"""RMS in x and y between two faces at rest; see ``frames`` for what it lies between."""


@dataclass(frozen=True, eq=False)
class Rest:
    """The face at rest.

    Attributes:
        landmarks: (478, 3) mm.
        head: (4, 4) before the camera.
        bias: (478, 3) mm, what the tracker gets wrong about this face.
    """

    landmarks: Floats
    head: Floats
    bias: Floats

    def save(self, folder: Path) -> None:
        """Write it whole or not at all."""
        part = (folder / FILE).with_suffix(".part")
        with part.open("wb") as f:
            np.savez(f, landmarks=self.landmarks, head=self.head, bias=self.bias)
        part.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path, face: str) -> Rest | None:
        """What the folder knows; None in a new one.

        Raises:
            InputError: the file is damaged.
        """
        path = folder / FILE
        if not path.exists():
            return None
        try:
            with path.open("rb") as f, np.load(f) as z:
                return cls(z["landmarks"], z["head"], z["bias"])
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as e:
            raise InputError(
                f"cannot read {path}: {e}", f"mien calibrate all --face {face} --out {folder}-2"
            ) from e


def seen_at_rest(frames: list[Frame], bias: Floats) -> Rest:
    """The middle of some looks at the resting face."""
    return Rest(
        np.median([f.landmarks for f in frames], axis=0), middle([f.head for f in frames]), bias
    )


def check_same(before: Rest, now: Rest, folder: Path, face: str) -> None:
    """Whether it is the same face in the same place.

    Raises:
        ConfigError: another face.
        DeviceError: head or camera stand elsewhere.
    """
    off = (now.landmarks - before.landmarks)[:, :2]
    rms = float(np.sqrt(np.square(off).sum(-1).mean()))
    if rms > OTHER_MM:
        raise ConfigError(
            f"the face before the camera is at rest {rms:.1f} mm (RMS) from the one in {folder}, "
            f"allowed are {OTHER_MM:g}: it is another face, or has changed too much",
            f"mien calibrate all --face {face} --out {folder}-2",
        )
    if moved(before.head, now.head):
        raise DeviceError(
            f"the head is elsewhere before the camera than when {folder} was begun",
            f"{REASONS['moved'][1]} (or begin anew with another --out)",
        )
