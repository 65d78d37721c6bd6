"""The reference observation of a real face at rest: later sessions must find the same face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.calibration.capture.frame_filter import REASONS, CapturedFrame, has_moved, medoid_pose
from mien.calibration.plan.stages import StageCommand
from mien.models.face.regions import COUNT
from mien.models.formats import read_arrays, write_arrays
from mien.models.reading.arrays import check_finite
from mien.robot.errors import ConfigError, DeviceError, InputError
from mien.robot.face.config import FaceConfig, Floats

FILE, VERSION = "rest.npz", 1
_SHAPES = {"landmarks": (COUNT, 3), "head": (4, 4), "bias": (COUNT, 3)}
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
        content = {"landmarks": self.landmarks, "head": self.head, "bias": self.bias}
        write_arrays(folder / FILE, VERSION, content)

    @classmethod
    def load(cls, folder: Path, face: FaceConfig) -> RestPose | None:
        """Read the reference of a folder; None in a new folder.

        Raises:
            InputError: the file is damaged or of a newer Mien.
        """
        path = folder / FILE
        if not path.exists():
            return None
        try:
            z = read_arrays(path, VERSION)
            shapes = {name: z[name].shape for name in _SHAPES}
            if shapes != _SHAPES:
                raise ValueError(f"its arrays have the shapes {shapes}, expected {_SHAPES}")
            check_finite(path, z, *_SHAPES)
            return cls(*(np.asarray(z[name], np.float64) for name in _SHAPES))
        except (OSError, KeyError, ValueError, TypeError) as e:
            raise InputError(
                f"cannot read {path}: {e}", StageCommand.of("all", face, folder, elsewhere=True)
            ) from e


def median_rest_pose(frames: list[CapturedFrame], bias: Floats) -> RestPose:
    """Median landmarks and medoid head pose of some frames of the face at rest."""
    landmarks = np.median([f.landmarks for f in frames], axis=0)
    return RestPose(landmarks, medoid_pose([f.head for f in frames]), bias)


def check_same(before: RestPose, now: RestPose, folder: Path, face: FaceConfig) -> None:
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
            StageCommand.of("all", face, folder, elsewhere=True),
        )
    if has_moved(before.head, now.head):
        raise DeviceError(
            f"head or camera have moved since the calibration in {folder} was begun",
            f"{REASONS['moved'][1]} (or begin a new one with another --out)",
        )
