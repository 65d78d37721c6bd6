"""The reference observation of a real face at rest: later sessions must find the same face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.calibration.capture.frame_filter import REASONS, CapturedFrame, has_moved, medoid_pose
from mien.models.face.regions import COUNT
from mien.models.files import whole
from mien.models.reading.arrays import check_finite, check_shapes, read_npz
from mien.models.reading.bounded import FileError
from mien.robot.errors import ConfigError, DeviceError, InputError
from mien.robot.face.config import Floats

FILE = "rest.npz"
_LAYOUT: dict[str, tuple[int | str, ...]] = {
    "landmarks": (COUNT, 3), "head": (4, 4), "bias": (COUNT, 3),
}  # fmt: skip
MAX_REST_DIFFERENCE_MM = 3.5
"""RMS in x and y between two observations of one face at rest; ``frame_filter`` has the
measurements."""


@dataclass(frozen=True, eq=False)
class RestPose:
    """A face at rest.

    Attributes:
        landmarks: (478, 3) mm.
        head: (4, 4) pose of the head in the camera frame, mm.
        bias: (478, 3) mm, the tracker's error for this face.
    """

    landmarks: Floats
    head: Floats
    bias: Floats

    def save(self, folder: Path) -> None:
        """Write the file whole or not at all."""
        with whole(folder / FILE) as part, part.open("wb") as f:
            np.savez(f, landmarks=self.landmarks, head=self.head, bias=self.bias)

    @classmethod
    def load(cls, folder: Path, face: str) -> RestPose | None:
        """Read the reference of a folder; None in a new folder.

        Raises:
            InputError: the file is damaged.
        """
        path = folder / FILE
        if not path.exists():
            return None
        try:
            z = read_npz(path)
            check_shapes(path, z, _LAYOUT)
            check_finite(path, z, *_LAYOUT)
            return cls(z["landmarks"], z["head"], z["bias"])
        except (OSError, FileError) as e:
            raise InputError(
                f"cannot read {path}: {e}", f"mien calibrate all --face {face} --out {folder}-2"
            ) from e


def median_rest_pose(frames: list[CapturedFrame], bias: Floats) -> RestPose:
    """Median landmarks and medoid head pose of some frames of the face at rest."""
    landmarks = np.median([f.landmarks for f in frames], axis=0)
    return RestPose(landmarks, medoid_pose([f.head for f in frames]), bias)


def check_same(before: RestPose, now: RestPose, folder: Path, face: str) -> None:
    """Check that it is the same face in the same place.

    Raises:
        ConfigError: it is another face.
        DeviceError: head or camera have moved.
    """
    difference = (now.landmarks - before.landmarks)[:, :2]
    rms = float(np.sqrt(np.square(difference).sum(-1).mean()))
    if rms > MAX_REST_DIFFERENCE_MM:
        raise ConfigError(
            f"the face before the camera is at rest {rms:.1f} mm (RMS) from the one in {folder}, "
            f"allowed are {MAX_REST_DIFFERENCE_MM:g}: it is another face, or it has changed",
            f"mien calibrate all --face {face} --out {folder}-2",
        )
    if has_moved(before.head, now.head):
        raise DeviceError(
            f"head or camera have moved since the calibration in {folder} was begun",
            f"{REASONS['moved'][1]} (or begin a new one with another --out)",
        )
